"""The tables of notes: drafts, which change freely, and what was frozen, to which rows are only added.

Names of who froze, approved or published are those of accounts of staff. They stay with the note, which stays for
good; no file of a note names a person.
"""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, remote

from outreach.access.approvals import Decision, DecisionKind, Thing
from outreach.adherence.models import Programme, Status, Word
from outreach.core.db import Base, enum_of
from outreach.core.text.labelled import Labelled

ENDINGS = {"pdf": "pdf", "docx": "docx", "xlsx": "xlsx", "csv": "zip", "json": "json"}
"""The kinds of files of a note, and the end of the name of each. Only notes of before 0.4.0 have a csv."""


class NoteState(Labelled):
    """How far a frozen note has come."""

    FROZEN = "frozen", "À valider"
    RECOUNTED = "recounted", "Recomptée"
    REFUSED = "refused", "Refusée"
    APPROVED = "approved", "Validée"
    PUBLISHED = "published", "Publiée"


class RevisionKind(Labelled):
    """What was found of a published note's figures, and what was decided about it."""

    REVISED = "revised", "chiffres révisés"
    RESTORED = "restored", "chiffres comme la note les disait"
    KEPT = "kept", "la note reste"
    TOLD = "told", "dit sur la page publique"
    SILENCED = "silenced", "retiré de la page publique"


class NoteDraft(Base):
    """A note that its author is still writing: private, `request` as JSON (`drafts.NoteRequest`).

    Personal data. It goes when the note is frozen or deleted.
    """

    __tablename__ = "note_drafts"
    __table_args__ = (Index("ix_note_drafts_author_changed_at", "author", "changed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(String(255))
    changed_at: Mapped[datetime] = mapped_column(index=True)
    title: Mapped[str] = mapped_column(String(200))
    request: Mapped[str] = mapped_column(Text)


class Note(Base):
    """A frozen note: its figures (JSON as RFC 8785 writes it), their digest, its author's text, who froze it.

    The row is never changed. `corrects_id` names the numbered note that this one corrects.
    """

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id"))
    title: Mapped[str] = mapped_column(String(200))
    as_of: Mapped[date]
    known_at: Mapped[datetime]
    figures: Mapped[str] = mapped_column(Text, deferred=True)
    text: Mapped[str] = mapped_column(Text, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64))
    frozen_at: Mapped[datetime]
    frozen_by: Mapped[str] = mapped_column(String(255), index=True)
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("notes.id"), index=True)

    programme: Mapped[Programme] = relationship()
    approval: Mapped["NoteApproval | None"] = relationship(
        foreign_keys="NoteApproval.note_id", lazy="joined", viewonly=True
    )
    corrected_by: Mapped["NoteApproval | None"] = relationship(
        foreign_keys="NoteApproval.corrects_id", lazy="joined", viewonly=True
    )
    refusal: Mapped[Decision | None] = relationship(
        primaryjoin=lambda: and_(
            remote(foreign(Decision.subject)) == Thing.NOTE.subjects(Note.id), Decision.kind == DecisionKind.REFUSED
        ),
        lazy="joined",
        viewonly=True,
    )
    publication: Mapped["NotePublication | None"] = relationship(lazy="joined", viewonly=True)
    recount: Mapped["NoteRecount | None"] = relationship(
        foreign_keys="NoteRecount.note_id", lazy="joined", viewonly=True
    )

    @property
    def state(self) -> NoteState:
        """How far it has come."""
        if self.publication:
            return NoteState.PUBLISHED
        if self.approval:
            return NoteState.APPROVED
        if self.recount and self.recount.again_id:
            return NoteState.RECOUNTED
        return NoteState.REFUSED if self.refusal else NoteState.FROZEN


class NoteRecount(Base):
    """A note whose figures were counted by definitions that have changed since.

    `again_id` is the note that was frozen in its place, where it was not approved yet: it stays to be read.
    """

    __tablename__ = "note_recounts"

    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id"), primary_key=True, autoincrement=False)
    again_id: Mapped[int | None] = mapped_column(ForeignKey("notes.id"), index=True)


class NoteRow(Base):
    """Where one school stood in one strand when a note was frozen. No file of a note holds these rows."""

    __tablename__ = "note_rows"

    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id"), primary_key=True)
    strand: Mapped[int] = mapped_column(primary_key=True)
    fase: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[Status] = mapped_column(enum_of(Status, "status"))
    word: Mapped[Word | None] = mapped_column(enum_of(Word, "word"))
    effective_on: Mapped[date | None]


class NoteApproval(Base):
    """The number that a note got when a second person approved it, when, and what was signed.

    `position` counts approved notes from 1 without a gap; `rank` does so within a year. `approved_as` is the function
    that the files name.
    """

    __tablename__ = "note_approvals"
    __table_args__ = (UniqueConstraint("year", "rank"),)

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id"), unique=True)
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("notes.id"), unique=True)
    year: Mapped[int]
    rank: Mapped[int]
    number: Mapped[str] = mapped_column(String(12), unique=True)
    approved_at: Mapped[datetime]
    approved_as: Mapped[str] = mapped_column(String(200))
    previous_sha256: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(Text)


class NotePublication(Base):
    """An approved note that was published: who did it, and when."""

    __tablename__ = "note_publications"

    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id"), primary_key=True)
    published_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(255))


class NoteFile(Base):
    """A file of an approved note, made once and kept; `kind` is one of `ENDINGS`."""

    __tablename__ = "note_files"

    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class NoteRevision(Base):
    """A moment in the course of a published note whose figures were revised; rows are only added.

    `words` are the figures with their causes, a line for each, or why the note stays. Of what was found, `at` is when
    the list or the edition was applied or undone, and `actor` is ''.
    """

    __tablename__ = "note_revisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[RevisionKind] = mapped_column(enum_of(RevisionKind, "note_revision_kind"))
    actor: Mapped[str] = mapped_column(String(255))
    words: Mapped[str] = mapped_column(Text)


class LookedImport(Base):
    """A list or an edition, applied or undone (« list:12:undone »), whose published notes were looked at."""

    __tablename__ = "looked_imports"

    what: Mapped[str] = mapped_column(String(40), primary_key=True)
    looked_at: Mapped[datetime]
