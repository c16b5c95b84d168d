"""A planned wave that falls into a closure added since, moved by who planned it or by an approver."""

from contextlib import suppress
from datetime import datetime

from flask import flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import planning, waves
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.web.pages.campaigns.blueprint import pages
from outreach.web.ui.fields import posted
from outreach.web.ui.request import actor, database, needs, now


@pages.post("/<number:number>/waves/<number:wave>/move")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def move_wave(number: int, wave: int) -> Redirect:
    to, may_approve = _moment(posted("to")), current_user.holds(RoleName.APPROVER)
    with database().writing() as session:
        campaign = planning.in_turn(session, number)
        moved = waves.move_wave(session, campaign, wave, to, now=now(), actor=actor(), may_approve=may_approve)
        sentence = f"La {moved.name} part le {french.weekday(moved.due_at)} à {french.hour(moved.due_at)}."
    flash(sentence, "success")
    return redirect(url_for(".waves", number=number))


def _moment(text: str) -> datetime:
    """The instant that the page proposed. Raises InputError."""
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at
    raise InputError("Ce moment ne se lit pas : rechargez la page des vagues.")
