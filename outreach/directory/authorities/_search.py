"""Search for authorities: words, filters, counts, and the listing of those found.

A word is searched as it was typed. Only when nothing is found do words of the directory that are one typo away stand in
for it, and whoever shows the result says so.

One query feeds page, export and command.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, NamedTuple, TypeVar

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.tables import BATCH, DATA, Column, Kind, On, QueryListing
from outreach.core.tables import Row as Listed
from outreach.core.text.dates import today
from outreach.core.text.labelled import Labelled
from outreach.core.text.typed import folded
from outreach.directory import confirmations
from outreach.directory.display_names import display_name
from outreach.directory.models import (
    Authority,
    Contact,
    Federation,
    Level,
    Membership,
    Network,
    Ownership,
    School,
    Teaching,
    types_of,
)
from outreach.directory.reference import fold

Query = TypeVar("Query", bound=Select[Any])
MOST_TERMS = 30
LEAST_OF_ADDRESS = 4  # characters; shorter words stand in too many addresses
LEAST_OF_TYPO = 4
MOST_SPELLINGS = 12


@dataclass(frozen=True, slots=True)
class SoughtWord:
    """One word of a search: as typed, the folded spellings looked for (any of them), and the federations it names."""

    typed: str
    spellings: tuple[str, ...]
    federations: tuple[int, ...] = ()

    def authority_has(self) -> ColumnElement[bool]:
        """Whether an authority has this word: in its name, number or place, an address in use, or a federation."""
        named = _held(Authority.folded, self.spellings)
        sought = [word for word in (self.typed, *self.spellings) if len(word) >= LEAST_OF_ADDRESS]
        if sought:
            written = or_(*(Contact.address_key.contains(word, autoescape=True) for word in sought))
            addressed = select(Contact.authority_id).where(Contact.retired_at.is_(None), written)
            named.append(Authority.id.in_(addressed))
        if self.federations:
            represented = select(Membership.authority_id)
            represented = represented.where(Membership.federation_id.in_(self.federations), Membership.current())
            named.append(Authority.id.in_(represented))
        return or_(false(), *named)

    def school_has(self) -> ColumnElement[bool]:
        """Whether a school has this word: in its name, number or place."""
        return or_(false(), *_held(School.folded, self.spellings))


@dataclass(frozen=True, slots=True)
class FoundAuthorities:
    """Results of a text: `schools` has for each authority the name of a school found, or None if it was found itself.

    `corrected` are the words that were not found, each with those that stand in for it.
    """

    schools: Mapping[int, str | None]
    corrected: tuple[tuple[str, tuple[str, ...]], ...] = ()


def find(session: Session, text: str, among: Collection[ColumnElement[bool]]) -> FoundAuthorities:
    """The authorities that have all words of a text, or one of whose schools has some of them and it or the authority
    the others. `among` limits listings and schools. Words beyond the thirtieth are left out.
    """
    terms = _terms(session, text)
    schools = _found(session, terms, among)
    if schools or not terms:
        return FoundAuthorities(schools)
    words = _words(session)
    unknown = [term for term in terms if not any(spelling in word for spelling in term.spellings for word in words)]
    corrected = [_corrected(term, words) if term in (unknown or terms) else term for term in terms]
    stand_ins = tuple(
        (term.typed, meant.spellings[len(term.spellings) :])
        for term, meant in zip(terms, corrected, strict=True)
        if meant is not term
    )
    return FoundAuthorities(_found(session, corrected, among), stand_ins) if stand_ins else FoundAuthorities({})


def is_named(text: str, *folded: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """True of an authority whose name, number or place contains all the words of a text, ignoring accents and case.

    `folded` are columns of what is searched in its place: of a school, or of both.
    """
    spelling = _spelling(text)
    return or_(false(), *(held for column in folded or (Authority.folded,) for held in _held(column, spelling)))


def authorities_called(session: Session, text: str, most: int) -> Sequence[Authority]:
    """At most so many authorities whose name has these words, by name."""
    return session.scalars(narrow_by_name(select(Authority), text).order_by(*BY_NAME).limit(most)).all()


def narrow_by_name(query: Query, text: str, *folded: InstrumentedAttribute[str]) -> Query:
    """The query with `is_named` as one more condition; unchanged where the text is empty."""
    return query.where(is_named(text, *folded)) if text else query


def _terms(session: Session, text: str) -> list[SoughtWord]:
    federations = [(key, f" {fold(f'{code} {name}')}") for key, code, name in session.execute(_FEDERATIONS)]
    terms = []
    for word in list(dict.fromkeys(text.casefold().split()))[:MOST_TERMS]:
        spelling = _spelling(word)
        named = (key for key, said in federations for spelt in spelling if f" {spelt}" in said)
        terms.append(SoughtWord(word, spelling, tuple(named)))
    return terms


def _spelling(text: str) -> tuple[str, ...]:
    """A text folded, each of its words once: one letter may stand for several words, which SQLite nests too deep."""
    folded = " ".join(dict.fromkeys(fold(text).split()))
    return (folded,) if folded else ()


def _found(
    session: Session, terms: Sequence[SoughtWord], among: Collection[ColumnElement[bool]]
) -> Mapping[int, str | None]:
    if not terms:
        return {}
    itself = and_(*(term.authority_has() for term in terms))
    by_school = and_(
        or_(*(term.school_has() for term in terms)), *(or_(term.school_has(), term.authority_has()) for term in terms)
    )
    query: Select[int, str | None] = (
        select(Ownership.authority_id, func.min(case((by_school, func.coalesce(School.corrected_name, School.name)))))
        .join(School, School.id == Ownership.school_id)
        .join(Authority, Authority.id == Ownership.authority_id)
        .where(*among, or_(itself, by_school))
        .group_by(Ownership.authority_id)
    )
    return {key: display_name(school) if school else None for key, school in session.execute(query)}


def _corrected(term: SoughtWord, words: Sequence[str]) -> SoughtWord:
    """A term that also stands for the words one letter away: changed, added, left out or in its neighbour's place.

    Numbers are exact. The same term if there are none.
    """
    typed = next(iter(term.spellings), "")
    if len(typed) < LEAST_OF_TYPO or typed.isdigit():
        return term
    near = process.extract(typed, words, scorer=OSA.distance, processor=None, score_cutoff=1, limit=MOST_SPELLINGS)
    others = [word for word, distance, _ in near if distance]
    return replace(term, spellings=(*term.spellings, *others)) if others else term


def _words(session: Session) -> list[str]:
    """The words of the directory, sorted. Texts are read some at a time: all at once take more than the words do."""
    addresses = select(Contact.address_key).where(Contact.retired_at.is_(None))
    words: set[str] = set()
    for query in (select(Authority.folded), select(School.folded), addresses):
        said = session.scalars(query.execution_options(yield_per=BATCH))
        for text in map(fold, said) if query is addresses else said:
            words.update(word for word in text.split() if len(word) >= LEAST_OF_TYPO - 1)
    return sorted(words)


def _held(folded: InstrumentedAttribute[str], spellings: Sequence[str]) -> list[ColumnElement[bool]]:
    """For each spelling, whether a text holds all its words."""
    return [and_(*(folded.contains(word, autoescape=True) for word in spelling.split())) for spelling in spellings]


_FEDERATIONS = select(Federation.id, Federation.code, Federation.name)


REGISTERED = "Nom au registre"  # the header of an authority's name as the register spells it
BY_NAME = (Authority.folded, Authority.fase)
LONGEST_SEARCH = 200


class ReachFilter(Labelled):
    """Whether mail can reach an authority. UNREACHABLE is only a filter: it means BOUNCED or NO_ADDRESS."""

    REACHABLE = "reachable", "Boîte utilisable"
    BOUNCED = "bounced", "Boîte en échec"
    NO_ADDRESS = "no_address", "Sans boîte utilisable"
    UNREACHABLE = "unreachable", "Sans contact (en échec ou sans boîte utilisable)"


class ListedRow(NamedTuple):
    """An authority with its schools that match, those among them with secondary education, one usable address, and how
    mail reaches it. A file has the codes of its federations, all usable addresses and when one of them was last
    confirmed, too.
    """

    Authority: Authority
    schools: int
    secondary: int
    mailbox: str | None
    reach: ReachFilter
    federations: Sequence[str] = ()
    mailboxes: Sequence[str] = ()
    confirmed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a search. An empty filter excludes nothing; level, zone, province and municipality apply to the
    same school. `found` is what `text` finds, by `resolve_text`. `chosen` selects the keys that may be found
    at all: `standings` says why, as numbers of strands with where an authority stands in each.
    """

    text: str = ""
    found: FoundAuthorities | None = None
    networks: tuple[str, ...] = ()
    federation: str = ""
    level: Level | None = None
    zone: str = ""
    province: str = ""
    municipality: str = ""
    reach: ReachFilter | None = None
    standings: tuple[tuple[int, str], ...] = ()
    chosen: Select[int] | None = None


