"""Whether letters leave, for the banner of every page; and trying the relays again now, from there."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, request
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.roles import RoleName
from outreach.delivery import sending, workers
from outreach.web.ui.request import actor, database, needs, now, settings

pages = Blueprint("sending", __name__, url_prefix="/sending")
SENDERS = (RoleName.AUTHOR, RoleName.APPROVER, RoleName.ADMINISTRATOR)  # who may have a relay tried again


@dataclass(frozen=True, slots=True)
class Clock:
    """What staff pages show of the clock: whether it ticks, and how long ago it last did.

    `hindrances` are sentences on why no letter can leave from an installation, by its place. `leaves`: letters leave
    from another one. `alarms` are the relays' alarms that `hindrances` do not contain, with the place of each.
    `others_serve`: letters still leave by another relay. `may_retry`: a relay rests or is in alarm, and the person may
    have it tried now.
    """

    ticks: bool
    ago: str
    hindrances: dict[str, str]
    alarms: list[tuple[str, str]]
    leaves: bool = False
    others_serve: bool = False
    may_retry: bool = False


def clock(session: Session) -> Clock:
    """What the banner shows of the clock, and whether the person who is signed in may have relays tried."""
    passes, relays = workers.last_passes(session), sending.relay_states(session)
    alive = [passed for passed in passes if not workers.is_late(passed.at, now=now())]
    hindrances = {passed.place: passed.hindrance for passed in alive if passed.hindrance}
    alarms = [(state.place, alarm) for state in relays for alarm in sending.relay_alarms([state])]
    others = [(place, alarm) for place, alarm in alarms if alarm not in hindrances.get(place, "")]
    if not passes:
        return Clock(False, "", {}, others)
    since = now() - max(passed.at for passed in passes)
    alarmed = Counter(place for place, _ in alarms)
    serving = [passed for passed in alive if passed.place not in hindrances]
    return Clock(
        bool(alive),
        french.ago(since.total_seconds()),
        hindrances,
        others,
        leaves=bool(serving),
        others_serve=any(alarmed[passed.place] < len(settings().relays) for passed in serving),
        may_retry=any(sending.is_held(state, now=now()) for state in relays) and current_user.holds(*SENDERS),
    )


@pages.post("/retry")
@needs(*SENDERS)
def retry() -> Redirect:
    """Have the relays tried at the clock's next pass, and go back to where one was."""
    with database().writing() as writing:
        tried = sending.try_now(writing, now=now(), actor=actor())
    if tried:
        relays = french.plural(len(tried), "serveur d’envoi est essayé", "serveurs d’envoi sont essayés")
        flash(f"{relays} de nouveau dans les secondes qui viennent.", "success")
    else:
        flash("Aucun serveur d’envoi n’attendait : rien n’est changé.", "info")
    return redirect(_where_one_was())


def _where_one_was() -> str:
    """The page of ours that the browser names, never another site's."""
    came = urlsplit(request.referrer or "")
    here = came.path + (f"?{came.query}" if came.query else "")
    is_ours = came.netloc.lower() == request.host
    return here if is_ours and here.startswith("/") and here[1:2] not in {"/", "\\"} else "/"
