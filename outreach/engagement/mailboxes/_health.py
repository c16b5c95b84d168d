"""The state of mailboxes: each authority by its best one, and the mailboxes of one authority.

One function feeds page, export and command. It reads a line for each authority and each address in use.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from sqlalchemy import ColumnElement, exists, select

from outreach.core.db import Session
from outreach.core.tables import BATCH, DATA, Column, InMemoryListing, Kind, On
from outreach.core.text.dates import today
from outreach.core.text.french import day
from outreach.core.text.labelled import Labelled
from outreach.delivery import deliverability, outbox
from outreach.delivery.deliverability import NOBODY, Followed, FoundDomain
from outreach.delivery.models import Suppression, SuppressionReason, SuppressionScope
from outreach.directory import confirmations, contacts
from outreach.directory.confirmations import STALE_AFTER, Confirmed
from outreach.directory.display_names import shown
from outreach.directory.models import Authority, Contact, Level, Network, Ownership, School, Teaching, types_of
from outreach.directory.reference import NETWORKS


class MailboxHealth(Labelled):
    """How mail reaches an authority, by the best of its mailboxes; the worst first. Each authority has one."""

    NO_MAILBOX = (
        "no_mailbox",
        "Sans boîte utilisable",
        "Aucune adresse en usage, ou seulement une adresse qui attend une deuxième personne.",
    )
    BOUNCED = "bounced", "Boîte en échec", "Une boîte a rejeté un courriel, et aucune autre ne peut servir."
    EXCLUDED = (
        "excluded",
        "Boîte exclue",
        "Chaque boîte utilisable est sur la liste d’exclusion, qui arrête tous les courriels.",
    )
    NO_MAIL = (
        "no_mail",
        "Domaine sans courriel",
        "Le domaine de chaque boîte utilisable ne reçoit aucun courriel, à sa dernière vérification.",
    )
    PARTLY = "partly", "Une boîte en échec sur plusieurs", "Une boîte a rejeté un courriel, une autre peut servir."
    UNCONFIRMED = (
        "unconfirmed",
        "Jamais confirmée",
        "Une boîte peut servir, mais aucune réponse n’en est venue, et personne ne l’a confirmée.",
    )
    CONFIRMED = (
        "confirmed",
        "Confirmée",
        "Qui la lit l’a dit sur sa page, en répondant ou par téléphone ; ou un collègue, ou une liste l’a confirmée.",
    )

    @property
    def meaning(self) -> str:
        """The definition, as the page states it."""
        return self.words


class Freshness(Labelled):
    """When an authority was last confirmed, by the mailboxes that a letter reaches."""

    YEAR = "year", "Depuis moins d’un an"
    TWO_YEARS = "two_years", "Il y a un à deux ans"
    STALE = "stale", "Il y a plus de deux ans, ou jamais"

    @classmethod
    def of(cls, confirmed_on: date | None, day: date) -> Self:
        """How fresh a confirmation is on a day."""
        if confirmed_on is None or confirmed_on <= day - STALE_AFTER:
            return cls.STALE
        return cls.YEAR if confirmed_on > day - STALE_AFTER / 2 else cls.TWO_YEARS


RANKS = {state: rank for rank, state in enumerate(MailboxHealth)}
BEST = tuple(reversed(MailboxHealth))
FAULTS = tuple(state for state in MailboxHealth if state not in {MailboxHealth.UNCONFIRMED, MailboxHealth.CONFIRMED})
REACHED = (MailboxHealth.PARTLY, MailboxHealth.UNCONFIRMED, MailboxHealth.CONFIRMED)


@dataclass(frozen=True, slots=True)
class ReachFilters:
    """What the list is asked for. An empty filter excludes nothing; `owner` is an address, or NOBODY.

    `level` is that of some school. `recalled` keeps those with a day to come back to them, `confirmed` those that a
    letter reaches and whose confirmation is so fresh.
    """

    states: tuple[MailboxHealth, ...] = ()
    networks: tuple[str, ...] = ()
    level: Level | None = None
    owner: str = ""
    recalled: bool = False
    confirmed: Freshness | None = None


@dataclass(frozen=True, slots=True)
class ReachedMailbox:
    """An address in use: its state, as if its authority had no other. `found` is what is wrong with its domain."""

    contact_id: int
    address: str
    state: MailboxHealth
    bounced_at: datetime | None
    found: FoundDomain | None
    confirmed: Confirmed | None = None

    @property
    def faulty_since(self) -> datetime | None:
        """When its fault was seen, or None: no fault, or one without a day."""
        checked_at = self.found.checked_at if self.state is MailboxHealth.NO_MAIL and self.found else None
        return self.bounced_at or checked_at

    @property
    def said(self) -> str:
        """How it stands, in French, with the days that are known."""
        if self.bounced_at is not None:
            return f"en échec depuis le {day(self.bounced_at)}"
        if self.state is MailboxHealth.NO_MAIL and self.found is not None:
            return f"le domaine {self.found.verdict.label}, vérifié le {day(self.found.checked_at)}"
        if self.confirmed is not None:
            return f"confirmée le {day(self.confirmed.at)} ({self.confirmed.way.label})"
        return _SAID[self.state]


_SAID = {
    MailboxHealth.NO_MAILBOX: "à vérifier par une deuxième personne",
    MailboxHealth.EXCLUDED: "exclue de tout courriel",
    MailboxHealth.UNCONFIRMED: "jamais confirmée",
}


@dataclass(frozen=True, slots=True)
class ReachRow:
    """An authority: its key, its name in the register and as shown, its network as the register says, its state, its
    addresses in use, and who looks after it.
    """

    key: int
    fase: int
    name: str
    display_name: str
    network: str
    state: MailboxHealth
    mailboxes: Sequence[ReachedMailbox]
    followed: Followed

    @property
    def faulty_since(self) -> date | None:
        """The day on which the first of its mailboxes was seen to be at fault; None where no day is known."""
        moments = (held.faulty_since for held in self.mailboxes)
        return min((today(moment) for moment in moments if moment), default=None)

    @property
    def confirmed_on(self) -> date | None:
        """The day on which one of its mailboxes that a letter reaches was last confirmed; None where none was."""
        reached = (held.confirmed for held in self.mailboxes if held.state in REACHED)
        return max((today(last.at) for last in reached if last), default=None)


COLUMNS: Sequence[Column[ReachRow]] = (
    Column("fase", "FASE", lambda row: row.fase, sort=True, on=DATA),
    Column("display_name", "Pouvoir organisateur", lambda row: row.display_name, sort=True),
    Column("network_name", "Réseau", lambda row: NETWORKS[row.network], sort=True, on=On.FILE),
    Column("network", "Réseau au registre", lambda row: row.network, on=DATA),
    Column("state", "État", lambda row: row.state, sort=True),
    Column("addresses", "Boîtes", lambda row: [held.address for held in row.mailboxes]),
    Column(
        "known",
        "Ce qu’on sait de chacune",
        lambda row: " ; ".join(f"{held.address} : {held.said}" for held in row.mailboxes),
        on=On.FILE,
    ),
    Column("confirmed_on", "Confirmée le", lambda row: row.confirmed_on, Kind.DAY, sort=True, on=DATA),
    Column("owner", "Suivi par", lambda row: row.followed.owner, Kind.PERSON, sort=True),
    Column("recall_on", "À rappeler le", lambda row: row.followed.recall_on, Kind.DAY, sort=True, on=DATA),
)


@dataclass(frozen=True, kw_only=True)
class ReachList(InMemoryListing[ReachRow]):
    """The rows that the filters find, and how many authorities each network has in each state, before both these
    filters. `recalls` counts, in any state, those with a day to come back, and those for which it has come.

    Its keys are those of the authorities that mail can reach.
    """

    counts: Mapping[tuple[str, MailboxHealth], int]
    recalls: tuple[int, int]

    def keys(self) -> list[int]:
        """Those of the rows that mail reaches."""
        return [row.key for row in self.rows if row.state in REACHED]

    def tally(self, network: str = "", *states: MailboxHealth) -> int:
        """Authorities of a network ('': all) in one of these states (none: any)."""
        chosen = states or tuple(MailboxHealth)
        return sum(n for (code, state), n in self.counts.items() if state in chosen and network in {"", code})


def list_mailbox_health(session: Session, filters: ReachFilters, *, now: datetime, sort: str = "") -> ReachList:
    """The list, the worst state first, then by name."""
    held, followed, nobody = _mailboxes(session), deliverability.current_follow_up(session), Followed()
    found = [
        ReachRow(*authority, _state(held.get(key, ())), held.get(key, ()), followed.get(key, nobody))
        for authority in _authorities(session, filters.level)
        for key in authority[:1]
    ]
    if filters.owner:
        owner = "" if filters.owner == NOBODY else filters.owner
        found = [row for row in found if row.followed.owner == owner]
    if filters.recalled:
        found = [row for row in found if row.followed.recall_on is not None]
    if filters.confirmed:
        reached = (row for row in found if row.state in REACHED)
        found = [row for row in reached if Freshness.of(row.confirmed_on, today(now)) is filters.confirmed]
    counts = Counter((row.network, row.state) for row in found)
    if filters.networks:
        found = [row for row in found if row.network in filters.networks]
    days = [row.followed.recall_on for row in found if row.followed.recall_on is not None]
    due = sum(recall_on <= today(now) for recall_on in days)
    if filters.states:
        found = [row for row in found if row.state in filters.states]
    return ReachList(
        title="État des boîtes",
        columns=COLUMNS,
        sort=sort,
        rows=sorted(found, key=lambda row: RANKS[row.state]),
        counts=counts,
        recalls=(len(days), due),
    )


def _authorities(session: Session, level: Level | None) -> Iterator[tuple[int, int, str, str, str]]:
    """Key, FASE, both names and network of the authorities that own a listed school, by name."""
    owns = exists().where(Ownership.authority_id == Authority.id, Ownership.current())
    if level is not None:
        teaches = Teaching.education_type.in_(types_of(level))
        owns = owns.where(Teaching.school_id == Ownership.school_id, Teaching.current(), teaches)
    columns = Authority.id, Authority.fase, Authority.name, Authority.corrected_name, Network.code
    query = select(*columns).join(Network, Network.id == Authority.network_id)
    query = query.where(owns).order_by(Authority.folded, Authority.fase).execution_options(yield_per=BATCH)
    for key, fase, name, corrected, code in session.execute(query):
        yield key, fase, name, shown(name, corrected), code


def mailbox_health_of(session: Session, authority: Authority) -> ReachRow:
    """One authority's row."""
    mailboxes = _mailboxes(session, Contact.authority_id == authority.id).get(authority.id, ())
    followed = deliverability.current_follow_up(session, [authority.id]).get(authority.id, Followed())
    named = authority.id, authority.fase, authority.name, authority.display_name, authority.network.code
    return ReachRow(*named, _state(mailboxes), mailboxes, followed)


