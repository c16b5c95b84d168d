"""The tables of bounces: each notice once, its report on each recipient, and what it changed.

Each `label` is in French and in the plural, for the interface.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.db import Base, enum_of
from outreach.delivery.bounces.notices import NoticeVerdict
from outreach.labelled import Labelled


class Handling(Labelled):
    """The change that a notice made, or why it made none.

    REFUSED: its letter counts as refused. EXCLUDED: its address is suppressed as well. ELSEWHERE: it is about an
    address that the recipient's mail is forwarded to. UNVERIFIED: nothing proves that it is about a letter of ours.
    """

    REFUSED = "refused", "courriels revenus"
    EXCLUDED = "excluded", "courriels revenus, adresse exclue"
    COMPLAINED = "complained", "adresses exclues pour plainte"
    UNSUBSCRIBED = "unsubscribed", "désinscriptions"
    ELSEWHERE = "elsewhere", "rien, rejet plus loin que l’adresse écrite"
    TOO_OLD = "too_old", "rien, courriel trop ancien"
    UNVERIFIED = "unverified", "rien, faute de preuve"
    NOTHING = "nothing", "rien"


class KeptNotice(Base):
    """A notice, identified by its digest; `message_id` is its letter, where that is proved."""

    __tablename__ = "bounce_notices"
    __table_args__ = (Index("ix_bounce_notices_message_id_handling", "message_id", "handling"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    read_at: Mapped[datetime]
    verdict: Mapped[NoticeVerdict] = mapped_column(enum_of(NoticeVerdict, "notice_verdict"))
    handling: Mapped[Handling] = mapped_column(enum_of(Handling, "notice_handling"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))

    reports: Mapped[list["KeptReport"]] = relationship(order_by="KeptReport.number")


class KeptReport(Base):
    """The report of a notice about one recipient."""

    __tablename__ = "bounce_reports"

    notice_id: Mapped[int] = mapped_column(ForeignKey("bounce_notices.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(String(320))
    verdict: Mapped[NoticeVerdict] = mapped_column(enum_of(NoticeVerdict, "report_verdict"))
    status: Mapped[str] = mapped_column(String(12), default="")
    said: Mapped[str] = mapped_column(Text, default="")
