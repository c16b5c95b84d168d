"""The tables of replies and of prepared texts; rows are only added.

A reply says what staff wrote to an authority. It stays with the authority's history, as its answers do: nothing deletes
it by itself.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.db import Base, enum_of
from outreach.delivery.models import Message


class TextUse(StrEnum):
    """What a prepared text is for."""

    HELP = "help"
    ADDRESS = "address"
    NOTED = "noted"
    JOINED = "joined"

    @property
    def label(self) -> str:
        """The French label."""
        return _USE_LABELS[self]

    @property
    def needs_approval(self) -> bool:
        """Whether a second person approves it first: nobody reads it again before it leaves."""
        return self is TextUse.JOINED


_USE_LABELS = {
    TextUse.HELP: "Aide : premiers éléments",
    TextUse.ADDRESS: "Adresse corrigée",
    TextUse.NOTED: "Décision notée",
    TextUse.JOINED: "Adhésion confirmée",
}


class PreparedText(Base):
    """A version of a prepared text, in the language of letters. The newest version of a use holds."""

    __tablename__ = "prepared_texts"
    __table_args__ = (Index("ix_prepared_texts_use_id", "use", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    use: Mapped[TextUse] = mapped_column(enum_of(TextUse, "use"))
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(255))


class ServiceReply(Base):
    """A letter to the authority of a response: its subject and its text as read there, when, and by whom.

    `key` is that of the page from which it was sent, so that pressing twice sends one letter. `text_id` is the prepared
    text that was sent as it stood.
    """

    __tablename__ = "service_replies"

    id: Mapped[int] = mapped_column(primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), unique=True)
    text_id: Mapped[int | None] = mapped_column(ForeignKey("prepared_texts.id"))
    key: Mapped[str] = mapped_column(String(32), unique=True)
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime] = mapped_column(index=True)
    sent_by: Mapped[str] = mapped_column(String(255), index=True)

    message: Mapped[Message] = relationship()
