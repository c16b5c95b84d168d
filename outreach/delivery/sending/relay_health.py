"""The health of relays: failures, rests, alarms, and what keeps letters from leaving."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update

from outreach import audit
from outreach.db import Session, table_of, take_turns
from outreach.db.compiled import Prepared
from outreach.delivery.ledger.retry_times import rest_of
from outreach.delivery.models import RelayState


def note_failure(session: Session, relay: str, said: str, *, alarm: bool, now: datetime) -> datetime:
    """Record that a relay failed: it rests, longer each time. An alarm lasts until a work process starts.

    Returns until when the relay rests.
    """
    take_turns(session, "relay", relay)
    state = session.get(RelayState, relay, with_for_update=True)
    if state is None:
        state = RelayState(name=relay, failures=0)
        session.add(state)
    state.failures += 1
    state.said, state.rests_until = said, rest_of(state.failures, now)
    if alarm and state.alarmed_at is None:
        state.alarmed_at = now
        audit.record(
            session, now, "automatique", f"Alarme : le relais {relay} refuse de servir ({said}).", f"relay:{relay}"
        )
    return state.rests_until


def forget_failures(session: Session, relay: str) -> None:
    """Reset the failures of a relay: it accepted a letter."""
    _ANSWERED.change(session, {"relay": relay})


_ANSWERED = Prepared(
    update(table_of(RelayState))
    .where(RelayState.name == bindparam("relay"), RelayState.failures > 0)
    .values(failures=0, rests_until=None, said="")
)


def quiet_alarms(session: Session, *, now: datetime) -> None:
    """Clear every alarm as a work process starts, whoever started it, so that each relay is tried once more.

    A relay that still fails raises its alarm again. A relay that is no longer in the settings stays quiet.
    """
    for state in _alarmed(session):
        state.alarmed_at = state.rests_until = None
        sentence = f"Le relais {state.name} est essayé de nouveau au démarrage d’un processus d’envoi."
        audit.record(session, now, "système", sentence, f"relay:{state.name}")


def alarms(session: Session) -> list[str]:
    """A French sentence for each relay in alarm, whether or not others serve meanwhile."""
    return [_alarm(state) for state in _alarmed(session)]


def hindrances(session: Session, relays: Sequence[str], *, now: datetime) -> dict[str, str]:
    """Those of these relays that may not be used now, each with the reason in a French sentence."""
    states = {state.name: state for state in session.scalars(select(RelayState).where(RelayState.name.in_(relays)))}
    why = {name: _hindrance(states[name], now) for name in relays if name in states}
    return {name: sentence for name, sentence in why.items() if sentence}


def hindrance(session: Session, relays: Sequence[str], *, now: datetime) -> str:
    """Why no letter can leave: a French sentence for each of these relays if none may be used, else ''."""
    reasons = hindrances(session, relays, now=now)
    return " ".join(reasons.values()) if len(reasons) == len(relays) else ""


def _hindrance(state: RelayState, now: datetime) -> str:
    if state.alarmed_at is not None:
        return _alarm(state)
    if state.rests_until is not None and state.rests_until > now:
        return f"Le relais {state.name} ne prend rien ({state.said}) : nouvel essai sous peu."
    return ""


def _alarm(state: RelayState) -> str:
    return f"Le relais {state.name} refuse de servir ({state.said}). Corrigez le réglage et redémarrez l’envoi."


def _alarmed(session: Session) -> Sequence[RelayState]:
    return session.scalars(select(RelayState).where(RelayState.alarmed_at.is_not(None)).order_by(RelayState.name)).all()
