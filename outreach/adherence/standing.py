"""Where schools and authorities stand, as of any day: derived from the records, never stored."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Date, Subquery, case, func, literal, select, union_all

from outreach.adherence.models import AdherenceRecord, RollUp, Status, Strand, Word
from outreach.directory.models import Listing, Teaching, types_of


def eligible(days: Sequence[date], strands: Sequence[Strand]) -> Subquery:
    """The schools a strand is open to on each day, with their owner: columns day, strand_id, school_id, authority_id.

    `days` and `strands` must not be empty. As of a day means at the end of that day, in Brussels.
    """
    calendar = union_all(*(select(literal(day, Date).label("day")) for day in days)).subquery("calendar")
    parts = [
        select(
            calendar.c.day,
            literal(strand.id).label("strand_id"),
            Listing.school_id,
            Listing.authority_id,
        )
        .join(Listing, Listing.on(calendar.c.day))
        .where(
            select(Teaching.id)
            .where(
                Teaching.school_id == Listing.school_id,
                Teaching.on(calendar.c.day),
                Teaching.education_type.in_(types_of(strand.level)),
            )
            .exists()
        )
        for strand in strands
    ]
    return union_all(*parts).subquery("eligible")


def standing(days: Sequence[date], strands: Sequence[Strand]) -> Subquery:
    """Where each eligible school stands on each day: columns of `eligible`, status, word, effective_on, record_id.

    The latest record by effective day holds; of two of the same day, the one recorded last. A school without a record
    stands at NONE, with no word.
    """
    schools = eligible(days, strands)
    newest = (AdherenceRecord.effective_on.desc(), AdherenceRecord.recorded_at.desc(), AdherenceRecord.id.desc())
    ranked = (
        select(
            schools,
            AdherenceRecord.status,
            AdherenceRecord.word,
            AdherenceRecord.effective_on,
            AdherenceRecord.id.label("record_id"),
            func.row_number()
            .over(partition_by=(schools.c.day, schools.c.strand_id, schools.c.school_id), order_by=newest)
            .label("rank"),
        )
        .outerjoin(
            AdherenceRecord,
            (AdherenceRecord.school_id == schools.c.school_id)
            & (AdherenceRecord.strand_id == schools.c.strand_id)
            & (AdherenceRecord.effective_on <= schools.c.day)
            & AdherenceRecord.withdrawn_at.is_(None),
        )
        .subquery("ranked")
    )
    kept = [column for column in ranked.c if column.name not in {"status", "rank"}]
    status = func.coalesce(ranked.c.status, Status.NONE, type_=ranked.c.status.type).label("status")
    return select(*kept, status).where(ranked.c.rank == 1).subquery("standing")


def rolled_up(day: date, strands: Sequence[Strand]) -> Subquery:
    """Where each authority with an eligible school stands: columns authority_id, strand_id, roll_up, concerned, joined.

    Only confirmed joinings count; schools that are not concerned leave the base.
    """
    rows = standing([day], strands)
    concerned = func.sum(case((rows.c.status != Status.NOT_CONCERNED, 1), else_=0))
    is_joined = (rows.c.status == Status.JOINED) & (rows.c.word == Word.CONFIRMED)
    joined = func.sum(case((is_joined, 1), else_=0))
    roll_up = case(
        (concerned == 0, RollUp.NOT_CONCERNED),
        (joined == concerned, RollUp.COMPLETE),
        (joined > 0, RollUp.PARTIAL),
        else_=RollUp.NONE,
    )
    return (
        select(
            rows.c.authority_id,
            rows.c.strand_id,
            roll_up.label("roll_up"),
            concerned.label("concerned"),
            joined.label("joined"),
        )
        .group_by(rows.c.authority_id, rows.c.strand_id)
        .subquery("rolled_up")
    )


def roll_up(schools: Iterable[tuple[Status, Word | None]]) -> RollUp:
    """The same rule over statuses in hand: an authority without a concerned school is not concerned itself."""
    concerned = [(status, word) for status, word in schools if status is not Status.NOT_CONCERNED]
    joined = [pair for pair in concerned if pair == (Status.JOINED, Word.CONFIRMED)]
    if not concerned:
        return RollUp.NOT_CONCERNED
    if len(joined) == len(concerned):
        return RollUp.COMPLETE
    return RollUp.PARTIAL if joined else RollUp.NONE
