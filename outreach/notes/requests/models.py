"""The table of notes asked for, and how far each has come."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.db import Base
from outreach.labelled import Labelled
from outreach.notes.models import Note


class AskedState(Labelled):
    """How far a note that was asked for has come."""

    WAITING = "waiting", "Attend la rédaction"
    FROZEN = "frozen", "Note à valider"
    ANSWERED = "answered", "Note prête"
    SENT_BACK = "sent_back", "Renvoyée"
    WITHDRAWN = "withdrawn", "Retirée"


class AskedNote(Base):
    """A note that a person asked for: the beginning of the question, and all that is asked (`drafts.NoteRequest`).

    `note_id` is the note that an author last froze for it. What was decided about it are decisions. Personal data.
    """

    __tablename__ = "asked_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    request: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(255), index=True)
    asked_at: Mapped[datetime]
    note_id: Mapped[int | None] = mapped_column(ForeignKey("notes.id"), index=True)

    note: Mapped[Note | None] = relationship()