@dataclass(frozen=True, slots=True)
class DirectoryCounts:
    """Counts of the listed authorities and schools that match, and of those among them with secondary education."""

    authorities: int
    schools: int
    authorities_with_secondary: int
    secondary_schools: int


def authority_columns(of: Callable[[Listed], Authority]) -> Sequence[Column[Listed]]:
    """The columns by which every list names the authority of a row: its number, name and network.

    A listing that sorts by them joins `Authority`.
    """
    return (
        Column("fase", "FASE", lambda row: of(row).fase, sort=Authority.fase, on=DATA),
        Column("name", "Pouvoir organisateur", lambda row: of(row).display_name, sort=Authority.folded),
        Column("network", "Réseau", lambda row: of(row).network.label, on=On.FILE),
        Column("network_code", "Réseau au registre", lambda row: of(row).network.code, on=DATA),
    )


OF_AUTHORITIES: Sequence[Column[Authority]] = (
    *authority_columns(lambda one: one),
    Column("municipality", "Commune", lambda one: one.municipality, sort=Authority.municipality),
)


def columns(filters: Filters) -> Sequence[Column[ListedRow]]:
    """The columns of the directory; its counts are of the schools that the filters are about."""
    some = filters.level or filters.zone or filters.province or filters.municipality
    return (
        *authority_columns(lambda row: row.Authority),
        Column("federations", "Fédérations", lambda row: row.federations, on=DATA),
        Column("schools", "Écoles visées" if some else "Écoles", lambda row: row.schools, Kind.NUMBER, sort="schools"),
        Column("secondary", "Écoles secondaires", lambda row: row.secondary, Kind.NUMBER, sort="secondary"),
        Column("company_number", "Numéro BCE", lambda row: row.Authority.company_number, on=DATA),
        Column("address", "Adresse", lambda row: row.Authority.address, on=DATA),
        Column("postcode", "Code postal", lambda row: row.Authority.postcode, on=DATA),
        Column("locality", "Localité", lambda row: row.Authority.locality, on=DATA),
        Column("municipality", "Commune", lambda row: row.Authority.municipality, sort=Authority.municipality, on=DATA),
        Column("mailboxes", "Courriels", lambda row: row.mailboxes, sort="mailbox"),
        Column("reach", "État des boîtes", lambda row: ReachFilter(row.reach), on=DATA),
        Column("registered", REGISTERED, lambda row: row.Authority.name, on=DATA),
    )


