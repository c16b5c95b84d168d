"""The tables of reachability: what was found of domains, and what staff did about authorities hard to reach."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, enum_of


class MailVerdict(StrEnum):
    """Whether a domain takes mail, as its DNS says. UNANSWERED: nobody said so in time, so nothing is known."""

    TAKES_MAIL = "takes_mail"
    REFUSES = "refuses"
    NO_HOST = "no_host"
    NO_DOMAIN = "no_domain"
    UNANSWERED = "unanswered"

    @property
    def label(self) -> str:
        """What was found, in French, after "le domaine"."""
        return _VERDICT_LABELS[self]

    @property
    def is_bad(self) -> bool:
        """Whether no letter can arrive there."""
        return self in {MailVerdict.REFUSES, MailVerdict.NO_HOST, MailVerdict.NO_DOMAIN}


_VERDICT_LABELS = {
    MailVerdict.TAKES_MAIL: "reçoit du courriel",
    MailVerdict.REFUSES: "déclare ne recevoir aucun courriel",
    MailVerdict.NO_HOST: "n’a aucun serveur de courriel",
    MailVerdict.NO_DOMAIN: "n’existe pas",
    MailVerdict.UNANSWERED: "n’a pas pu être vérifié",
}


class DomainCheck(Base):
    """What was found of a domain (in ASCII) at a moment."""

    __tablename__ = "domain_checks"
    __table_args__ = (Index("ix_domain_checks_domain_checked_at", "domain", "checked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(String(255))
    checked_at: Mapped[datetime] = mapped_column(index=True)
    verdict: Mapped[MailVerdict] = mapped_column(enum_of(MailVerdict, "mail_verdict"))


class FollowUpKind(StrEnum):
    """What was done about an authority that is hard to reach."""

    TAKEN = "taken"
    RELEASED = "released"
    POSTPONED = "postponed"
    CONFIRMED = "confirmed"

    @property
    def label(self) -> str:
        """The French label."""
        return _FOLLOW_UP_LABELS[self]


_FOLLOW_UP_LABELS = {
    FollowUpKind.TAKEN: "Prise en charge",
    FollowUpKind.RELEASED: "Plus suivie",
    FollowUpKind.POSTPONED: "Rappel fixé",
    FollowUpKind.CONFIRMED: "Boîte confirmée",
}


class FollowUpStep(Base):
    """A step about an authority's reachability: when, by whom (TAKEN: whose it became). Rows are only added.

    `day` is when to come back to it, of POSTPONED only; None there takes an earlier day back. `contact_id` is the
    mailbox that somebody said is read, of CONFIRMED only. The row names a colleague and no other person; it stays as
    long as the authority.
    """

    __tablename__ = "follow_up_steps"
    __table_args__ = (
        Index("ix_follow_up_steps_authority_id_id", "authority_id", "id"),
        CheckConstraint("day IS NULL OR step = 'postponed'", name="day"),
        CheckConstraint("(contact_id IS NOT NULL) = (step = 'confirmed')", name="contact"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"))
    step: Mapped[FollowUpKind] = mapped_column(enum_of(FollowUpKind, "follow_up_kind"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    note: Mapped[str] = mapped_column(Text, default="")
    day: Mapped[date | None]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