def _mailboxes(session: Session, *which: ColumnElement[bool]) -> dict[int, tuple[ReachedMailbox, ...]]:
    """The addresses in use, or those of them for which this is true, by the key of their authority."""
    bad = {found.domain: found for found in deliverability.known_domains(session).values() if found.verdict.is_bad}
    last = confirmations.latest(session, *which)
    held: dict[int, tuple[ReachedMailbox, ...]] = {}
    columns = Contact.authority_id, Contact.id, Contact.address, Contact.address_key, Contact.address_ascii
    query = select(*columns, Contact.bounced_at, Contact.usable(), _is_excluded())
    query = query.where(Contact.retired_at.is_(None), *which).order_by(Contact.id)
    for key, number, address, address_key, address_ascii, bounced_at, *known in session.execute(
        query.execution_options(yield_per=BATCH)
    ):
        found = bad.get(deliverability.domain_of(address, address_ascii)) if bad else None
        confirmed = last.get((key, address_key))
        state = _state_of_one(bounced_at, found, confirmed is not None, *known)
        held[key] = (*held.get(key, ()), ReachedMailbox(number, address, state, bounced_at, found, confirmed))
    return held


def _state_of_one(
    bounced_at: datetime | None, found: FoundDomain | None, confirmed: bool, is_usable: bool, is_excluded: bool
) -> MailboxHealth:
    if not is_usable:
        return MailboxHealth.BOUNCED if bounced_at else MailboxHealth.NO_MAILBOX
    if is_excluded:
        return MailboxHealth.EXCLUDED
    if found is not None:
        return MailboxHealth.NO_MAIL
    return MailboxHealth.CONFIRMED if confirmed else MailboxHealth.UNCONFIRMED