def list_authorities(session: Session, filters: Filters, sort: str = "") -> QueryListing[ListedRow]:
    """The authorities that the filters find, by name."""
    filters = resolve_text(session, filters)
    return QueryListing(
        title="Pouvoirs organisateurs",
        columns=columns(filters),
        sort=sort,
        usual="name",
        session=session,
        query=_matching(filters),
        order=BY_NAME,
        key=Authority.id,
        made=lambda rows: [ListedRow(*row) for row in rows],
        filled=partial(_filled, session),
        numbered=(Authority.fase, lambda row: row.Authority.fase),
    )


def list_where(
    session: Session, which: ColumnElement[bool], *, title: str, text: str = "", sort: str = ""
) -> QueryListing[Authority]:
    """The authorities for which this is true, by name; `text` is searched as in the directory."""
    query = select(Authority).where(which)
    return QueryListing(
        title=title,
        columns=OF_AUTHORITIES,
        sort=sort,
        usual="name",
        session=session,
        query=narrow_by_name(query, text),
        order=BY_NAME,
        key=Authority.id,
    )


def resolve_text(session: Session, filters: Filters) -> Filters:
    """The same filters with what their text finds, so that it is searched once for a count and a page."""
    if not filters.text or filters.found is not None:
        return filters
    return replace(filters, found=find(session, filters.text, _school_conditions(filters)))


