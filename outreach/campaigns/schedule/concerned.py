"""Which waves concern whom a session sees: those that wrote to somebody, and those that would write to somebody now."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from outreach.campaigns import audiences
from outreach.campaigns.models import Wave, WaveState
from outreach.db import Session
from outreach.segments import audience_counts


def meant(session: Session, waves: Sequence[Wave], now: datetime) -> dict[int, Mapping[str, int]]:
    """To whom each planned wave would write now, in authorities by network's code; those of one campaign with the same
    audience are counted once.
    """
    found: dict[tuple[int, bool, int | None], Mapping[str, int]] = {}
    for wave in waves:
        key = wave.campaign_id, wave.added_reminder_id is not None, wave.departure
        if key not in found:
            whom, scope = audiences.planned_of(wave, now=now), audiences.scope_of(session, wave.campaign, now=now)
            found[key] = audience_counts.written_by_network(session, whom, scope)
    return {wave.id: found[wave.campaign_id, wave.added_reminder_id is not None, wave.departure] for wave in waves}


def campaigns(session: Session, *, now: datetime) -> Sequence[int]:
    """The numbers of the campaigns with such a wave."""
    among = Wave.id.in_(concerned(session, now=now))
    return session.scalars(select(Wave.campaign_id).where(among).distinct()).all()


def concerned(session: Session, *, now: datetime) -> set[int]:
    """The keys of the waves that concern somebody whom the session sees. In a scope, that is its members.

    One that was cancelled or missed before its recipients were known concerns nobody. Counting a wave to come costs as
    much as counting its audience.
    """
    left = session.scalars(select(Wave.id).where(Wave.mailing_id.is_not(None)))
    coming = session.scalars(select(Wave).where(Wave.mailing_id.is_(None), Wave.state == WaveState.PLANNED)).all()
    counted = meant(session, coming, now)
    return {*left, *(key for key, counts in counted.items() if sum(counts.values()))}
