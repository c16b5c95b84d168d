"""Record a status by hand, and read what is known of one authority's schools."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from outreach import audit
from outreach.adherence.models import AdherenceRecord, Programme, RollUp, Status, Strand, Word
from outreach.adherence.standing import eligible, roll_up, standing
from outreach.db import Session
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority, Listing, School
from outreach.directory.sheet import Event
from outreach.errors import InputError


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a school stands in a strand: status, on whose word, since when (None = no record)."""

    status: Status
    word: Word | None
    since: date | None


@dataclass(frozen=True, slots=True)
class SchoolStandings:
    """A school with its standing in each strand, by number."""

    school: School
    strands: dict[int, Standing]


def record(
    session: Session,
    authority: Authority,
    strand: Strand,
    schools: Sequence[School],
    *,
    status: Status,
    word: Word,
    effective_on: date,
    now: datetime,
    today: date,
    actor: str,
    source: str,
    reason: str = "",
) -> None:
    """Add one record a school, and one sentence to the audit of its authority.

    Raises InputError for a day to come or when no school is given.
    """
    if effective_on > today:
        raise InputError("La date est dans l’avenir : un statut se constate.")
    if not schools:
        raise InputError("Choisissez au moins une école.")
    session.add_all(
        AdherenceRecord(
            school_id=school.id,
            strand_id=strand.id,
            status=status,
            word=word,
            effective_on=effective_on,
            recorded_at=now,
            recorded_by=actor,
            source=source,
            reason=reason,
        )
        for school in schools
    )
    named = f"l’école {schools[0].fase}" if len(schools) == 1 else f"{len(schools)} écoles"
    noted = f" {reason}" if reason else ""
    sentence = (
        f"Volet {strand.number}, {named} : « {status.label} » ({word.label}), "
        f"au {effective_on:%d/%m/%Y}. Source : {source}.{noted}"
    )
    audit.record(session, now, actor, sentence, subject_of(authority))


def eligible_schools(session: Session, authority: Authority, programme: Programme, day: date) -> Sequence[School]:
    """The schools of an authority that may join one of the programme's strands on a day, by name."""
    rows = eligible([day], programme.strands)
    open_to = select(rows.c.school_id).where(rows.c.authority_id == authority.id)
    return session.scalars(select(School).where(School.id.in_(open_to)).order_by(School.folded, School.fase)).all()


def standings(session: Session, authority: Authority, programme: Programme, day: date) -> list[SchoolStandings]:
    """Where each eligible school of an authority stands on a day, by name, in two statements."""
    rows = standing([day], programme.strands)
    numbers = {strand.id: strand.number for strand in programme.strands}
    query = select(rows.c.school_id, rows.c.strand_id, rows.c.status, rows.c.word, rows.c.effective_on)
    found: dict[int, dict[int, Standing]] = {}
    for school_id, strand_id, status, word, since in session.execute(query.where(rows.c.authority_id == authority.id)):
        found.setdefault(school_id, {})[numbers[strand_id]] = Standing(status, word, since)
    schools = eligible_schools(session, authority, programme, day)
    return [SchoolStandings(school, found[school.id]) for school in schools]


def roll_ups(rows: Sequence[SchoolStandings], programme: Programme) -> dict[int, RollUp]:
    """Where the authority of these schools stands in each strand, by number."""
    return {
        strand.number: roll_up(
            (known.status, known.word) for row in rows if (known := row.strands.get(strand.number)) is not None
        )
        for strand in programme.strands
    }


def events(session: Session, authority: Authority) -> list[Event]:
    """What lists brought for the authority's schools of today; what was recorded by hand is in the audit."""
    query = (
        select(AdherenceRecord, School, Strand)
        .join(School, School.id == AdherenceRecord.school_id)
        .join(Strand, Strand.id == AdherenceRecord.strand_id)
        .join(Listing, Listing.school_id == School.id)
        .where(
            Listing.current(),
            Listing.authority_id == authority.id,
            AdherenceRecord.list_id.is_not(None),
            AdherenceRecord.withdrawn_at.is_(None),
        )
        .order_by(AdherenceRecord.effective_on, School.fase)
    )
    grouped: dict[int, Event] = {}
    for entry, school, strand in session.execute(query):
        event = grouped.setdefault(
            entry.list_id or 0, Event(entry.recorded_at, entry.recorded_by, "Liste d’adhésions appliquée.")
        )
        source = f" Source : {entry.source}." if entry.source else ""
        reason = f" Motif : {entry.reason}" if entry.reason else ""
        event.details.append(
            f"Volet {strand.number}, école {school.fase} ({school.name}) : « {entry.status.label} » "
            f"au {entry.effective_on:%d/%m/%Y}.{source}{reason}"
        )
    return list(grouped.values())
