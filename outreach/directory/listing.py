"""Search for authorities: filters, counts, one page of rows, all rows.

One query feeds page, export and command.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Subquery,
    case,
    desc,
    exists,
    func,
    select,
)

from outreach.db import Session
from outreach.db.in_list import among
from outreach.directory import search
from outreach.directory.models import (
    Authority,
    Contact,
    Federation,
    Level,
    Listing,
    Membership,
    Network,
    School,
    Teaching,
    types_of,
)
from outreach.directory.search import Found

PAGE_ROWS = 50
LONGEST_SEARCH = 200


class Sort(StrEnum):
    """The sort orders of a list of authorities."""

    NAME = "name"
    FASE = "fase"
    SCHOOLS = "-schools"
    SECONDARY = "-secondary"


class Reach(StrEnum):
    """Whether mail can reach an authority. UNREACHABLE is only a filter: it means BOUNCED or NO_ADDRESS."""

    REACHABLE = "reachable"
    BOUNCED = "bounced"
    NO_ADDRESS = "no_address"
    UNREACHABLE = "unreachable"

    @property
    def label(self) -> str:
        """The French label."""
        return _REACH_LABELS[self]


_REACH_LABELS = {
    Reach.REACHABLE: "Boîte utilisable",
    Reach.BOUNCED: "Boîte en échec",
    Reach.NO_ADDRESS: "Sans boîte utilisable",
    Reach.UNREACHABLE: "Sans contact (en échec ou sans boîte utilisable)",
}
ListedRow = Row[Authority, int, int, str | None, Reach]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a search. An empty filter excludes nothing; level, zone, province and municipality apply to the
    same school. `found` is what `text` finds, by `understood`. `chosen` selects the keys that may be found
    at all: `standings` says why, as numbers of strands with where an authority stands in each.
    """

    text: str = ""
    found: Found | None = None
    networks: tuple[str, ...] = ()
    federation: str = ""
    level: Level | None = None
    zone: str = ""
    province: str = ""
    municipality: str = ""
    reach: Reach | None = None
    standings: tuple[tuple[int, str], ...] = ()
    chosen: Select[int] | None = None


@dataclass(frozen=True, slots=True)
class DirectoryCounts:
    """Counts of the listed authorities and schools that match, and of those among them with secondary education."""

    authorities: int
    schools: int
    authorities_with_secondary: int
    secondary_schools: int


def understood(session: Session, filters: Filters) -> Filters:
    """The same filters with what their text finds, so that it is searched once for a count and a page."""
    if not filters.text or filters.found is not None:
        return filters
    return replace(filters, found=search.find(session, filters.text, _school_conditions(filters)))


def count(session: Session, filters: Filters) -> DirectoryCounts:
    """Counts over every matching row."""
    rows = _matching(understood(session, filters)).subquery()
    has_secondary = case((rows.c.secondary > 0, 1), else_=0)
    query = select(
        func.count(),
        func.coalesce(func.sum(rows.c.schools), 0),
        func.coalesce(func.sum(has_secondary), 0),
        func.coalesce(func.sum(rows.c.secondary), 0),
    )
    return DirectoryCounts(*map(int, session.execute(query.select_from(rows)).one()))  # PostgreSQL sums into decimals


def page(session: Session, filters: Filters, sort: Sort, number: int) -> Sequence[ListedRow]:
    """One page of rows, from page 1; see `every` for the columns."""
    rows = _rows(understood(session, filters), sort)
    return session.execute(rows.limit(PAGE_ROWS).offset((number - 1) * PAGE_ROWS)).all()


def every(session: Session, filters: Filters, sort: Sort = Sort.NAME) -> Sequence[ListedRow]:
    """All rows: Authority, schools, secondary (counts), mailbox (one usable address or None), reach."""
    return session.execute(_rows(understood(session, filters), sort)).all()


def zones(session: Session) -> Sequence[str]:
    """The teaching zones in use."""
    return session.scalars(select(School.zone).distinct().order_by(School.zone)).all()


def municipalities(session: Session) -> Sequence[str]:
    """The municipalities in which a school stands, as the register spells them."""
    return session.scalars(select(School.municipality).distinct().order_by(School.municipality)).all()


def networks(session: Session) -> Sequence[Network]:
    """The networks, in their usual order."""
    return session.scalars(select(Network).order_by(Network.position)).all()


def federations(session: Session) -> Sequence[Federation]:
    """The federations, by code."""
    return session.scalars(select(Federation).order_by(Federation.code)).all()


