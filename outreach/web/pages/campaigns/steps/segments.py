"""Step 1, too: keep a campaign's audience as a saved segment, or take the audience of one."""

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns.planning import lifecycle, segment_uses
from outreach.campaigns.segments import saved
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.web.pages.campaigns.blueprint import pages
from outreach.web.pages.campaigns.steps.audience import saved_audience
from outreach.web.pages.campaigns.steps.forms import KeptSegmentForm
from outreach.web.ui.fields import posted_number, telling
from outreach.web.ui.request import actor, database, needs, now, reading


@pages.post("/<number:number>/segment")
@needs(RoleName.AUTHOR)
def keep_segment(number: int) -> Redirect | tuple[str, int]:
    """Save a campaign's audience: under a new name, or as what a segment says from now on."""
    form, chosen = KeptSegmentForm(), posted_number("segment")
    name = (form.name.data or "").strip()
    with telling(form.name), database().writing() as session:
        campaign = lifecycle.in_turn(session, number)
        if name or chosen is None:
            version = segment_uses.keep_as(session, campaign, name, now=now(), actor=actor())
        else:
            segment = saved.segment_numbered(session, chosen)
            version = segment_uses.keep_in(session, campaign, segment, now=now(), actor=actor())
        said = f"Ce public est enregistré dans le segment « {version.segment.name} », version {version.number}."
    if form.errors:
        with reading() as session:
            return saved_audience(session, number, form), 422
    flash(said, "success")
    return redirect(url_for(".audience", number=number))


@pages.post("/<number:number>/segment/taken")
@needs(RoleName.AUTHOR)
def take_segment(number: int) -> Redirect:
    """Give a campaign the audience that a segment means now."""
    chosen = posted_number("segment")
    if chosen is None:
        raise Refused("Choisissez un segment.")
    with database().writing() as session:
        segment = saved.segment_numbered(session, chosen)
        segment_uses.take(session, lifecycle.in_turn(session, number), segment, now=now(), actor=actor())
        said = f"Le public est celui du segment « {segment.name} »."
    flash(said, "success")
    return redirect(url_for(".audience", number=number))
