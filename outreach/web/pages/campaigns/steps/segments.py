"""Step 1, too: who stands behind a number of the account, and a campaign's audience kept as a saved segment."""

from flask import flash, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import planning, results, segments
from outreach.campaigns.counting import Class
from outreach.campaigns.results import behind
from outreach.campaigns.segments import to_json
from outreach.core.db import Session
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Reason
from outreach.web.pages.campaigns.blueprint import pages, show, step_of
from outreach.web.pages.campaigns.steps.asked_audience import asked_of
from outreach.web.pages.campaigns.steps.audience import meant_by, part_of, stated_in_address
from outreach.web.pages.campaigns.steps.forms import KeptSegmentForm
from outreach.web.shared.beginning import out_of_scope
from outreach.web.ui.fields import posted_number, telling
from outreach.web.ui.pager import Shown, sorting
from outreach.web.ui.request import actor, database, needs, now, reading


@pages.get("/<number:number>/audience/authorities")
@needs(RoleName.READER)
def list_audience(number: int) -> str:
    with reading() as session:
        return _list(session, number, request.args)


def _list(session: Session, number: int, given: MultiDict[str, str], form: KeptSegmentForm | None = None) -> str:
    """The authorities behind a number of the account of the audience that is asked for; else those who receive."""
    campaign = planning.campaign_numbered(session, number)
    step, asked = step_of(session, "audience", campaign), asked_of(session, campaign, given)
    if asked.fault and asked.is_kept:
        raise InputError(asked.fault)
    part = part_of(given)
    words: dict[Class | Reason, str] = {
        Class.TO_COME: "Reçoivent le courriel",
        Class.OUT_OF_SCOPE: f"Ne reçoivent pas : {out_of_scope(asked.strand, asked.concerns)}",
        Class.ALREADY_JOINED: "Ne reçoivent pas : toutes leurs écoles ont adhéré ou le déclarent",
    }
    shown = Shown.of(request, behind(session, *meant_by(session, campaign, asked), part, sort=sorting(request)))
    is_own = to_json(asked.criterion) == to_json(planning.criterion_of(campaign))
    return show(
        "audience_list",
        step,
        heading=words.get(part) or f"Ne reçoivent pas : {part.label if isinstance(part, Reason) else part}",
        asked_in=stated_in_address(session, asked),
        part=part.value,
        shown=shown,
        letters=results.letters_received_by(session, [row.Authority.id for row in shown.rows], now=now()),
        received_told=results.letters_in_words,
        **({"form": form or KeptSegmentForm()} if is_own and step.may_change else {}),
        use=planning.use_of(session, campaign),
    )


@pages.post("/<number:number>/segment")
@needs(RoleName.AUTHOR)
def keep_segment(number: int) -> Redirect | tuple[str, int]:
    """Save a campaign's audience: under a new name, or as what a segment says from now on."""
    form, chosen = KeptSegmentForm(), posted_number("segment")
    name = (form.name.data or "").strip()
    with telling(form.name), database().writing() as session:
        campaign = planning.in_turn(session, number)
        if name or chosen is None:
            version = planning.keep_as(session, campaign, name, now=now(), actor=actor())
        else:
            segment = segments.segment_numbered(session, chosen)
            version = planning.keep_in(session, campaign, segment, now=now(), actor=actor())
        said = f"Ce public est enregistré dans le segment « {version.segment.name} », version {version.number}."
    if form.errors:
        with reading() as session:
            return _list(session, number, MultiDict(), form), 422
    flash(said, "success")
    return redirect(url_for(".audience", number=number))
