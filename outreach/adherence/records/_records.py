"""Records of where schools stand: recorded by hand, and read as programs and sheets show them."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, select

from outreach.adherence.models import AdherenceRecord, Programme, RecordWithdrawal, Status, Strand, Word
from outreach.adherence.programmes import (
    NAME_AMONG_SEVERAL,
    list_prerequisites,
    name_among_several,
    strand_in_words,
    strand_name,
    tell_recorded,
)
from outreach.adherence.situation import (
    OTHERS,
    Bucket,
    Moment,
    Timeline,
    all_eligible,
    is_confirmed,
    joined_late,
    standing_of_schools,
    timeline_of,
)
from outreach.core import audit
from outreach.core.db import Session, take_lock, take_shared_lock
from outreach.core.tables import QueryListing
from outreach.core.text import dates, french
from outreach.core.text.errors import InputError
from outreach.directory.authorities import PastEvent
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority, Ownership, School

LISTS = "joining-lists"  # the turn of joining lists, whose joinings are confirmed
FROM_A_LETTER = "Réponse au courriel"  # the source of what an authority declared from a letter


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


def record_adherence(
    session: Session,
    authority: Authority,
    programme: Programme,
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
) -> tuple[int, list[str]]:
    """Add one record per school and one audit entry; returns the number of records, and notes for the person.

    A declared word never replaces a confirmed joining, and what is recorded already is not recorded again: such schools
    are skipped. Raises InputError for a future day, for a joining after the strand has closed, or when no school is
    left.
    """
    if effective_on > today:
        raise InputError("La date est dans l’avenir : un statut se constate.")
    take_lock(session, "statuses", authority.fase)
    take_shared_lock(session, LISTS)
    known = timeline_of(session, programme, [school.id for school in schools])
    moment = Moment(effective_on, status, word)
    left = [school for school in schools if _is_news(known.at(school.id, strand.id, effective_on), moment)]
    if not left:
        raise InputError("Rien à enregistrer : c’est déjà connu, ou déjà confirmé par le service.")
    if joined_late(strand, status, effective_on):
        raise InputError(joined_late(strand, status, effective_on, name_among_several(session, programme)))
    added = [
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
        for school in left
    ]
    session.add_all(added)
    session.flush()
    tell_recorded(session, AdherenceRecord.id.in_([one.id for one in added]), now=now)
    about = french.initial(strand_name(session, strand))
    audit.record_entry(session, now, actor, _sentence(about, left, moment, source, reason), subject_of(authority))
    return len(left), _notes(session, programme, strand, left, moment, known, len(schools))


def _is_news(held: Moment | None, moment: Moment) -> bool:
    return held != moment and not (moment.word is Word.DECLARED and is_confirmed(held))


def _sentence(about: str, schools: Sequence[School], moment: Moment, source: str, reason: str) -> str:
    named = f"l’école {schools[0].fase}" if len(schools) == 1 else f"{len(schools)} écoles"
    noted = f" {reason}" if reason else ""
    return (
        f"{about}, {named} : « {moment.status.label} » ({moment.word.label}), "
        f"au {moment.day:%d/%m/%Y}. Source : {source}.{noted}"
    )


def _notes(
    session: Session,
    programme: Programme,
    strand: Strand,
    schools: Sequence[School],
    moment: Moment,
    known: Timeline,
    asked: int,
) -> list[str]:
    rules = list_prerequisites(session, programme)
    notes = []
    if len(schools) < asked:
        left = french.plural(asked - len(schools), "école reste", "écoles restent")
        notes.append(f"{left} sans changement : statut déjà connu, ou confirmé.")
    for school in schools:
        known.add(school.id, strand.id, moment)
    if any(known.latest(school.id, strand.id) != moment for school in schools):
        notes.append("Un statut plus récent est connu : celui-ci change le passé, pas la situation d’aujourd’hui.")
    if moment.status is Status.JOINED and any(known.breaks(s.id, strand.id, moment.day, rules) for s in schools):
        notes.append("La condition requise par ce volet à cette date n’est pas remplie.")
    return notes


def eligible_schools(session: Session, authority: Authority, strands: Sequence[Strand], day: date) -> Sequence[School]:
    """The schools of an authority that may join one of these strands on a day, by name."""
    rows = all_eligible([day], strands)
    open_to = select(rows.c.school_id).where(rows.c.authority_id == authority.id)
    return session.scalars(select(School).where(School.id.in_(open_to)).order_by(School.folded, School.fase)).all()


def list_standings(session: Session, authority: Authority, programme: Programme, day: date) -> list[SchoolStandings]:
    """Where each eligible school of an authority stands on a day, by name, in two statements."""
    rows = standing_of_schools(day, programme.strands)
    numbers = {strand.id: strand.number for strand in programme.strands}
    query = select(rows.c.school_id, rows.c.strand_id, rows.c.status, rows.c.word, rows.c.effective_on)
    by_school: dict[int, dict[int, Standing]] = {}
    for school_id, strand_id, status, word, since in session.execute(query.where(rows.c.authority_id == authority.id)):
        by_school.setdefault(school_id, {})[numbers[strand_id]] = Standing(status, word, since)
    schools = eligible_schools(session, authority, programme.strands, day)
    return [SchoolStandings(school, by_school[school.id]) for school in schools]


def declared_joinings(
    session: Session, strands: Sequence[Strand], schools: Collection[int], day: date
) -> set[tuple[int, int, int]]:
    """Which of these schools have a declared joining on a day that is not confirmed, in one statement.

    Each is a triple of keys: the strand, the school's owner on that day, the school.
    """
    if not (strands and schools):
        return set()
    rows = standing_of_schools(day, strands)
    query = select(rows.c.strand_id, rows.c.authority_id, rows.c.school_id).where(rows.c.school_id.in_(schools))
    is_declared = (rows.c.status == Status.JOINED) & (rows.c.word == Word.DECLARED)
    return {(strand, owner, school) for strand, owner, school in session.execute(query.where(is_declared))}


def by_strand(session: Session, programme: Programme) -> dict[int, int]:
    """How many schools have a record in each strand of a programme, withdrawn ones too, by the strand's number."""
    schools = func.count(AdherenceRecord.school_id.distinct())
    query = (
        select(Strand.number, schools)
        .join(AdherenceRecord, AdherenceRecord.strand_id == Strand.id)
        .where(Strand.programme_id == programme.id)
    )
    return dict(session.execute(query.group_by(Strand.number)).all())


