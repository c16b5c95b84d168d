"""The audience of a planned wave beside the approved one, and its confirmation by an approver."""

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.access import approvals
from outreach.access.approvals import Extent
from outreach.campaigns import planning, waves
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.web.pages.campaigns.blueprint import pages, show, step_of
from outreach.web.ui.fields import posted_number
from outreach.web.ui.request import actor, database, needs, now, reading


@pages.get("/<number:number>/waves/<number:wave>/drift")
@needs(RoleName.READER)
def drift(number: int, wave: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        planned = waves.planned_wave(campaign, wave)
        counts = waves.counts_of(session, planned, now=now())
        return show(
            "drift",
            step_of(session, "drift", campaign),
            wave=planned,
            approved=waves.approved_extent(session, planned),
            counts=counts,
            drift=waves.drift_of(session, planned, counts),
            is_approved=waves.wave_approval(session, planned) is not None,
            may_confirm=approvals.may_decide(session, actor(), *waves.sent_by(planned)),
        )


@pages.post("/<number:number>/waves/<number:wave>/drift")
@needs(RoleName.APPROVER)
def confirm_drift(number: int, wave: int) -> Redirect:
    seen = [posted_number(name) for name in ("authorities", "letters")]
    if None in seen:
        raise InputError("Relisez les nombres de la page, puis confirmez.")
    authorities, letters = seen
    with database().writing() as session:
        campaign = planning.in_turn(session, number)
        planned = waves.planned_wave(campaign, wave)
        waves.confirm_audience(session, planned, Extent(authorities or 0, letters), now=now(), actor=actor())
    flash("Le public est confirmé tel qu’il est devenu : la vague partira à son heure.", "success")
    return redirect(url_for(".progress_page", number=number))
