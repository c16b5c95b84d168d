"""Statuses recorded by hand: those of an authority's schools, and their withdrawal, which counts from then on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, select

from outreach.adherence.models import AdherenceRecord, Programme, RecordWithdrawal, Status, Strand, Word
from outreach.adherence.programmes import strand_name, tell_withdrawn
from outreach.adherence.records._records import FROM_A_LETTER
from outreach.adherence.situation import Moment, timeline_of
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.text.errors import NotFound, Refused
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority, Ownership, School


@dataclass(frozen=True, slots=True)
class HandRecord:
    """A status that somebody recorded at one go, for one school or several of an authority.

    `number` is the key of its first row. `withdrawn_at` and `withdrawn_by` are None while it counts.
    """

    number: int
    strand: Strand
    schools: Sequence[School]
    keys: Sequence[int]
    status: Status
    word: Word
    effective_on: date
    recorded_at: datetime
    recorded_by: str
    source: str
    reason: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None


@dataclass(frozen=True, slots=True)
class Falling:
    """What a school's status of a day becomes once a record is withdrawn; None stands for no record."""

    school: School
    before: Moment | None
    after: Moment | None


def of_authority(session: Session, authority: Authority, programme: Programme) -> list[HandRecord]:
    """What was recorded by hand for the schools that an authority runs today, the newest first.

    What an authority declared from a letter is its own word, and not among them.
    """
    query = (
        select(AdherenceRecord, School, Strand, RecordWithdrawal)
        .join(School, School.id == AdherenceRecord.school_id)
        .join(Strand, Strand.id == AdherenceRecord.strand_id)
        .join(Ownership, Ownership.school_id == School.id)
        .outerjoin(RecordWithdrawal, RecordWithdrawal.record_id == AdherenceRecord.id)
        .where(
            Ownership.current(),
            Ownership.authority_id == authority.id,
            Strand.programme_id == programme.id,
            AdherenceRecord.list_id.is_(None),
            ~and_(AdherenceRecord.source == FROM_A_LETTER, AdherenceRecord.word == Word.DECLARED),
        )
        .order_by(AdherenceRecord.id)
    )
    together: dict[tuple[object, ...], list[tuple[AdherenceRecord, School, Strand, RecordWithdrawal | None]]] = {}
    for entry, school, strand, withdrawal in session.execute(query):
        told = (entry.status, entry.word, entry.effective_on, entry.source, entry.reason)
        by = (entry.recorded_at, entry.recorded_by, strand.id, withdrawal and withdrawal.withdrawn_at)
        together.setdefault((*by, *told), []).append((entry, school, strand, withdrawal))
    made = [_made(rows) for rows in together.values()]
    return sorted(made, key=lambda entry: (entry.recorded_at, entry.number), reverse=True)


def get_hand_record(session: Session, authority: Authority, programme: Programme, number: int) -> HandRecord:
    """The one with this number among `of_authority`. Raises NotFound."""
    for entry in of_authority(session, authority, programme):
        if entry.number == number:
            return entry
    raise NotFound("Ce pouvoir organisateur n’a pas cet enregistrement.")


def changes_without(session: Session, programme: Programme, entry: HandRecord, day: date) -> list[Falling]:
    """What withdrawing a record would change: each of its schools, on a day, before and after."""
    schools = [school.id for school in entry.schools]
    known = timeline_of(session, programme, schools)
    left = timeline_of(session, programme, schools, without=entry.keys)
    strand = entry.strand.id
    return [Falling(s, known.at(s.id, strand, day), left.at(s.id, strand, day)) for s in entry.schools]


def withdraw_hand_record(
    session: Session, authority: Authority, programme: Programme, number: int, *, now: datetime, actor: str
) -> HandRecord:
    """Withdraw what was recorded by hand: its rows stay, and count no more from now on.

    Raises NotFound when it is not of this authority, Refused when it is withdrawn already.
    """
    take_lock(session, "statuses", authority.fase)
    entry = get_hand_record(session, authority, programme, number)
    if entry.withdrawn_at is not None:
        raise Refused("Cet enregistrement est déjà annulé.")
    session.add_all(RecordWithdrawal(record_id=key, withdrawn_at=now, withdrawn_by=actor) for key in entry.keys)
    session.flush()
    tell_withdrawn(session, AdherenceRecord.id.in_(entry.keys), now=now)
    named = f"école {entry.schools[0].fase}" if len(entry.schools) == 1 else f"{len(entry.schools)} écoles"
    said = (
        f"Enregistrement annulé : {strand_name(session, entry.strand)}, {named}, « {entry.status.label} » "
        f"({entry.word.label}) au {entry.effective_on:%d/%m/%Y}, enregistré par {entry.recorded_by}."
    )
    audit.record_entry(session, now, actor, said, subject_of(authority))
    return entry


def _made(rows: Sequence[tuple[AdherenceRecord, School, Strand, RecordWithdrawal | None]]) -> HandRecord:
    first, _, strand, withdrawal = rows[0]
    return HandRecord(
        number=first.id,
        strand=strand,
        schools=sorted((school for _, school, _, _ in rows), key=lambda school: (school.folded, school.fase)),
        keys=[entry.id for entry, _, _, _ in rows],
        status=first.status,
        word=first.word,
        effective_on=first.effective_on,
        recorded_at=first.recorded_at,
        recorded_by=first.recorded_by,
        source=first.source,
        reason=first.reason,
        withdrawn_at=withdrawal.withdrawn_at if withdrawal else None,
        withdrawn_by=withdrawal.withdrawn_by if withdrawal else None,
    )
