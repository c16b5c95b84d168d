"""Search for authorities: filters, counts, one page of rows, all rows.

One query feeds page, export and command.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Subquery,
    and_,
    case,
    desc,
    exists,
    false,
    func,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute

from outreach.db import Session
from outreach.db.in_list import among
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
from outreach.directory.reference import fold

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
    Reach.REACHABLE: "Joignable",
    Reach.BOUNCED: "Boîte en échec",
    Reach.NO_ADDRESS: "Sans adresse en usage",
    Reach.UNREACHABLE: "Sans contact (échec ou sans adresse)",
}
ListedRow = Row[Authority, int, int, str | None, Reach, str | None]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a search. An empty filter excludes nothing; level, zone and province apply to the same school."""

    text: str = ""
    networks: tuple[str, ...] = ()
    federation: str = ""
    level: Level | None = None
    zone: str = ""
    province: str = ""
    reach: Reach | None = None


@dataclass(frozen=True, slots=True)
class DirectoryCounts:
    """Counts of the listed authorities and schools that match, and of those among them with secondary education."""

    authorities: int
    schools: int
    authorities_with_secondary: int
    secondary_schools: int


def count(session: Session, filters: Filters) -> DirectoryCounts:
    """Counts over every matching row."""
    rows = _matching(filters).subquery()
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
    return session.execute(_rows(filters, sort).limit(PAGE_ROWS).offset((number - 1) * PAGE_ROWS)).all()


def every(session: Session, filters: Filters, sort: Sort = Sort.NAME) -> Sequence[ListedRow]:
    """All rows: Authority, schools, secondary (counts), mailbox (one usable address or None), reach, found_school (the
    name of a school that matches the searched text, or None)."""
    return session.execute(_rows(filters, sort)).all()


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


def _rows(filters: Filters, sort: Sort) -> Select[Authority, int, int, str | None, Reach, str | None]:
    orders: dict[Sort, tuple[Any, ...]] = {
        Sort.NAME: (Authority.folded,),
        Sort.FASE: (Authority.fase,),
        Sort.SCHOOLS: (desc("schools"), Authority.folded),
        Sort.SECONDARY: (desc("secondary"), Authority.folded),
    }
    return _matching(filters).order_by(*orders[sort], Authority.fase)


def _matching(filters: Filters) -> Select[Authority, int, int, str | None, Reach, str | None]:
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
            _found_school(filters).label("found_school"),
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
    return conditions


def _teaches(level: Level) -> ColumnElement[bool]:
    return exists().where(
        Teaching.school_id == Listing.school_id, Teaching.current(), Teaching.education_type.in_(types_of(level))
    )


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.text:
        conditions.append(or_(is_named(filters.text), _found_school(filters).is_not(None)))
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


def _found_school(filters: Filters) -> ColumnElement[Any]:
    if not fold(filters.text):
        return null()
    query = select(func.min(School.name)).join(Listing, Listing.school_id == School.id)
    query = query.where(
        Listing.authority_id == Authority.id, _contains(School.folded, filters.text), *_school_conditions(filters)
    )
    return query.correlate(Authority).scalar_subquery()


def is_named(text: str) -> ColumnElement[bool]:
    """True of an authority whose name or FASE number contains all the words of a text, ignoring accents and case."""
    return _contains(Authority.folded, text)


def _contains(folded: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    words = dict.fromkeys(fold(text).split())  # a letter may stand for several words, which SQLite nests too deep
    return and_(true(), *(folded.contains(word, autoescape=True) for word in words)) if words else false()


def _reach() -> ColumnElement[Reach]:
    in_use = exists().where(Contact.authority_id == Authority.id, Contact.retired_at.is_(None))
    usable = in_use.where(Contact.usable())
    bounced = in_use.where(Contact.bounced_at.is_not(None))
    return case((usable, Reach.REACHABLE), (bounced, Reach.BOUNCED), else_=Reach.NO_ADDRESS)
