"""What is observed of a draw: joinings that lists tell, and letters by departure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from outreach.adherence.models import AdherenceRecord, Status
from outreach.campaigns.experiments._design import DEPARTURES, DrawnStratum, Triple
from outreach.campaigns.experiments._models import DrawAttempt, DrawnAuthority
from outreach.campaigns.models import Campaign, Wave
from outreach.core.db import Session
from outreach.core.text.dates import BRUSSELS, today
from outreach.delivery.models import Message, MessageState, Reason
from outreach.directory.models import Ownership
from outreach.engagement import tracking


def joinings(session: Session, campaign: Campaign, attempt: DrawAttempt, at: datetime) -> list[tuple[int, date]]:
    """Every joining of a school that a drawn authority had when the list was frozen, as lists told it by a moment: the
    FASE number of the authority, and the day.

    What an authority answered and what staff recorded never count: only those written to have a button to press, so
    that with no effect at all, they would show one.
    """
    frozen_at = attempt.submitted_at
    query = (
        select(DrawnAuthority.fase, AdherenceRecord.effective_on)
        .join(Ownership, Ownership.authority_id == DrawnAuthority.authority_id)
        .join(AdherenceRecord, AdherenceRecord.school_id == Ownership.school_id)
        .where(
            *_drawn(attempt),
            Ownership.on(today(frozen_at), frozen_at),
            AdherenceRecord.strand_id == campaign.strand_id,
            AdherenceRecord.status == Status.JOINED,
            AdherenceRecord.list_id.is_not(None),
            AdherenceRecord.was_known(at),
        )
    )
    return [(fase, day) for fase, day in session.execute(query)]


def waited(strata: Sequence[DrawnStratum], joined: Mapping[int, int], public: int, days: int) -> dict[str, int]:
    """How many of departures 2 and 3 joined in the days before departure 2 left, and in as many days before the plan
    was public (the day `public`, counted from departure 1): whether those who waited put joining off."""
    late = {fase for stratum in strata for fases in stratum.departures[1:] for fase in fases}
    told = [joined[fase] for fase in joined.keys() & late]
    before = sum(public - days <= day < public for day in told)
    return {"of": len(late), "days": days, "waiting": sum(0 <= day < days for day in told), "before": before}


def flow(session: Session, campaign: Campaign, attempt: DrawAttempt) -> dict[str, Any]:
    """Of the drawn authorities of each departure: to how many a first letter left (`written`), how many of these none
    reached (`undelivered`), and how many were left out, by the first reason."""
    first = and_(Wave.campaign_id == campaign.id, Wave.reminder == 0, Wave.departure == DrawnAuthority.departure)
    has_left, arrived = (
        func.max(case((is_so, 1), else_=0))
        for is_so in (tracking.HAS_LEFT | tracking.CAME_BACK, Message.state == MessageState.ACCEPTED)
    )
    of_letter = Message.mailing_id == Wave.mailing_id, Message.authority_id == DrawnAuthority.authority_id
    query = (
        select(DrawnAuthority.departure, has_left, arrived, func.min(Message.reason))
        .join(Wave, first)
        .join(Message, and_(*of_letter))
        .where(*_drawn(attempt))
        .group_by(DrawnAuthority.departure, DrawnAuthority.authority_id)
    )
    written, undelivered, left_out = Counter[int](), Counter[int](), defaultdict[Reason, Counter[int]](Counter)
    for departure, was_written, did_arrive, reason in session.execute(query):
        written[departure] += was_written
        undelivered[departure] += bool(was_written and not did_arrive)
        if not was_written and reason is not None:
            left_out[Reason(reason)][departure] += 1
    reasons = {reason.value: _triple(left_out[reason]) for reason in Reason if reason in left_out}
    return {"written": _triple(written), "undelivered": _triple(undelivered), "left_out": reasons}


def early(session: Session, attempt: DrawAttempt, left: Sequence[date]) -> Triple:
    """By departure, how many of the drawn got a letter of any kind after departure 1 and before their own."""
    begins = [datetime.combine(day, time(), BRUSSELS) for day in left]
    at = func.coalesce(Message.fenced_at, Message.settled_at)
    until = begins[1:] or begins
    too_early = [and_(DrawnAuthority.departure == place, at < day) for place, day in enumerate(until, start=2)]
    query = (
        select(DrawnAuthority.departure, func.count(DrawnAuthority.authority_id.distinct()))
        .join(Message, Message.authority_id == DrawnAuthority.authority_id)
        .where(*_drawn(attempt), tracking.HAS_LEFT, at >= begins[0], or_(*too_early))
    )
    return _by_departure(session.execute(query.group_by(DrawnAuthority.departure)))


def gone(session: Session, attempt: DrawAttempt, day: date, at: datetime) -> Triple:
    """By departure, how many of the drawn had no school in the register any more on a day."""
    has_school = select(Ownership.authority_id).where(Ownership.on(day, at))
    query = select(DrawnAuthority.departure, func.count()).where(
        *_drawn(attempt), DrawnAuthority.authority_id.not_in(has_school)
    )
    return _by_departure(session.execute(query.group_by(DrawnAuthority.departure)))


def cumulated(
    strata: Sequence[DrawnStratum], joined: Mapping[int, int], first: date, days: int
) -> list[list[tuple[str, int]]]:
    """By departure, how many authorities had joined since day 0 at the end of each of so many days."""
    counts = [Counter[int]() for _ in range(DEPARTURES)]
    for stratum in strata:
        for place, fases in enumerate(stratum.departures):
            counts[place].update(joined[fase] for fase in joined.keys() & set(fases))
    return [
        [
            ((first + timedelta(days=day)).isoformat(), sum(count for at, count in each.items() if 0 <= at <= day))
            for day in range(days)
        ]
        for each in counts
    ]


def _drawn(attempt: DrawAttempt) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return DrawnAuthority.attempt_id == attempt.id, DrawnAuthority.outside.is_(None)


def _by_departure(rows: Iterable[tuple[int | None, int]]) -> Triple:
    return _triple({departure: count for departure, count in rows if departure is not None})


def _triple(counts: Mapping[int, int]) -> Triple:
    return counts.get(1, 0), counts.get(2, 0), counts.get(3, 0)
