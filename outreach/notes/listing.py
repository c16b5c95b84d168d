"""Finds notes: by number, by key, by state."""

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, exists, func, select

from outreach.approvals.models import Decision, DecisionKind, Thing
from outreach.db import Session
from outreach.errors import NotFound
from outreach.notes.content import NoteContent, NumberedNote, public_address, read_figures, stamp
from outreach.notes.models import Note, NoteApproval, NoteFile, NotePublication, NoteState
from outreach.text import cleaned


def by_key(session: Session, key: int) -> Note:
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
    return by_key(session, approval.note_id)


def published(session: Session, number: str) -> Note | None:
    """The published note of this number. One statement, whether the number is free, given or published."""
    query = select(Note).join(NoteApproval, NoteApproval.note_id == Note.id)
    query = query.join(NotePublication, NotePublication.note_id == Note.id)
    return session.scalar(query.where(NoteApproval.number == _typed(number)))


def count(session: Session, state: NoteState | None = None) -> int:
    """How many frozen notes there are, of one state or of all."""
    return session.scalar(_listed(state).with_only_columns(func.count(Note.id))) or 0


def notes(
    session: Session, state: NoteState | None = None, limit: int | None = None, offset: int = 0
) -> Sequence[Note]:
    """Frozen notes, of one state or of all, the last frozen first."""
    query = _listed(state).order_by(Note.frozen_at.desc(), Note.id.desc()).limit(limit).offset(offset)
    return session.scalars(query).all()


def content_of(note: Note) -> NoteContent:
    """What a note holds, as it was frozen."""
    return read_figures(json.loads(note.figures), note.text)


def numbered(note: Note, address: str) -> NumberedNote:
    """An approved note as its files are made of it; `address` is the service's own.

    Raises NotFound when nobody has approved it.
    """
    approval = note.approval
    if approval is None:
        raise NotFound("Cette note n’est pas validée : elle n’a pas de numéro.")
    return NumberedNote(
        content_of(note),
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
        raise NotFound("Cette note n’a pas de tel fichier.")
    return file


def files_of(session: Session, note: Note) -> Sequence[NoteFile]:
    """The files of a note without their bytes, by kind; none before its approval."""
    return session.scalars(select(NoteFile).where(NoteFile.note_id == note.id).order_by(NoteFile.kind)).all()


def is_refused() -> ColumnElement[bool]:
    """The condition that a note was refused."""
    return exists().where(Decision.subject == Thing.NOTE.subjects(Note.id), Decision.kind == DecisionKind.REFUSED)


def _typed(number: str) -> str:
    return cleaned(number).strip()[:20]


def _listed(state: NoteState | None) -> Select[Note]:
    return select(Note).where(*(_is_in(state) if state else ()))


def _is_in(state: NoteState) -> tuple[ColumnElement[bool], ...]:
    approved = exists().where(NoteApproval.note_id == Note.id)
    published = exists().where(NotePublication.note_id == Note.id)
    refused = is_refused()
    match state:
        case NoteState.FROZEN:
            return ~approved, ~refused
        case NoteState.REFUSED:
            return (refused,)
        case NoteState.APPROVED:
            return approved, ~published
        case NoteState.PUBLISHED:
            return (published,)
