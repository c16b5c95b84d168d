"""The tables of reachability: what was found of domains, and what staff did about authorities hard to reach."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, enum_of
from outreach.labelled import Labelled


class MailVerdict(Labelled):
    """Whether a domain takes mail, as its DNS says. UNANSWERED: nobody said so in time, so nothing is known."""

    TAKES_MAIL = "takes_mail", "reçoit du courriel"
    REFUSES = "refuses", "déclare ne recevoir aucun courriel"
    NO_HOST = "no_host", "n’a aucun serveur de courriel"
    NO_DOMAIN = "no_domain", "n’existe pas"
    UNANSWERED = "unanswered", "n’a pas pu être vérifié"

    @property
    def is_bad(self) -> bool:
        """Whether no letter can arrive there."""
        return self in {MailVerdict.REFUSES, MailVerdict.NO_HOST, MailVerdict.NO_DOMAIN}


class DomainCheck(Base):
    """What was found of a domain (in ASCII) at a moment."""

    __tablename__ = "domain_checks"
    __table_args__ = (Index("ix_domain_checks_domain_checked_at", "domain", "checked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(String(255))
    checked_at: Mapped[datetime] = mapped_column(index=True)
    verdict: Mapped[MailVerdict] = mapped_column(enum_of(MailVerdict, "mail_verdict"))


class FollowUpKind(Labelled):
    """What was done about an authority that is hard to reach."""

    TAKEN = "taken", "Prise en charge"
    RELEASED = "released", "Plus suivie"
    POSTPONED = "postponed", "Rappel fixé"
    CONFIRMED = "confirmed", "Boîte confirmée"


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
