"""The tables of mails received: what a person or a program wrote back, and whose it is.

Each `label` is in French, for the interface.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.core.db import Base, enum_of
from outreach.core.text.labelled import Labelled


class MailVerdict(Labelled):
    """What a mail is. Only REPLY, AUTOMATIC and UNATTACHED are kept here: a return is kept with the returns."""

    REPLY = "reply", "réponses rattachées"
    AUTOMATIC = "automatic", "réponses automatiques"
    RETURN = "return", "courriels revenus"
    UNATTACHED = "unattached", "à rattacher"
    REFUSED = "refused", "illisibles ou hors limites"


class AttachedBy(Labelled):
    """How it is known to which authority a mail belongs."""

    MARK = "mark", "la marque de son courriel"
    REFERENCE = "reference", "le courriel auquel il répond"
    SENDER = "sender", "l’adresse de son expéditeur"


class ReceivedMail(Base):
    """A mail that came to the mailbox of replies, once, identified by its digest.

    `authority_id` is whose it is, where that is proved, and `attached_by` how; `message_id` is the letter that it
    answers, if one is named. `settled_at` is when a colleague decided about it: until then a person's attached mail
    holds letters (`holding`). `sender` is as it was written, `sender_key` as addresses are compared. `text` is what the
    person wrote, `folded` what was quoted or added below it.

    Personal data.
    """

    __tablename__ = "received_mails"
    __table_args__ = (
        CheckConstraint("(authority_id IS NULL) = (attached_by IS NULL)", name="attached"),
        CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="settled"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    written_at: Mapped[datetime | None]
    is_automatic: Mapped[bool]
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authorities.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    attached_by: Mapped[AttachedBy | None] = mapped_column(enum_of(AttachedBy, "attached_by"))
    sender: Mapped[str] = mapped_column(String(320))
    sender_key: Mapped[str] = mapped_column(String(320), index=True)
    sender_name: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(500))
    text: Mapped[str] = mapped_column(Text)
    folded: Mapped[str] = mapped_column(Text)
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(String(255))

    files: Mapped[list["ReceivedFile"]] = relationship(order_by="ReceivedFile.number", passive_deletes=True)

    @property
    def verdict(self) -> MailVerdict:
        """What it is."""
        if self.is_automatic:
            return MailVerdict.AUTOMATIC
        return MailVerdict.REPLY if self.authority_id else MailVerdict.UNATTACHED


class ReceivedFile(Base):
    """A file that a mail brought, of which nothing else is kept. Personal data."""

    __tablename__ = "received_files"

    mail_id: Mapped[int] = mapped_column(ForeignKey("received_mails.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(200))
    size: Mapped[int]
