"""Finds notes: by number, by key, by state."""

import json
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Select, exists, false, func, or_, select
from sqlalchemy.orm import joinedload

from outreach.access import colleagues
from outreach.access.approvals import Decision, DecisionKind, Thing
from outreach.adherence.models import Programme
from outreach.core.db import Session
from outreach.core.tables import DATA, Column, Kind, On, QueryListing
from outreach.core.text.errors import NotFound
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import cleaned
from outreach.reports.notes._content import NoteContent, NumberedNote, public_address, read_figures, stamp
from outreach.reports.notes._models import Note, NoteApproval, NoteFile, NotePublication, NoteRecount, NoteState

_NUMBER = select(NoteApproval.number).where(NoteApproval.note_id == Note.id).scalar_subquery()


def get_note_by_key(session: Session, key: int) -> Note:
    """The frozen note of this key. Raises NotFound."""
    note = session.get(Note, key)
    if note is None:
        raise NotFound("Cette note n’existe pas.")
    return note


def by_number(session: Session, number: str) -> Note:
    """The approved note of this number, such as « 2026-014 ». Raises NotFound."""
    asked = _typed(number)
    approval = session.scalar(select(NoteApproval).where(NoteApproval.number == asked))
    if approval is None:
        raise NotFound(f"Aucune note ne porte le numéro « {asked} ».")
    return get_note_by_key(session, approval.note_id)


def last_numbered(session: Session, programme: Programme) -> Note | None:
    """The last approved note about a programme."""
    query = _listed(None, programme).join(NoteApproval, NoteApproval.note_id == Note.id)
    return session.scalars(query.order_by(Note.frozen_at.desc(), Note.id.desc()).limit(1)).first()


def numbered_before(session: Session, note: Note) -> Note | None:
    """The last note about the same programme that was approved before this one."""
    query = _listed(None, note.programme).join(NoteApproval, NoteApproval.note_id == Note.id)
    earlier = NoteApproval.position < note.approval.position if note.approval else false()
    return session.scalars(query.where(earlier).order_by(NoteApproval.position.desc()).limit(1)).first()


def published_note(session: Session, number: str) -> Note | None:
    """The published note of this number. One statement, whether the number is free, given or published."""
    query = select(Note).join(NoteApproval, NoteApproval.note_id == Note.id)
    query = query.join(NotePublication, NotePublication.note_id == Note.id)
    return session.scalar(query.where(NoteApproval.number == _typed(number)))


def count_notes(session: Session, state: NoteState | None = None, programme: Programme | None = None) -> int:
    """How many frozen notes there are, of one state or of all, about one programme or all."""
    return session.scalar(_listed(state, programme).with_only_columns(func.count(Note.id))) or 0


COLUMNS: Sequence[Column[Note]] = (
    Column("key", "Clé", lambda note: note.id, on=On.JSON),
    Column("title", "Note", lambda note: note.title, sort=func.lower(Note.title)),
    Column("programme", "Programme", lambda note: note.programme.name, sort=Note.programme_id, on=On.PAGE | On.FILE),
    Column("programme_code", "Code du programme", lambda note: note.programme.code, on=On.FILE),
    Column("number", "Numéro", lambda note: note.approval and note.approval.number, sort=_NUMBER),
    Column("as_of", "Situation au", lambda note: note.as_of, Kind.DAY, sort=Note.as_of),
    Column("state", "État", lambda note: note.state),
    Column("sha256", "Code de contrôle", lambda note: note.sha256, on=On.JSON),
    Column("corrected_by", "Corrigée par", lambda note: note.corrected_by and note.corrected_by.number, on=DATA),
    Column("frozen_at", "Figée", lambda note: note.frozen_at, Kind.MOMENT, sort=Note.frozen_at, on=On.PAGE | On.FILE),
    Column("frozen_by", "Par", lambda note: note.frozen_by, Kind.PERSON, on=On.FILE),
)


def select_notes(
    session: Session, state: NoteState | None = None, sort: str = "", programme: Programme | None = None
) -> QueryListing[Note]:
    """Frozen notes, of one state or of all, about one programme or all, the last frozen first."""
    return QueryListing(
        title="Notes figées",
        columns=COLUMNS,
        sort=sort,
        usual="-frozen_at",
        session=session,
        query=_listed(state, programme),
        order=(Note.frozen_at.desc(), Note.id.desc()),
        numbered=(Note.id, lambda note: note.id),
    )


def stored_content(note: Note) -> NoteContent:
    """What a note holds, as it was frozen."""
    return read_figures(json.loads(note.figures), note.text)


def as_numbered(note: Note, address: str) -> NumberedNote:
    """An approved note as its files are made of it; `address` is the service's own.

    Raises NotFound when nobody has approved it.
    """
    approval = note.approval
    if approval is None:
        raise NotFound("Cette note n’est pas validée : elle n’a pas de numéro.")
    return NumberedNote(
        stored_content(note),
        approval.number,
        stamp(approval.approved_at),
        approval.approved_as,
        approval.previous_sha256,
        public_address(address, approval.number),
    )


def file_of(session: Session, note: Note, kind: str) -> NoteFile:
    """A file of an approved note, as it was made at its approval. Raises NotFound."""
    file = session.get(NoteFile, (note.id, kind))
    if file is None:
        raise NotFound("Cette note n’a pas ce fichier.")
    return file


def files_of(session: Session, note: Note) -> Sequence[NoteFile]:
    """The files of a note without their bytes, by kind; none before its approval."""
    return session.scalars(select(NoteFile).where(NoteFile.note_id == note.id).order_by(NoteFile.kind)).all()


def is_over(note: type[Note] = Note) -> ColumnElement[bool]:
    """The condition that a note awaits no approval any more and has none: it was refused, or counted again."""
    ends = Decision.kind.in_((DecisionKind.REFUSED, DecisionKind.WITHDRAWN))
    return exists().where(Decision.subject == Thing.NOTE.subjects(note.id), ends)


def awaits_as_author(person: str, roles: Collection[RoleName]) -> ColumnElement[bool]:
    """The condition that what a note asks of its author awaits this person; approvers, once the account is closed."""
    if RoleName.APPROVER not in roles:
        return Note.frozen_by == person
    users = colleagues.USERS
    return or_(Note.frozen_by == person, ~exists().where(users.c.email == Note.frozen_by, users.c.active))


def _typed(number: str) -> str:
    return cleaned(number).strip()[:20]


def _listed(state: NoteState | None, programme: Programme | None) -> Select[Note]:
    query = select(Note).options(joinedload(Note.programme)).where(*(_is_in(state) if state else ()))
    return query.where(Note.programme_id == programme.id) if programme else query


def _is_in(state: NoteState) -> tuple[ColumnElement[bool], ...]:
    approved = exists().where(NoteApproval.note_id == Note.id)
    published = exists().where(NotePublication.note_id == Note.id)
    recounted = exists().where(NoteRecount.note_id == Note.id, NoteRecount.again_id.is_not(None))
    match state:
        case NoteState.FROZEN:
            return ~approved, ~is_over()
        case NoteState.RECOUNTED:
            return (recounted,)
        case NoteState.REFUSED:
            return is_over(), ~recounted
        case NoteState.APPROVED:
            return approved, ~published
        case NoteState.PUBLISHED:
            return (published,)
