"""The domains of the addresses in use: which are to be looked up, and what was found of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import idna
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, enum_of
from outreach.core.text.french import day
from outreach.core.text.labelled import Labelled
from outreach.core.text.typed import EXAMPLES
from outreach.directory.models import Contact


class DomainVerdict(Labelled):
    """Whether a domain takes mail, as its DNS says. UNANSWERED: nobody said so in time, so nothing is known."""

    TAKES_MAIL = "takes_mail", "reçoit du courriel"
    REFUSES = "refuses", "déclare ne recevoir aucun courriel"
    NO_HOST = "no_host", "n’a aucun serveur de courriel"
    NO_DOMAIN = "no_domain", "n’existe pas"
    UNANSWERED = "unanswered", "n’a pas pu être vérifié"

    @property
    def is_bad(self) -> bool:
        """Whether no letter can arrive there."""
        return self in {DomainVerdict.REFUSES, DomainVerdict.NO_HOST, DomainVerdict.NO_DOMAIN}


class DomainCheck(Base):
    """What was found of a domain (in ASCII) at a moment."""

    __tablename__ = "domain_checks"
    __table_args__ = (Index("ix_domain_checks_domain_checked_at", "domain", "checked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(String(255))
    checked_at: Mapped[datetime] = mapped_column(index=True)
    verdict: Mapped[DomainVerdict] = mapped_column(enum_of(DomainVerdict, "mail_verdict"))


class FollowUpKind(Labelled):
    """What was done about an authority that is hard to reach."""

    TAKEN = "taken", "Prise en charge"
    RELEASED = "released", "Plus suivie"
    POSTPONED = "postponed", "Rappel fixé"


class FollowUpStep(Base):
    """A step about an authority's reachability: when, by whom (TAKEN: whose it became). Rows are only added.

    `day` is when to come back to it, of POSTPONED only; None there takes an earlier day back. The row names a colleague
    and no other person; it stays as long as the authority.
    """

    __tablename__ = "follow_up_steps"
    __table_args__ = (
        Index("ix_follow_up_steps_authority_id_id", "authority_id", "id"),
        CheckConstraint("day IS NULL OR step = 'postponed'", name="day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"))
    step: Mapped[FollowUpKind] = mapped_column(enum_of(FollowUpKind, "follow_up_kind"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    note: Mapped[str] = mapped_column(Text, default="")
    day: Mapped[date | None]


AGAIN = {  # when a domain is looked up again, after each verdict
    DomainVerdict.TAKES_MAIL: timedelta(days=30),
    DomainVerdict.UNANSWERED: timedelta(hours=6),
}
SOON = timedelta(days=1)  # after the others: a fault that is mended is seen the next day
MOST = 50


@dataclass(frozen=True, slots=True)
class FoundDomain:
    """What was found last of a domain, and when."""

    domain: str
    verdict: DomainVerdict
    checked_at: datetime


def domain_of(address: str, address_ascii: str) -> str:
    """The domain of an address in ASCII, as DNS knows it; '' where it has no such form."""
    if address_ascii:
        return address_ascii.rpartition("@")[2].lower()
    try:
        return idna.encode(address.rpartition("@")[2], uts46=True).decode()
    except idna.IDNAError:
        return ""


def due_domains(session: Session, *, now: datetime) -> list[str]:
    """The domains to look up now, at most 50: those never looked up, then those looked up longest ago.

    Domains reserved for examples are never looked up.
    """
    pairs = session.execute(select(Contact.address, Contact.address_ascii).where(Contact.retired_at.is_(None)))
    domains = {domain_of(*pair) for pair in pairs} - {""}
    seen = {found.domain: found for found in _latest(session)}
    waiting = [domain for domain in domains if not EXAMPLES.search(domain) and _is_due(seen.get(domain), now)]
    return sorted(waiting, key=lambda one: (seen[one].checked_at.timestamp() if one in seen else 0, one))[:MOST]


def record_domains(session: Session, verdicts: Mapping[str, DomainVerdict], *, now: datetime) -> None:
    """Keep what was found of these domains."""
    rows = [{"domain": domain, "checked_at": now, "verdict": verdict} for domain, verdict in verdicts.items()]
    if rows:
        session.execute(insert(DomainCheck), rows)


def known_domains(session: Session, domains: Collection[str] | None = None) -> dict[str, FoundDomain]:
    """What is known of these domains, or of all, by domain: what was found last, unless nobody answered then."""
    return {found.domain: found for found in _latest(session, domains, answered=True)}


def domain_remarks(session: Session, contacts: Collection[Contact]) -> dict[int, list[str]]:
    """Of these contacts those whose domain takes no mail: by the contact's number, the sentence that says so."""
    named = {contact.id: domain_of(contact.address, contact.address_ascii) for contact in contacts}
    found = known_domains(session, set(named.values()))
    return {key: [said(found[name])] for key, name in named.items() if name in found and found[name].verdict.is_bad}


def said(found: FoundDomain) -> str:
    """What was found of a domain, as a French sentence with its day."""
    return f"Le domaine {found.domain} {found.verdict.label} (vérifié le {day(found.checked_at)})."


def _is_due(found: FoundDomain | None, now: datetime) -> bool:
    return found is None or found.checked_at <= now - AGAIN.get(found.verdict, SOON)


def _latest(
    session: Session, domains: Collection[str] | None = None, *, answered: bool = False
) -> Iterable[FoundDomain]:
    """The last row of each domain."""
    last = select(func.max(DomainCheck.id)).group_by(DomainCheck.domain)
    if domains is not None:
        last = last.where(DomainCheck.domain.in_(domains))
    if answered:
        last = last.where(DomainCheck.verdict != DomainVerdict.UNANSWERED)
    query = select(DomainCheck.domain, DomainCheck.verdict, DomainCheck.checked_at).where(DomainCheck.id.in_(last))
    return [FoundDomain(*row) for row in session.execute(query)]