def standing_in_words(rows: Sequence[SchoolStandings], strand: Strand) -> str:
    """Where the authority of these schools stands in a strand, in French: how many joined, then each other status.

    '' when the strand concerns none of them.
    """
    known = [one for row in rows if (one := row.strands.get(strand.number)) and one.status is not Status.NOT_CONCERNED]
    counts = Counter(_bucket(one) for one in known)
    joined = counts.pop(Bucket.JOINED, 0)
    others = [f"{french.number(count)} {OTHERS[bucket][count > 1]}" for bucket, count in counts.items()]
    return french.initial(" ; ".join([_joined_told(joined, len(known)), *others])) if known else ""


def _bucket(one: Standing) -> Bucket:
    """What a school counts as."""
    is_declared = one.status is Status.JOINED and one.word is not Word.CONFIRMED
    return Bucket.DECLARED if is_declared else Bucket(one.status.value)


def _joined_told(joined: int, base: int) -> str:
    if not joined:
        return "aucune école n’a adhéré"
    if joined == base:
        return "toutes ses écoles ont adhéré" if base > 1 else "son école a adhéré"
    return f"{french.number(joined)} de ses {french.plural(base, 'école')} {'ont' if joined > 1 else 'a'} adhéré"


def list_events(session: Session, authority: Authority) -> list[PastEvent]:
    """What joining lists recorded for the authority's schools of today; records made by hand are in the audit."""
    query = (
        select(AdherenceRecord, School, Strand, NAME_AMONG_SEVERAL, RecordWithdrawal.withdrawn_at)
        .join(School, School.id == AdherenceRecord.school_id)
        .join(Strand, Strand.id == AdherenceRecord.strand_id)
        .join(Strand.programme)
        .join(Ownership, Ownership.school_id == School.id)
        .outerjoin(RecordWithdrawal, RecordWithdrawal.record_id == AdherenceRecord.id)
        .where(
            Ownership.current(),
            Ownership.authority_id == authority.id,
            AdherenceRecord.list_id.is_not(None),
        )
        .order_by(AdherenceRecord.effective_on, School.fase)
    )
    grouped = dict[int, PastEvent]()
    for entry, school, strand, programme, withdrawn_at in session.execute(query):
        undone = f", annulée le {dates.today(withdrawn_at):%d/%m/%Y}" if withdrawn_at else ""
        event = grouped.setdefault(
            entry.list_id or 0, PastEvent(entry.recorded_at, entry.recorded_by, f"Liste d’adhésions appliquée{undone}.")
        )
        source = f" Source : {entry.source}." if entry.source else ""
        reason = f" Motif : {entry.reason}" if entry.reason else ""
        event.details.append(
            f"{french.initial(strand_in_words(programme, strand.number))}, "
            f"école {school.fase} ({school.display_name}) : "
            f"« {entry.status.label} » au {entry.effective_on:%d/%m/%Y}.{source}{reason}"
        )
    return list(grouped.values())


RecordRow = Row[Any]


def all_records(session: Session) -> QueryListing[RecordRow]:
    """Every record, withdrawn ones too, in the order in which they were recorded."""
    told = School.fase.label("school"), Strand.number.label("strand")
    query = (
        select(AdherenceRecord, *told, RecordWithdrawal.withdrawn_at)
        .join(School, School.id == AdherenceRecord.school_id)
        .join(Strand, Strand.id == AdherenceRecord.strand_id)
        .outerjoin(RecordWithdrawal, RecordWithdrawal.record_id == AdherenceRecord.id)
    )
    return QueryListing(
        title="Statuts d’adhésion",
        columns=(),
        session=session,
        query=query,
        order=(AdherenceRecord.id,),
        numbered=(AdherenceRecord.id, lambda row: row.AdherenceRecord.id),
    )
