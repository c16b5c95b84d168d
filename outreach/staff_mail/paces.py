"""How often each person wants mail from the service, and when the next one may be due."""

from collections.abc import Collection
from datetime import datetime, time, timedelta

from sqlalchemy import select

from outreach.campaigns.schedule.moments import moment_of
from outreach.days import BRUSSELS
from outreach.db import Session
from outreach.staff_mail.models import Pace, PaceChoice

DAILY_AT = time(8)  # in Brussels


def pace_of(session: Session, user_id: int) -> Pace:
    """How often a person wants mail."""
    return paces_of(session, [user_id])[user_id]


def paces_of(session: Session, users: Collection[int]) -> dict[int, Pace]:
    """How often each of these persons wants mail."""
    chosen = session.scalars(select(PaceChoice).where(PaceChoice.user_id.in_(users)))
    return dict.fromkeys(users, Pace.AT_ONCE) | {choice.user_id: choice.pace for choice in chosen}


def choose(session: Session, user_id: int, pace: Pace) -> None:
    """Keep how often a person wants mail. What already waits for its hour still waits for it."""
    choice = session.get(PaceChoice, user_id)
    if choice is None:
        session.add(PaceChoice(user_id=user_id, pace=pace))
    else:
        choice.pace = pace


def due_at(pace: Pace, now: datetime) -> datetime:
    """When what happens now is to be told: now, or the next 8 o'clock in Brussels."""
    if pace is not Pace.DAILY:
        return now
    local = now.astimezone(BRUSSELS)
    day = local.date() + timedelta(days=local.time() >= DAILY_AT)
    return moment_of(datetime.combine(day, DAILY_AT)).at