def count_authorities(session: Session, filters: Filters, most: int | None = None) -> DirectoryCounts:
    """Counts over every matching row; with `most`, over one authority more than that at most."""
    rows = _matching(resolve_text(session, filters)).limit(None if most is None else most + 1).subquery()
    has_secondary = case((rows.c.secondary > 0, 1), else_=0)
    query = select(
        func.count(),
        func.coalesce(func.sum(rows.c.schools), 0),
        func.coalesce(func.sum(has_secondary), 0),
        func.coalesce(func.sum(rows.c.secondary), 0),
    )
    return DirectoryCounts(*map(int, session.execute(query.select_from(rows)).one()))  # PostgreSQL sums into decimals


def list_zones(session: Session) -> Sequence[str]:
    """The teaching zones in use."""
    return session.scalars(select(School.zone).distinct().order_by(School.zone)).all()


def list_municipalities(session: Session) -> Sequence[str]:
    """The municipalities in which a school stands, as the register spells them, in the order of a dictionary."""
    return sorted(session.scalars(select(School.municipality).distinct()), key=folded)


def list_networks(session: Session) -> Sequence[Network]:
    """The networks, in their usual order."""
    return session.scalars(select(Network).order_by(Network.position)).all()


def list_federations(session: Session) -> Sequence[Federation]:
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


def list_representing(
    session: Session, authority_ids: Sequence[int], levels: Sequence[Level]
) -> dict[int, list[tuple[str, str]]]:
    """The federations (code, name) that represent each authority for one of these levels."""
    query = (
        select(Membership.authority_id, Federation.code, Federation.name)
        .join(Federation)
        .where(among(Membership.authority_id, authority_ids), Membership.level.in_(levels), Membership.current())
        .distinct()
        .order_by(Federation.code)
    )
    by_authority: dict[int, list[tuple[str, str]]] = {}
    for identity, code, name in session.execute(query):
        by_authority.setdefault(identity, []).append((code, name))
    return by_authority


def _filled(session: Session, rows: Sequence[Any]) -> list[ListedRow]:
    keys = [row.Authority.id for row in rows]
    federations, boxes = federation_codes(session, keys), _mailboxes(session, keys)
    last = confirmations.latest(session, Contact.authority_id.in_(keys))
    filled = []
    for key, row in zip(keys, rows, strict=True):
        held = boxes.get(key, ())
        days = [today(last[key, box].at) for box, _ in held if (key, box) in last]
        filled.append(
            ListedRow(*row)._replace(
                federations=federations.get(key, ()),
                mailboxes=[address for _, address in held],
                confirmed_on=max(days, default=None),
            )
        )
    return filled


def _mailboxes(session: Session, authority_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """The usable addresses of each authority, each after its key."""
    query = select(Contact.authority_id, Contact.address_key, Contact.address).where(
        Contact.authority_id.in_(authority_ids), Contact.usable()
    )
    addresses: dict[int, list[tuple[str, str]]] = {}
    for identity, key, address in session.execute(query.order_by(Contact.added_at, Contact.id)):
        addresses.setdefault(identity, []).append((key, address))
    return addresses


def _matching(filters: Filters) -> Select[Authority, int, int, str | None, ReachFilter]:
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
        Ownership.authority_id,
        func.count().label("schools"),
        func.sum(case((secondary, 1), else_=0)).label("secondary"),
    ).join(School, School.id == Ownership.school_id)
    return query.where(*_school_conditions(filters)).group_by(Ownership.authority_id).subquery()


def _school_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [Ownership.current()]
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
        Teaching.school_id == Ownership.school_id, Teaching.current(), Teaching.education_type.in_(types_of(level))
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
    if filters.reach is ReachFilter.UNREACHABLE:
        conditions.append(_reach() != ReachFilter.REACHABLE)
    elif filters.reach:
        conditions.append(_reach() == filters.reach)
    return conditions


def _reach() -> ColumnElement[ReachFilter]:
    in_use = exists().where(Contact.authority_id == Authority.id, Contact.retired_at.is_(None))
    usable = in_use.where(Contact.usable())
    bounced = in_use.where(Contact.bounced_at.is_not(None))
    return case((usable, ReachFilter.REACHABLE), (bounced, ReachFilter.BOUNCED), else_=ReachFilter.NO_ADDRESS)
