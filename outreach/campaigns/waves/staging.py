"""Stages a wave: its audience is ranked once, where nobody waits, and kept in slices until its letters are written.

Ranking takes as long as the audience is large; no slice of the stage takes longer than another. Killed in between,
staging goes on after the last authority staged, and a launch with the first one left.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select

from outreach.campaigns import audiences
from outreach.campaigns.models import StagedAuthority, Wave
from outreach.campaigns.schedule.wave_moves import planned_at
from outreach.db import Session, table_of
from outreach.db.many import add_rows
from outreach.delivery.models import Message
from outreach.directory.models import Authority
from outreach.segments import audience_counts
from outreach.segments.audience_counts import AudienceCounts, Ranked

SLICE = 20_000  # authorities staged in one transaction: it lasts a fifth of a second
FRESH = timedelta(minutes=10)  # an older ranking says too little of whom the wave is for now


@dataclass(frozen=True, slots=True)
class Ranking:
    """Whom a wave is for, by key, and when that was asked."""

    at: datetime
    authorities: Sequence[Ranked]


def rank(session: Session, wave: Wave, *, now: datetime) -> Ranking:
    """Rank the audience of a wave, for `stage`. It reads all of it: do it outside a writer's turn.

    Of a wave whose letters are being written, it ranks those after the last authority that has one.
    """
    scope = audiences.scope_of(session, wave.campaign, now=now, leaves_at=wave.due_at)
    if wave.mailing_id is not None:
        written, last = last_written(session, wave.mailing_id), session.scalar(select(func.max(Authority.id))) or 0
        if written >= last:
            return Ranking(now, [])
        scope = replace(scope, between=(written + 1, last))
    return Ranking(now, audience_counts.by_authority(session, audiences.planned_of(wave, now=now), scope))


def is_staged(session: Session, wave: Wave, *, now: datetime) -> bool:
    """Whether all whom a wave is for are staged, or were and their letters are written.

    A wave staged ahead of its time is staged once more when it is due, for authorities that are new by then.
    """
    if wave.mailing_id is None or wave.ranked_at is None:
        return wave.is_staged and _is_fresh(session, wave, now)
    return wave.is_staged and (wave.ranked_at >= wave.due_at or now < wave.due_at or first(session, wave) is not None)


def stage(session: Session, wave: Wave, ranking: Ranking, *, now: datetime) -> bool:
    """Stage the next slice of a ranking, within the campaign's turn. Returns whether more is left to stage.

    It goes on after the last authority staged, whichever process staged it, unless that ranking is of old.
    """
    if is_staged(session, wave, now=now):
        return False
    if wave.is_staged or not _is_fresh(session, wave, now):
        session.execute(delete(StagedAuthority).where(_of(wave)))
        wave.ranked_at, wave.is_staged = ranking.at, False
    last = session.scalar(select(func.max(StagedAuthority.authority_id)).where(_of(wave))) or 0
    start = bisect_right(ranking.authorities, last, key=lambda one: one.authority_id)
    some = ranking.authorities[start : start + SLICE]
    add_rows(session, table_of(StagedAuthority), ({"wave_id": wave.id, **one._asdict()} for one in some))
    wave.is_staged = start + SLICE >= len(ranking.authorities)
    return not wave.is_staged


def counts(session: Session, wave: Wave) -> AudienceCounts:
    """How many authorities and mailboxes a wave was to write to when its audience was ranked."""
    letters, of_schools = StagedAuthority.letters, StagedAuthority.of_schools
    of_all, schools = (func.coalesce(func.sum(each), 0) for each in (letters, of_schools))
    query = select(func.count().filter(letters > 0), of_all, schools).where(_of(wave))
    written, addresses, limited = session.execute(query).one()
    return AudienceCounts(written=written, addresses=addresses, of_schools=limited)


def first(session: Session, wave: Wave) -> int | None:
    """The first authority staged whose letters are not written; None when all are."""
    return session.scalar(select(func.min(StagedAuthority.authority_id)).where(_of(wave)))


def take(session: Session, wave: Wave, upto: int) -> Sequence[int]:
    """Take the authorities up to a key off the stage: whoever does so writes their letters in the same transaction."""
    taken = delete(StagedAuthority).where(_of(wave), StagedAuthority.authority_id <= upto)
    return sorted(session.scalars(taken.returning(StagedAuthority.authority_id)))


def last_written(session: Session, mailing: int) -> int:
    """The last authority for which a mailing has a letter; 0 for none."""
    # IS NOT NULL, as PostgreSQL puts NULL first: the index then finds the last at once.
    query = select(Message.authority_id).where(Message.mailing_id == mailing, Message.authority_id.is_not(None))
    return session.scalar(query.order_by(Message.authority_id.desc()).limit(1)) or 0


def _of(wave: Wave) -> ColumnElement[bool]:
    return StagedAuthority.wave_id == wave.id


def _is_fresh(session: Session, wave: Wave, now: datetime) -> bool:
    """Whether what is staged is of a recent ranking, made since the wave was planned or moved."""
    return wave.ranked_at is not None and max(now - FRESH, planned_at(session, wave)) <= wave.ranked_at