def federation_codes(session: Session, authority_ids: Sequence[int]) -> dict[int, list[str]]:
    """The codes of the federations that represent each authority, sorted."""
    query = (
        select(Membership.authority_id, Federation.code)
        .join(Federation)
        .where(among(Membership.authority_id, authority_ids), Membership.current())
        .distinct()
        .order_by(Federation.code)
    )
    codes: dict[int, list[str]] = {}
    for identity, code in session.execute(query):
        codes.setdefault(identity, []).append(code)
    return codes


def represented(session: Session, authority_ids: Sequence[int], level: Level) -> dict[int, list[tuple[str, str]]]:
    """The federations (code, name) that represent each authority for a level."""
    query = (
        select(Membership.authority_id, Federation.code, Federation.name)
        .join(Federation)
        .where(among(Membership.authority_id, authority_ids), Membership.level == level, Membership.current())
        .order_by(Federation.code)
    )
    by_authority: dict[int, list[tuple[str, str]]] = {}
    for identity, code, name in session.execute(query):
        by_authority.setdefault(identity, []).append((code, name))
    return by_authority


def mailboxes(session: Session, authority_ids: Sequence[int]) -> dict[int, list[str]]:
    """The usable addresses of each authority."""
    query = select(Contact.authority_id, Contact.address).where(
        Contact.authority_id.in_(authority_ids), Contact.usable()
    )
    addresses: dict[int, list[str]] = {}
    for identity, address in session.execute(query.order_by(Contact.added_at, Contact.id)):
        addresses.setdefault(identity, []).append(address)
    return addresses


def _rows(filters: Filters, sort: Sort) -> Select[Authority, int, int, str | None, Reach]:
    orders: dict[Sort, tuple[Any, ...]] = {
        Sort.NAME: (Authority.folded,),
        Sort.FASE: (Authority.fase,),
        Sort.SCHOOLS: (desc("schools"), Authority.folded),
        Sort.SECONDARY: (desc("secondary"), Authority.folded),
    }
    return _matching(filters).order_by(*orders[sort], Authority.fase)


def _matching(filters: Filters) -> Select[Authority, int, int, str | None, Reach]:
    schools = _schools(filters)
    mailbox = (
        select(func.min(Contact.address))
        .where(Contact.authority_id == Authority.id, Contact.usable())
        .scalar_subquery()
    )
    query = (
        select(
            Authority,
            schools.c.schools,
            schools.c.secondary,
            mailbox.label("mailbox"),
            _reach().label("reach"),
        )
        .join(schools, schools.c.authority_id == Authority.id)
        .join(Authority.network)
    )
    return query.where(*_conditions(filters))


def _schools(filters: Filters) -> Subquery:
    secondary = _teaches(Level.SECONDARY)
    query = select(
        Listing.authority_id,
        func.count().label("schools"),
        func.sum(case((secondary, 1), else_=0)).label("secondary"),
    ).join(School, School.id == Listing.school_id)
    return query.where(*_school_conditions(filters)).group_by(Listing.authority_id).subquery()


def _school_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [Listing.current()]
    if filters.level:
        conditions.append(_teaches(filters.level))
    if filters.zone:
        conditions.append(School.zone == filters.zone)
    if filters.province:
        conditions.append(School.province == filters.province)
    if filters.municipality:
        conditions.append(School.municipality == filters.municipality)
    return conditions


def _teaches(level: Level) -> ColumnElement[bool]:
    return exists().where(
        Teaching.school_id == Listing.school_id, Teaching.current(), Teaching.education_type.in_(types_of(level))
    )


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.found is not None:
        conditions.append(among(Authority.id, filters.found.schools))
    if filters.chosen is not None:
        conditions.append(Authority.id.in_(filters.chosen))
    if filters.networks:
        conditions.append(Network.code.in_(filters.networks))
    if filters.federation:
        represented = (
            select(Membership.authority_id)
            .join(Federation)
            .where(Federation.code == filters.federation, Membership.current())
        )
        conditions.append(Authority.id.in_(represented))
    if filters.reach is Reach.UNREACHABLE:
        conditions.append(_reach() != Reach.REACHABLE)
    elif filters.reach:
        conditions.append(_reach() == filters.reach)
    return conditions


def _reach() -> ColumnElement[Reach]:
    in_use = exists().where(Contact.authority_id == Authority.id, Contact.retired_at.is_(None))
    usable = in_use.where(Contact.usable())
    bounced = in_use.where(Contact.bounced_at.is_not(None))
    return case((usable, Reach.REACHABLE), (bounced, Reach.BOUNCED), else_=Reach.NO_ADDRESS)