def _state(mailboxes: Sequence[ReachedMailbox]) -> MailboxHealth:
    """The state of an authority with these addresses in use: that of the best of them."""
    states = {mailbox.state for mailbox in mailboxes}
    best = next((state for state in BEST if state in states), MailboxHealth.NO_MAILBOX)
    return MailboxHealth.PARTLY if best in REACHED and MailboxHealth.BOUNCED in states else best


def _is_excluded() -> ColumnElement[bool]:
    """True of an address on the list of exclusion that gets no letter at all."""
    return exists().where(
        Suppression.address_key == Contact.address_key,
        Suppression.lifted_at.is_(None),
        Suppression.scope == SuppressionScope.ALL,
    )


@dataclass(frozen=True, slots=True)
class ListedMailbox:
    """An address, the exclusions in force, the only schools it answers for if any, what is remarked on it in use.

    A retired one that is restorable may be put back in use.
    """

    contact: Contact
    exclusions: Sequence[Suppression]
    schools: Sequence[School]
    remarks: Sequence[str]
    is_restorable: bool

    @property
    def state(self) -> str:
        """How it stands, in French: the first of these that is so."""
        states = {
            "Retirée": self.contact.retired_at,
            "Boîte en échec": self.contact.bounced_at,
            "À vérifier": self.contact.awaits_review,
            "Exclue": any(one.reason is not SuppressionReason.UNSUBSCRIBED for one in self.exclusions),
            "Désinscrite": self.exclusions,
        }
        return next((state for state, is_so in states.items() if is_so), "En usage")


