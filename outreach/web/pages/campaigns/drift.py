"""The audience of a planned wave beside the approved one, and its confirmation by an approver."""

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.access.approvals import decisions
from outreach.access.approvals.decisions import Extent
from outreach.campaigns.planning import lifecycle
from outreach.campaigns.waves import added_reminders
from outreach.campaigns.waves import drift as drifts
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.web.pages.campaigns.blueprint import pages, show, step_of
from outreach.web.ui.fields import posted_number
from outreach.web.ui.request import actor, database, needs, now, reading


@pages.get("/<number:number>/waves/<number:wave>/drift")
@needs(RoleName.READER)
def drift(number: int, wave: int) -> str:
    with reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        planned = drifts.planned_wave(campaign, wave)
        counts = drifts.counts_of(session, planned, now=now())
        return show(
            "drift",
            step_of(session, "drift", campaign),
            wave=planned,
            approved=added_reminders.approved_extent(session, planned),
            counts=counts,
            drift=drifts.drift_of(session, planned, counts),
            is_approved=added_reminders.wave_approval(session, planned) is not None,
            may_confirm=decisions.may_decide(session, actor(), *added_reminders.sent_by(planned)),
        )


@pages.post("/<number:number>/waves/<number:wave>/drift")
@needs(RoleName.APPROVER)
def confirm_drift(number: int, wave: int) -> Redirect:
    seen = [posted_number(name) for name in ("authorities", "letters")]
    if None in seen:
        raise InputError("Relisez les nombres de la page, puis confirmez.")
    authorities, letters = seen
    with database().writing() as session:
        campaign = lifecycle.in_turn(session, number)
        planned = drifts.planned_wave(campaign, wave)
        drifts.confirm_audience(session, planned, Extent(authorities or 0, letters), now=now(), actor=actor())
    flash("Le public est confirmé tel qu’il est devenu : la vague partira à son heure.", "success")
    return redirect(url_for(".progress_page", number=number))
