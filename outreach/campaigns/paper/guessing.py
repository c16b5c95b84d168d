"""Codes that lead nowhere, counted over all who try them: many within an hour are somebody's guesses."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from outreach.campaigns.paper.models import WrongCode
from outreach.db import Session

MOST, PERIOD = 500, timedelta(hours=1)  # wrong codes that are people's slips: a campaign prints a thousand


def count(session: Session, *, now: datetime) -> None:
    """Count a wrong code. Nothing says whose it is."""
    session.add(WrongCode(at=now))


def are_guessed(session: Session, *, now: datetime) -> bool:
    """Whether so many wrong codes were typed within an hour that the form asks for more than a code."""
    # One from far ahead was written before the clock was put back.
    recent = select(WrongCode.id).where(WrongCode.at > now - PERIOD, WrongCode.at < now + PERIOD).limit(MOST + 1)
    return (session.scalar(select(func.count()).select_from(recent.subquery())) or 0) > MOST


def since(session: Session, *, now: datetime) -> datetime | None:
    """When the first wrong code of this hour was typed; None unless codes are guessed."""
    first = select(func.min(WrongCode.at)).where(WrongCode.at > now - PERIOD, WrongCode.at < now + PERIOD)
    return session.scalar(first) if are_guessed(session, now=now) else None
