"""Relays that rest or wait for a person: what failed, until when, and what keeps letters from leaving."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update

from outreach import audit
from outreach.db import Session, table_of, take_turns
from outreach.db.compiled import Prepared
from outreach.delivery.ledger.retry_times import rest_of
from outreach.delivery.models import RelayState


def note_failure(session: Session, relay: str, said: str, *, alarm: bool, now: datetime) -> datetime:
    """A relay cannot be used: it rests, longer each time; an alarm lasts until a process starts. Returns until when."""
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
            session, now, "facteur", f"Alarme : le relais {relay} refuse de servir ({said}).", f"relay:{relay}"
        )
    return state.rests_until


def forget_failures(session: Session, relay: str) -> None:
    """A relay took a letter: its failures are forgotten."""
    _ANSWERED.change(session, {"relay": relay})


_ANSWERED = Prepared(
    update(table_of(RelayState))
    .where(RelayState.name == bindparam("relay"), RelayState.failures > 0)
    .values(failures=0, rests_until=None, said="")
)


def quiet_alarms(session: Session, *, now: datetime) -> None:
    """A work process starts, whoever started it: every relay in alarm is tried once more.

    What is still wrong raises the alarm again; of one that is no longer named nothing more is said.
    """
    for state in _alarmed(session):
        state.alarmed_at = state.rests_until = None
        sentence = f"Le relais {state.name} est essayé de nouveau au démarrage d’un processus d’envoi."
        audit.record(session, now, "système", sentence, f"relay:{state.name}")


def alarms(session: Session) -> list[str]:
    """The relays that wait for a person, a sentence each, whether others serve meanwhile or not."""
    return [_alarm(state) for state in _alarmed(session)]


def hindrances(session: Session, relays: Sequence[str], *, now: datetime) -> dict[str, str]:
    """Of these relays, those that nothing may be handed to now, each with the reason in a sentence."""
    states = {state.name: state for state in session.scalars(select(RelayState).where(RelayState.name.in_(relays)))}
    why = {name: _hindrance(states[name], now) for name in relays if name in states}
    return {name: sentence for name, sentence in why.items() if sentence}


def hindrance(session: Session, relays: Sequence[str], *, now: datetime) -> str:
    """What keeps letters from leaving: a sentence for each relay when none serves, or ''."""
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
