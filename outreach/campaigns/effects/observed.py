"""What is observed of a draw: joinings that lists tell, letters by departure, and what is said beside the figure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import and_, case, func, or_, select

from outreach.adherence.models import AdherenceRecord, Status
from outreach.campaigns.draws.models import DrawAttempt, DrawnAuthority
from outreach.campaigns.models import Campaign, Wave
from outreach.days import BRUSSELS, today
from outreach.db import Session
from outreach.delivery.models import Message, MessageState, Reason
from outreach.directory.models import Ownership
from outreach.effect.draw import DEPARTURES, DrawnStratum
from outreach.effect.tables import Joining, Source, Triple
from outreach.measuring import reactions


@dataclass(frozen=True, slots=True)
class Flow:
    """Of the drawn authorities of each departure: to how many a letter left, to how many of these none arrived, and how
    many were left out, by the first reason.
    """

    written: Triple
    undelivered: Triple
    left_out: Mapping[Reason, Triple]


def joinings(session: Session, campaign: Campaign, attempt: DrawAttempt, at: datetime) -> list[Joining]:
    """Every joining of a school that a drawn authority had when the list was frozen, as lists told it by a moment."""
    frozen_at = attempt.submitted_at
    query = (
        select(DrawnAuthority.fase, AdherenceRecord.effective_on)
        .join(Ownership, Ownership.authority_id == DrawnAuthority.authority_id)
        .join(AdherenceRecord, AdherenceRecord.school_id == Ownership.school_id)
        .where(
            DrawnAuthority.attempt_id == attempt.id,
            DrawnAuthority.outside.is_(None),
            Ownership.on(today(frozen_at), frozen_at),
            AdherenceRecord.strand_id == campaign.strand_id,
            AdherenceRecord.status == Status.JOINED,
            AdherenceRecord.list_id.is_not(None),
            AdherenceRecord.was_known(at),
        )
    )
    return [Joining(fase, day, Source.LIST) for fase, day in session.execute(query)]


def flow(session: Session, campaign: Campaign, attempt: DrawAttempt) -> Flow:
    """The flow of first letters, by departure."""
    first = and_(Wave.campaign_id == campaign.id, Wave.reminder == 0, Wave.departure == DrawnAuthority.departure)
    has_left, arrived = (
        func.max(case((is_so, 1), else_=0))
        for is_so in (reactions.HAS_LEFT | reactions.CAME_BACK, Message.state == MessageState.ACCEPTED)
    )
    query = (
        select(DrawnAuthority.departure, has_left, arrived, func.min(Message.reason))
        .join(Wave, first)
        .join(
            Message,
            and_(Message.mailing_id == Wave.mailing_id, Message.authority_id == DrawnAuthority.authority_id),
        )
        .where(DrawnAuthority.attempt_id == attempt.id, DrawnAuthority.outside.is_(None))
        .group_by(DrawnAuthority.departure, DrawnAuthority.authority_id)
    )
    written, undelivered, left_out = Counter[int](), Counter[int](), Counter[tuple[Reason, int]]()
    for departure, was_written, did_arrive, reason in session.execute(query):
        written[departure] += was_written
        undelivered[departure] += bool(was_written and not did_arrive)
        if not was_written and reason is not None:
            left_out[Reason(reason), departure] += 1
    reasons = sorted({reason for reason, _ in left_out}, key=list(Reason).index)
    each = {reason: _triple({place: left_out[reason, place] for place in (1, 2, 3)}) for reason in reasons}
    return Flow(_triple(written), _triple(undelivered), each)


def early(session: Session, attempt: DrawAttempt, left: Sequence[date]) -> int:
    """How many drawn authorities got a letter of any kind after departure 1 and before their own."""
    begins = [datetime.combine(day, time(), BRUSSELS) for day in left]
    until = begins[1:] or begins
    at = func.coalesce(Message.fenced_at, Message.settled_at)
    too_early = [and_(DrawnAuthority.departure == place, at < day) for place, day in enumerate(until, start=2)]
    query = (
        select(func.count(DrawnAuthority.authority_id.distinct()))
        .join(Message, Message.authority_id == DrawnAuthority.authority_id)
        .where(DrawnAuthority.attempt_id == attempt.id, DrawnAuthority.outside.is_(None))
        .where(reactions.HAS_LEFT, at >= begins[0], or_(*too_early))
    )
    return session.scalar(query) or 0


def gone(session: Session, attempt: DrawAttempt, day: date, at: datetime) -> Triple:
    """By departure, how many of the drawn had no school in the register any more on a day."""
    has_school = select(Ownership.authority_id).where(Ownership.on(day, at))
    query = select(DrawnAuthority.departure, func.count()).where(
        DrawnAuthority.attempt_id == attempt.id,
        DrawnAuthority.outside.is_(None),
        DrawnAuthority.authority_id.not_in(has_school),
    )
    rows = session.execute(query.group_by(DrawnAuthority.departure))
    return _triple({departure: count for departure, count in rows if departure})


def cumulated(
    strata: Sequence[DrawnStratum], joined: Mapping[int, int], first: date, days: int
) -> list[list[tuple[date, int]]]:
    """By departure, how many authorities had joined since day 0 at the end of each of so many days."""
    counts = [Counter[int]() for _ in range(DEPARTURES)]
    for stratum in strata:
        for place, fases in enumerate(stratum.departures):
            counts[place].update(joined[fase] for fase in joined.keys() & set(fases))
    return [
        [
            (first + timedelta(days=day), sum(count for at, count in each.items() if 0 <= at <= day))
            for day in range(days)
        ]
        for each in counts
    ]


def _triple(counts: Mapping[int, int]) -> Triple:
    return counts.get(1, 0), counts.get(2, 0), counts.get(3, 0)