MAILBOX_COLUMNS: Sequence[Column[ListedMailbox]] = (
    Column("address", "Adresse", lambda row: row.contact.address, sort=True),
    Column("kind", "Boîte", lambda row: row.contact.mailbox_kind, on=DATA),
    Column("name", "Nom", lambda row: row.contact.name, on=DATA),
    Column("function", "Fonction", lambda row: row.contact.function, on=DATA),
    Column("phone", "Téléphone", lambda row: row.contact.phone, on=DATA),
    Column("usage", "Usage", lambda row: row.contact.usage, on=DATA),
    Column("schools", "Répond pour", lambda row: " ; ".join(one.display_name for one in row.schools), on=DATA),
    Column("state", "État", lambda row: row.state, sort=True),
    Column("remarks", "Remarques", lambda row: " ".join(row.remarks), on=DATA),
    Column("source", "Origine", lambda row: row.contact.source, sort=True),
    Column("source_note", "Source", lambda row: row.contact.source_note, on=DATA),
    Column("added_at", "Ajoutée", lambda row: row.contact.added_at, Kind.MOMENT, on=DATA),
    Column("added_by", "Par", lambda row: row.contact.added_by, Kind.PERSON, on=DATA),
    Column("retired_at", "Retirée", lambda row: row.contact.retired_at, Kind.MOMENT, on=DATA),
    Column("actions", "Actions", lambda _: "", on=On.PAGE),
)


def list_mailboxes(
    session: Session, authority: Authority, names: Mapping[str, str], *, text: str = "", sort: str = ""
) -> InMemoryListing[ListedMailbox]:
    """Every address that an authority has or had. `names` are those of persons, by address."""
    known, limited = contacts.contacts_of(session, authority), contacts.limited_of(session, authority)
    restorable, in_use = contacts.restorable(known), [held for held in known if held.retired_at is None]
    excluded: dict[str, list[Suppression]] = {}
    for suppression in outbox.in_force(session, [held.address_key for held in known]):
        excluded.setdefault(suppression.address_key, []).append(suppression)
    remarks = deliverability.domain_remarks(session, in_use)
    shared = contacts.elsewhere(session, [held.address_key for held in in_use], fase=authority.fase)
    for held in in_use:
        if held.address_key in shared:
            remarks.setdefault(held.id, []).append(shared[held.address_key])
    rows = [
        ListedMailbox(
            held,
            excluded.get(held.address_key, ()),
            limited.get(held.id, ()),
            remarks.get(held.id, ()),
            held.id in restorable,
        )
        for held in known
    ]
    return InMemoryListing(title="Contacts", columns=MAILBOX_COLUMNS, sort=sort, rows=rows, names=names, text=text)
