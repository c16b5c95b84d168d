"""Mails ahead of a wave to federations and networks, and to those who stand in for somebody.

A wave that is planned later than that is told at once, at the next pass of the clock. Of departures drawn by lot, only
the first is told.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select

from outreach.access import approvals, colleagues
from outreach.access.approvals import Delegate
from outreach.access.colleagues import Colleague
from outreach.access.scopes import AccessScope, scoped_database
from outreach.campaigns import planning
from outreach.campaigns.letter import LetterSnapshot, SenderIdentity
from outreach.campaigns.models import CLOCK, Wave, WaveState, WaveTransition
from outreach.core.db import Database, Session
from outreach.staff.notifications._letters import Said, StaffLetter, write_mail
from outreach.staff.notifications._models import StaffNotice

NOTICE = timedelta(hours=48)
SAID = "Cette vague part dans moins de 48 heures : les fédérations et réseaux concernés sont prévenus dès maintenant."


def notices(database: Database, *, now: datetime) -> list[dict[str, Any]]:
    """The columns of a notice for whom the waves of the next 48 hours concern: a planning of a wave, an account.

    An account none of whose members is written to gets a notice that is settled already, so that its members are not
    counted again. Counting reads through the account's scope, outside the transaction that writes.
    """
    with database.reading() as session:
        untold = _untold(session, now)
    counts: dict[tuple[int, AccessScope], int] = {}
    for wave, _, _, scope in untold:
        if (wave, scope) not in counts:
            counts[wave, scope] = _members(database, wave, scope, now)
    return [
        {
            "user_id": person.id,
            "decision_id": None,
            "wave_transition_id": transition,
            "due_at": now,
            "settled_at": None if counts[wave, scope] else now,
        }
        for wave, transition, person, scope in untold
    ]


def is_short(session: Session, wave: Wave, now: datetime) -> bool:
    """Whether a wave leaves sooner than it can be told ahead, and there is somebody to tell: planners read `SAID`."""
    return wave.due_at - now < NOTICE and bool(colleagues.scoped(session))


def _planned(session: Session, now: datetime) -> list[tuple[int, int]]:
    """The waves that leave within 48 hours, each with the transition that planned it last."""
    last = select(func.max(WaveTransition.id)).where(
        WaveTransition.wave_id == Wave.id, WaveTransition.state == WaveState.PLANNED, WaveTransition.actor != CLOCK
    )
    soon = Wave.state == WaveState.PLANNED, Wave.due_at > now, Wave.due_at <= now + NOTICE
    is_first = or_(Wave.departure.is_(None), Wave.departure <= 1)
    query = select(Wave.id, last.scalar_subquery()).where(*soon, is_first).order_by(Wave.due_at, Wave.id)
    return [(wave, transition) for wave, transition in session.execute(query) if transition is not None]


def _untold(session: Session, now: datetime) -> list[tuple[int, int, Colleague, AccessScope]]:
    """The planned waves of the next 48 hours and the accounts that were told nothing of them yet."""
    planned = _planned(session, now)
    persons = colleagues.scoped(session) if planned else []
    found = []
    for wave, transition in planned:
        told = exists().where(
            StaffNotice.wave_transition_id == transition, StaffNotice.user_id == colleagues.USERS.c.id
        )
        waiting = set(session.scalars(select(colleagues.USERS.c.id).where(~told)))
        found += [(wave, transition, person, scope) for person, scope in persons if person.id in waiting]
    return found


def _members(database: Database, key: int, scope: AccessScope, now: datetime) -> int:
    """How many authorities in a scope a wave would write to now."""
    with scoped_database(database, scope).reading() as session:
        wave = session.get(Wave, key)
        return sum(planning.count_recipients(session, [wave], now)[key].values()) if wave else 0


PAGE = "/account/deputies"


def write_to_deputy(
    session: Session, named: Delegate, sending: SenderIdentity, *, now: datetime, is_over: bool = False
) -> tuple[StaffLetter, LetterSnapshot]:
    """The mail to a deputy who is about to be named, or whose days are about to end, laid out to be posted.

    It takes its time: no transaction that writes should be open.
    """
    absent, days = colleagues.name_of(session, named.absent), approvals.delegation_in_words(named)
    subject, sentence = f"Vous remplacez {absent} {days}", "Ces jours-là, le service vous écrit aussi à sa place."
    if is_over:
        subject, sentence = f"Vous ne remplacez plus {absent}", f"Le remplacement, prévu {days}, prend fin plus tôt."
    said = [Said(f"{subject}. {sentence}", PAGE)]
    letter = StaffLetter([named.deputy], subject, said, colleagues.name_of(session, named.deputy), named.absent)
    return letter, write_mail(letter, sending, now=now)
