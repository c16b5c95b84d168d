"""From a list to the calls of a campaign."""

from collections.abc import Collection

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import lifecycle
from outreach.campaigns.calling import asked_calls
from outreach.web.ui.request import actor, database, now


def call_those(number: int, authorities: Collection[int]) -> Redirect:
    """Add the authorities of a list to the calls of a campaign, and lead there. Raises as `asked_calls.ask`."""
    with database().writing() as session:
        asked = asked_calls.ask(session, lifecycle.in_turn(session, number), authorities, now=now(), actor=actor())
    flash(asked.told, "success" if asked.added else "info")
    return redirect(url_for("campaigns.list_calls", number=number))
