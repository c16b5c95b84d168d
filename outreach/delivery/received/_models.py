"""The tables of mails received: what a person or a program wrote back, whose it is, and what colleagues did about it.

Each `label` is in French, for the interface.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, ScalarSelect, String, Text, case, select
from sqlalchemy import text as text_
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from outreach.core.db import Base, enum_of
from outreach.core.text.labelled import Labelled
from outreach.directory.models import Authority


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
    HAND = "hand", "un collègue"


class MailStepKind(Labelled):
    """A kind of step of a colleague about a mail received."""

    TAKEN = "taken", "Pris en charge"
    RELEASED = "released", "Laissé à tous"
    ATTACHED = "attached", "Rattaché"
    DETACHED = "detached", "Détaché"
    NOTHING = "nothing", "Rien à faire"
    RECORDED = "recorded", "Réponse notée"
    ANSWERED = "answered", "Répondu"
    REOPENED = "reopened", "Rouvert"


DECIDING = (MailStepKind.NOTHING, MailStepKind.RECORDED, MailStepKind.ANSWERED)


class MailStep(Base):
    """A step taken about a mail received: when, by whom. Rows are added and never changed. Personal data of staff."""

    __tablename__ = "received_mail_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("received_mails.id", ondelete="CASCADE"), index=True)
    step: Mapped[MailStepKind] = mapped_column(enum_of(MailStepKind, "mail_step"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))


def _owner(mail_id: Mapped[int]) -> ScalarSelect[str | None]:
    """The person who took a mail last; NULL once it was released."""
    query = select(case((MailStep.step == MailStepKind.TAKEN, MailStep.actor))).where(
        MailStep.mail_id == mail_id, MailStep.step.in_((MailStepKind.TAKEN, MailStepKind.RELEASED))
    )
    return query.order_by(MailStep.id.desc()).limit(1).correlate_except(MailStep).scalar_subquery()


class ReceivedMail(Base):
    """A mail that came to the mailbox of replies, once, identified by its digest.

    `authority_id` is whose it is, where that is proved or a colleague says so, `attached_by` how; `message_id` is the
    letter that it answers, if one is named. `settled_at` is when a colleague decided about it, as the last of its steps
    says, too: until then a person's attached mail holds letters (`holding`). `owner` is who looks after it, by its
    steps; `session.refresh` reads it again after one. `sender` is as it was written, `sender_key` as addresses are
    compared. `ident` is its Message-ID, which an answer to it names, or ''. `text` is what the person wrote, `folded`
    what was quoted or added below it.

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
    ident: Mapped[str] = mapped_column(String(250), default="", server_default=text_("''"))
    sender: Mapped[str] = mapped_column(String(320))
    sender_key: Mapped[str] = mapped_column(String(320), index=True)
    sender_name: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(500))
    text: Mapped[str] = mapped_column(Text)
    folded: Mapped[str] = mapped_column(Text)
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(String(255))

    owner: Mapped[str | None] = column_property(_owner(id))  # noqa: A003 - the column

    authority: Mapped[Authority | None] = relationship()
    steps: Mapped[list[MailStep]] = relationship(order_by="MailStep.id", viewonly=True)
    files: Mapped[list["ReceivedFile"]] = relationship(order_by="ReceivedFile.number", passive_deletes=True)

    @property
    def verdict(self) -> MailVerdict:
        """What it is."""
        if self.is_automatic:
            return MailVerdict.AUTOMATIC
        return MailVerdict.REPLY if self.authority_id else MailVerdict.UNATTACHED


class ReceivedFile(Base):
    """A file that a mail brought; its `content` where a setting names its kind, within bounds. Personal data."""

    __tablename__ = "received_files"

    mail_id: Mapped[int] = mapped_column(ForeignKey("received_mails.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(200))
    size: Mapped[int]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)

    is_kept: Mapped[bool] = column_property(content.is_not(None))
