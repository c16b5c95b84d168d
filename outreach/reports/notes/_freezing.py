"""Freezes a note: its figures, the rows they were counted from, and the digest are kept, without a number."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from outreach.access import approvals
from outreach.access.approvals import Content, DecisionKind, Thing
from outreach.adherence.models import Status, Word
from outreach.adherence.situation import FiguredSentence
from outreach.core.db import Session, table_of, take_lock
from outreach.core.db.bulk import add_rows
from outreach.core.text import french
from outreach.reports.notes._content import NoteContent
from outreach.reports.notes._corrections import refuse_corrected
from outreach.reports.notes._drafts import discard_draft
from outreach.reports.notes._models import Note, NoteRow
from outreach.reports.notes._requests import link


@dataclass(frozen=True, slots=True)
class SchoolStanding:
    """Where a school stood in a strand: the row that a note's figures count."""

    strand: int
    fase: int
    status: Status
    word: Word | None
    effective_on: date | None


@dataclass(frozen=True, slots=True)
class Gathered:
    """A note that is not frozen yet: what it holds, the rows behind it, and the keys that it is stored under.

    `sentences` has those about schools and authorities again, each with the figures that it was made from. `answers`
    is the key of the question that it answers, or 0.
    """

    content: NoteContent
    rows: tuple[SchoolStanding, ...]
    programme_id: int
    as_of: date
    known_at: datetime
    corrects_id: int | None
    sentences: tuple[FiguredSentence, ...] = ()
    answers: int = 0

    @property
    def seen(self) -> str:
        """A digest of what a reader compares: all of it but the moments, which change each time it is gathered."""
        return replace(self.content, known_at="", frozen_at="", sources=()).sha256()


def freeze_note(session: Session, gathered: Gathered, *, now: datetime, actor: str, draft: int | None = None) -> Note:
    """Keep a note as it was gathered. `draft` is the key of the author's draft, which ends here.

    Gather it before, in a transaction that reads. Raises Refused when it corrects a note that is corrected already, or
    whose correction awaits its approval, and when the question that it answers awaits no note any more.
    """
    if gathered.corrects_id is not None:
        take_lock(session, "note", gathered.corrects_id)
        refuse_corrected(session, session.get_one(Note, gathered.corrects_id))
    if draft is not None:
        take_lock(session, "note-draft", draft)
        discard_draft(session, draft, actor)
    content = gathered.content
    note = Note(
        programme_id=gathered.programme_id,
        title=content.title,
        as_of=gathered.as_of,
        known_at=gathered.known_at,
        figures=content.figures_json().decode(),
        text=content.text,
        sha256=content.sha256(),
        frozen_at=now,
        frozen_by=actor,
        corrects_id=gathered.corrects_id,
    )
    session.add(note)
    session.flush()
    if gathered.answers:
        link(session, gathered.answers, note)
    add_rows(
        session,
        table_of(NoteRow),
        (
            {
                "note_id": note.id,
                "strand": row.strand,
                "fase": row.fase,
                "status": row.status,
                "word": row.word,
                "effective_on": row.effective_on,
            }
            for row in gathered.rows
        ),
    )
    frozen = content_of(note)
    sentence = f"{frozen.named} figée, au {french.day(note.as_of)} (code de contrôle {note.sha256[:12]})."
    approvals.record_decision(session, frozen, DecisionKind.SUBMITTED, sentence, now=now, actor=actor)
    return note


def note_subject(note: Note) -> str:
    """What the audit and decisions call a note."""
    return Thing.NOTE.subject(note.id)


def content_of(note: Note) -> Content:
    """A frozen note as decisions are about it."""
    return Content(note_subject(note), note.sha256, note.title, f"Note « {french.within_quotes(note.title)} »")
