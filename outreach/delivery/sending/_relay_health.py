"""The health of relays: failures, rests, alarms, and what keeps letters from leaving.

Each installation has states of its own, by its `place`: one may reach a relay that another does not.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, or_, select, update

from outreach.core import audit
from outreach.core.db import Session, table_of, take_lock
from outreach.core.db.prepared import Prepared
from outreach.core.text import french
from outreach.delivery import workers
from outreach.delivery.models import RelayState
from outreach.delivery.outbox import rest_of


def note_failure(session: Session, relay: str, said: str, *, place: str, alarm: bool, now: datetime) -> datetime:
    """Record that a relay failed: it rests, longer each time. An alarm lasts until a start, or until somebody asks.

    Returns until when the relay rests.
    """
    take_lock(session, "relay", place, relay)
    state = session.get(RelayState, (place, relay), with_for_update=True)
    if state is None:
        state = RelayState(place=place, name=relay, failures=0)
        session.add(state)
    state.failures += 1
    state.said, state.rests_until = said, rest_of(state.failures, now)
    if alarm and state.alarmed_at is None:
        state.alarmed_at = now
        sentence = f"Alarme sur {place} : le serveur d’envoi {relay} refuse de servir ({said})."
        audit.record_entry(session, now, "automatique", sentence, f"relay:{relay}")
    return state.rests_until


def forget_failures(session: Session, relay: str, *, place: str) -> None:
    """Reset the failures of a relay: it accepted a letter."""
    _ANSWERED.change(session, {"place": place, "relay": relay})


_ANSWERED = Prepared(
    update(table_of(RelayState))
    .where(RelayState.place == bindparam("place"), RelayState.name == bindparam("relay"), RelayState.failures > 0)
    .values(failures=0, rests_until=None, said="")
)


def try_at_start(session: Session, relays: Sequence[str], *, place: str, now: datetime) -> None:
    """Have every relay of this installation tried at once as a work process starts: its rest and its alarm end.

    A relay that still fails rests again, or raises its alarm again. The state of a relay that this installation no
    longer has is forgotten.
    """
    session.execute(delete(RelayState).where(RelayState.place == place, RelayState.name.not_in(relays)))
    for state in _held(session, RelayState.place == place):
        if state.alarmed_at is not None:
            sentence = (
                f"Le serveur d’envoi {state.name} est essayé de nouveau au démarrage d’un processus d’envoi sur "
                f"{place}."
            )
            audit.record_entry(session, now, "système", sentence, f"relay:{state.name}")
        state.alarmed_at = state.rests_until = None


def try_now(session: Session, *, now: datetime, actor: str) -> list[str]:
    """Have every relay tried at the next pass of each clock, because a person asked for it; returns their names.

    It ends rests and alarms, as `try_at_start`. A relay that fails again rests as long as it would have.
    """
    known = select(RelayState.place, RelayState.name).order_by(RelayState.place, RelayState.name)
    for place, name in session.execute(known).all():
        take_lock(session, "relay", place, name)
    held = [state for state in _held(session) if is_held(state, now=now)]
    for state in held:
        state.alarmed_at = state.rests_until = None
        sentence = f"Le serveur d’envoi {state.name} est essayé de nouveau sur {state.place}, sur demande."
        audit.record_entry(session, now, actor, sentence, f"relay:{state.name}")
    return list(dict.fromkeys(state.name for state in held))


def relay_states(session: Session) -> Sequence[RelayState]:
    """The state of each relay that ever failed, by name and place.

    The states of an installation that others have outlived by a day are left out.
    """
    known = session.scalars(select(RelayState).order_by(RelayState.name, RelayState.place)).all()
    gone = workers.outlived(session) if known else []
    return [state for state in known if state.place not in gone]


def is_held(state: RelayState, *, now: datetime) -> bool:
    """Whether a relay rests, or is in alarm."""
    return state.alarmed_at is not None or (state.rests_until is not None and state.rests_until > now)


def relay_alarms(states: Sequence[RelayState]) -> list[str]:
    """A French sentence for each of these relays that is in alarm, whether or not others serve meanwhile."""
    return [_alarm(state) for state in states if state.alarmed_at is not None]


def relay_hindrances(session: Session, relays: Sequence[str], *, place: str, now: datetime) -> dict[str, str]:
    """The relays that this installation may not use now, among these, each with the reason in a French sentence."""
    here = select(RelayState).where(RelayState.place == place, RelayState.name.in_(relays))
    states = {state.name: state for state in session.scalars(here)}
    why = {name: _hindrance(states[name], now) for name in relays if name in states}
    return {name: sentence for name, sentence in why.items() if sentence}


def relay_hindrance(session: Session, relays: Sequence[str], *, place: str, now: datetime) -> str:
    """Why no letter can leave from this installation: a French sentence for each of these relays, or ''.

    It is '' when one of them may be used.
    """
    reasons = relay_hindrances(session, relays, place=place, now=now)
    return " ".join(reasons.values()) if len(reasons) == len(relays) else ""


def _hindrance(state: RelayState, now: datetime) -> str:
    if state.alarmed_at is not None:
        return _alarm(state)
    if state.rests_until is not None and is_held(state, now=now):
        again = french.hour(state.rests_until)
        return f"Le serveur d’envoi {state.name} ne prend rien ({state.said}) : prochain essai à {again}."
    return ""


def _alarm(state: RelayState) -> str:
    remedy = "Corrigez le réglage et redémarrez l’envoi, ou réessayez."
    return f"Le serveur d’envoi {state.name} refuse de servir ({state.said}). {remedy}"


def _held(session: Session, *where: ColumnElement[bool]) -> Sequence[RelayState]:
    held = or_(RelayState.alarmed_at.is_not(None), RelayState.rests_until.is_not(None))
    return session.scalars(select(RelayState).where(held, *where).order_by(RelayState.name, RelayState.place)).all()
