"""The tables of replies, letters by hand and prepared texts; rows are only added.

A reply says what staff wrote to an authority. It stays with the authority's history, as its answers do: nothing deletes
it by itself.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.core.db import Base, enum_of
from outreach.core.text.labelled import Labelled
from outreach.delivery.models import Message


class TextUse(Labelled):
    """What a prepared text is for."""

    HELP = "help", "Aide : premiers éléments"
    ADDRESS = "address", "Adresse corrigée"
    NOTED = "noted", "Décision notée"
    JOINED = "joined", "Adhésion confirmée"
    AFTER_CALL = "after_call", "Suite d’un appel"
    PRESENT = "present", "Présentation du programme"

    @property
    def needs_approval(self) -> bool:
        """Whether a second person approves it, once for all letters that are this text unchanged."""
        return self.leaves_unread or self.is_letter

    @property
    def leaves_unread(self) -> bool:
        """Whether nobody reads it again before it leaves."""
        return self is TextUse.JOINED

    @property
    def is_letter(self) -> bool:
        """Whether it begins a letter by hand to an authority that asked for nothing: its first line is the subject."""
        return self in {TextUse.AFTER_CALL, TextUse.PRESENT}


class ReplyTemplate(Base):
    """A version of a prepared text, in the language of letters. The newest version of a use holds."""

    __tablename__ = "prepared_texts"
    __table_args__ = (Index("ix_prepared_texts_use_id", "use", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    use: Mapped[TextUse] = mapped_column(enum_of(TextUse, "use"))
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(255))


class ServiceLetter(Base):
    """A letter by hand as its author wrote it, whether it left or not; decisions about it name its key.

    `text` is in the language of letters, its first line the subject. `address` is the mailbox that it is for. `key` and
    `text_id` are as those of a reply. `letterhead_id` is the letterhead under which it was read and submitted.
    `mail_id` is the mail received that it answers: once it leaves, that is decided about.
    """

    __tablename__ = "service_letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), index=True)
    address: Mapped[str] = mapped_column(String(320))
    text: Mapped[str] = mapped_column(Text)
    text_id: Mapped[int | None] = mapped_column(ForeignKey("prepared_texts.id"))
    key: Mapped[str] = mapped_column(String(32), unique=True)
    written_at: Mapped[datetime] = mapped_column(index=True)
    written_by: Mapped[str] = mapped_column(String(255), index=True)
    letterhead_id: Mapped[int | None] = mapped_column(ForeignKey("letterhead_versions.id"))
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("received_mails.id", ondelete="SET NULL"), index=True)


class ServiceReply(Base):
    """A letter that left to an authority: its subject and its text as read there, when, and by whom it was written.

    It answers a response, or it is a letter by hand (`letter_id`). `key` is that of the page from which it was sent, so
    that pressing twice sends one letter. `text_id` is the prepared text that was sent as it stood.
    """

    __tablename__ = "service_replies"
    __table_args__ = (CheckConstraint("(response_id IS NULL) <> (letter_id IS NULL)", name="about"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    response_id: Mapped[int | None] = mapped_column(ForeignKey("responses.id"), index=True)
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("service_letters.id"), unique=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), unique=True)
    text_id: Mapped[int | None] = mapped_column(ForeignKey("prepared_texts.id"))
    key: Mapped[str] = mapped_column(String(32), unique=True)
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime] = mapped_column(index=True)
    sent_by: Mapped[str] = mapped_column(String(255), index=True)

    message: Mapped[Message] = relationship()
