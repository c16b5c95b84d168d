"""Criteria: small frozen facts about an authority, each an SQL condition and a few French words.

A criterion is true or false of one listed authority, as of one day. Criteria combine by `and`, `or`, `not`. Of each,
`where` is the condition on the columns of Authority, and `words` is French for the middle of a sentence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Self, get_args

from pydantic import ConfigDict, Field, RootModel, model_validator
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    true,
)

from outreach.adherence.models import AdherenceRecord, RollUp, Status, Word
from outreach.adherence.programmes import judged_by
from outreach.adherence.statuses import STILL_OPEN
from outreach.campaigns.segments._context import NO_NAMES, CriteriaContext, Fields, Names, StrandNumber
from outreach.campaigns.segments._mailing_criteria import ReachedBy, ReactedTo, ReceivedMailing
from outreach.campaigns.segments._stored_lists import AmongAuthorities
from outreach.core.text.errors import InputError
from outreach.core.text.french import either, plural
from outreach.core.text.typed import line_of_words
from outreach.delivery import outbox
from outreach.directory.confirmations import confirmed_since
from outreach.directory.models import (
    Authority,
    Contact,
    Federation,
    Level,
    Membership,
    Ownership,
    School,
    Teaching,
    types_of,
)
from outreach.directory.reference import PROVINCES, NetworkCode

MOST_SCHOOLS = 9999
IN_PROVINCE = {
    "Bruxelles": "à Bruxelles",
    "Brabant wallon": "en province du Brabant wallon",
    "Luxembourg": "en province de Luxembourg",
}


class FederationCode(StrEnum):
    """A federation of authorities, by its code."""

    SEGEC = "SeGEC"
    CECP = "CECP"
    CPEONS = "CPEONS"
    FELSI = "FELSI"

    @property
    def label(self) -> str:
        """The federation with its article."""
        return f"{'la' if self is FederationCode.FELSI else 'le'} {self.value}"


def _province(name: str) -> str:
    if name not in PROVINCES:
        raise InputError("Cette province n’existe pas.")
    return name


ProvinceName = Annotated[str, judged_by(_province)]
MunicipalityName = Annotated[str, Field(min_length=1, max_length=100), judged_by(line_of_words)]
SchoolCount = Annotated[int, Field(ge=1, le=MOST_SCHOOLS, strict=True)]


class InFederation(RootModel[tuple[FederationCode, ...]]):
    """One of these federations represents the authority, for at least one level."""

    model_config = ConfigDict(frozen=True)
    word: ClassVar = "federation"
    root: Annotated[tuple[FederationCode, ...], Field(min_length=1)]

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        represented = select(Membership.authority_id).join(Federation, Federation.id == Membership.federation_id)
        asked = context.holds(Membership.authority_id)
        return Authority.id.in_(represented.where(asked, Membership.on(context.day), Federation.code.in_(self.root)))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"représenté par {either(code.label for code in self.root)}"


class InProvince(RootModel[tuple[str, ...]]):
    """At least one of its schools stands in one of these provinces, or in Brussels."""

    model_config = ConfigDict(frozen=True)
    word: ClassVar = "province"
    root: Annotated[tuple[ProvinceName, ...], Field(min_length=1)]

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        return _has_school_where(context, School.province.in_(self.root))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"au moins une école {either(IN_PROVINCE.get(name, f'en province de {name}') for name in self.root)}"


class InMunicipality(RootModel[tuple[str, ...]]):
    """At least one of its schools stands in one of these municipalities, as the register spells them."""

    model_config = ConfigDict(frozen=True)
    word: ClassVar = "municipality"
    root: Annotated[tuple[MunicipalityName, ...], Field(min_length=1)]

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        return _has_school_where(context, School.municipality.in_(self.root))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"au moins une école à {either(self.root)}"


class HasSize(Fields):
    """The authority owns so many schools: `at_least`, `at_most`, or both."""

    word: ClassVar = "size"
    at_least: SchoolCount | None = None
    at_most: SchoolCount | None = None

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("at_least or at_most")
        if (self.at_least or 1) > (self.at_most or MOST_SCHOOLS):
            raise ValueError("at_least is above at_most")
        return self

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        owners = select(Ownership.authority_id).where(context.holds(Ownership.authority_id), Ownership.on(context.day))
        is_so = func.count().between(self.at_least or 1, self.at_most or MOST_SCHOOLS)
        return Authority.id.in_(owners.group_by(Ownership.authority_id).having(is_so))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        match self.at_least, self.at_most:
            case (int() as least, None):
                return f"au moins {_schools(least)}"
            case (None, int() as most):
                return f"au plus {_schools(most)}"
            case (int() as least, int() as most) if least < most:
                return f"de {least} à {_schools(most)}"
        return f"exactement {_schools(self.at_least or 1)}"


def _has_school_where(context: CriteriaContext, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    owners = select(Ownership.authority_id).join(School, School.id == Ownership.school_id)
    return Authority.id.in_(owners.where(context.holds(Ownership.authority_id), Ownership.on(context.day), condition))


def _schools(count: int) -> str:
    return f"{count} école{'s' if count > 1 else ''}"


class Which(StrEnum):
    """How many of an authority's eligible schools must have a status."""

    ANY = "any"
    ALL = "all"


ZoneName = Annotated[str, Field(min_length=1, max_length=60), judged_by(line_of_words)]


class InNetwork(RootModel[tuple[NetworkCode, ...]]):
    """The authority belongs to one of these networks."""

    model_config = ConfigDict(frozen=True)
    word: ClassVar = "network"
    root: Annotated[tuple[NetworkCode, ...], Field(min_length=1)]

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition: keys, because PostgreSQL would plan a join for each subquery."""
        return Authority.network_id.in_({context.networks[code] for code in self.root if code in context.networks})

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return either(code.label for code in self.root)


class HasLevel(RootModel[tuple[Level, ...]]):
    """At least one of its schools teaches one of these levels."""

    model_config = ConfigDict(frozen=True)
    word: ClassVar = "level"
    root: Annotated[tuple[Level, ...], Field(min_length=1)]

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        taught = select(Ownership.authority_id).join(Teaching, Teaching.school_id == Ownership.school_id)
        kinds = Teaching.education_type.in_(types_of(*self.root))
        asked = context.holds(Ownership.authority_id)
        return Authority.id.in_(taught.where(asked, Ownership.on(context.day), Teaching.on(context.day), kinds))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"au moins une école {either(level.adjective for level in self.root)}"


class InZone(RootModel[tuple[str, ...]]):
    """At least one of its schools stands in one of these teaching zones."""

    model_config = ConfigDict(frozen=True)
    word: ClassVar = "zone"
    root: Annotated[tuple[ZoneName, ...], Field(min_length=1)]

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        standing_there = select(Ownership.authority_id).join(School, School.id == Ownership.school_id)
        asked = context.holds(Ownership.authority_id)
        return Authority.id.in_(standing_there.where(asked, Ownership.on(context.day), School.zone.in_(self.root)))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"au moins une école en zone {either(self.root)}"


class SchoolStatus(Fields):
    """One (or every one) of the schools a strand is open to has one of these statuses."""

    word: ClassVar = "school_status"
    strand: StrandNumber
    statuses: Annotated[tuple[Status, ...], Field(min_length=1)]
    which: Which = Which.ANY

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        rows = context.standings(self.strand)
        has_status, query = rows.c.status.in_(self.statuses), select(rows.c.authority_id)
        if self.which is Which.ANY:
            return Authority.id.in_(query.where(has_status))
        having = func.count() == func.sum(case((has_status, 1), else_=0))
        return Authority.id.in_(query.group_by(rows.c.authority_id).having(having))

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        who = "au moins une école concernée" if self.which is Which.ANY else "toutes les écoles concernées"
        if set(self.statuses) == set(STILL_OPEN):
            return f"{who} sans adhésion au {names.of_strand(self.strand)}"
        statuses = either(f"« {status.label.lower()} »" for status in self.statuses)
        return f"{who} avec le statut {statuses} au {names.of_strand(self.strand)}"


class RolledUp(Fields):
    """Where the authority as a whole stands in a strand, over its eligible schools; confirmed joinings count."""

    word: ClassVar = "roll_up"
    strand: StrandNumber
    states: Annotated[tuple[RollUp, ...], Field(min_length=1)]

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        rows = context.roll_ups(self.strand)
        return Authority.id.in_(select(rows.c.authority_id).where(rows.c.roll_up.in_(self.states)))

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        said = {
            RollUp.COMPLETE: "toutes les écoles concernées ont adhéré",
            RollUp.PARTIAL: "une partie des écoles concernées a adhéré",
            RollUp.NONE: "aucune école concernée n’a adhéré",
            RollUp.NOT_CONCERNED: "plus aucune école n’est concernée",
        }
        return f"{either(said[state] for state in self.states)} ({names.of_strand(self.strand)})"

    def denied(self, names: Names = NO_NAMES) -> str:
        """The French words for its contrary."""
        return f"sauf ceux dont {self.words(names)}"


class NeverAnswered(Fields):
    """No school of the authority has a status declared by the authority in this strand."""

    word: ClassVar = "never_answered"
    strand: StrandNumber

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        answered = select(Ownership.authority_id).join(
            AdherenceRecord, AdherenceRecord.school_id == Ownership.school_id
        )
        declared = and_(
            AdherenceRecord.strand_id == context.strand(self.strand).id,
            AdherenceRecord.word == Word.DECLARED,
            AdherenceRecord.stands(),
        )
        asked = context.holds(Ownership.authority_id)
        return Authority.id.not_in(answered.where(asked, Ownership.on(context.day), declared))

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"n’a jamais répondu pour le {names.of_strand(self.strand)}"


class NotWrittenSince(Fields):
    """No campaign's letter left for the authority in this many days."""

    word: ClassVar = "not_written_since"
    days: Annotated[int, Field(ge=1, le=3650, strict=True)]

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        since = context.now - timedelta(days=self.days)
        written = outbox.authorities_written_since(since, ignoring=context.ignoring)
        return Authority.id.not_in(context.keys(written))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"aucun courriel envoyé depuis {self.days} jour{'s' if self.days > 1 else ''}"


class Unreachable(Fields):
    """The authority has no address that may be written to."""

    word: ClassVar = "unreachable"

    def where(self, _context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        return ~exists().where(Contact.authority_id == Authority.id, Contact.usable()).correlate(Authority)

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return "sans adresse valable"


class ConfirmedWithin(Fields):
    """An address that may be written to was confirmed in this many days."""

    word: ClassVar = "confirmed_within"
    days: Annotated[int, Field(ge=1, le=3650, strict=True)]

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        since = context.now - timedelta(days=self.days)
        held = select(Contact.authority_id).where(Contact.usable(), confirmed_since(since))
        return Authority.id.in_(context.keys(held))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"une adresse confirmée depuis {plural(self.days, 'jour')} au plus"

    def denied(self, _names: Names = NO_NAMES) -> str:
        """The French words for its contrary."""
        return f"aucune adresse confirmée depuis {plural(self.days, 'jour')}"


Leaf = (
    InNetwork
    | HasLevel
    | InZone
    | SchoolStatus
    | RolledUp
    | NeverAnswered
    | NotWrittenSince
    | Unreachable
    | ConfirmedWithin
    | InFederation
    | InProvince
    | InMunicipality
    | HasSize
    | ReceivedMailing
    | ReactedTo
    | ReachedBy
    | AmongAuthorities
)
LEAVES: dict[str, type[Leaf]] = {kind.word: kind for kind in get_args(Leaf)}


@dataclass(frozen=True, slots=True)
class And:
    """All of these criteria hold; without any, everybody is meant."""

    all: tuple["Criterion", ...] = ()

    word: ClassVar = "and"

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        return and_(True, *(part.where(context) for part in self.all))

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        return ", ".join(_bracketed(part, Or, names) for part in self.all) or "sans autre condition"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these criteria holds."""

    any: tuple["Criterion", ...]

    word: ClassVar = "or"

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        return or_(False, *(part.where(context) for part in self.any))

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        return " ou ".join(_bracketed(part, And, names) for part in self.any)


@dataclass(frozen=True, slots=True)
class Not:
    """This criterion does not hold."""

    negated: "Criterion"

    word: ClassVar = "not"

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        return not_(self.negated.where(context))

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        if isinstance(self.negated, Fields):
            return self.negated.denied(names)
        return f"sauf ({self.negated.words(names)})"


Criterion = Leaf | And | Or | Not
EVERYBODY = And()


def is_everybody(criterion: Criterion) -> bool:
    """Whether a criterion leaves nobody out, by its form alone."""
    if isinstance(criterion, And):
        return all(map(is_everybody, criterion.all))
    return isinstance(criterion, Or) and any(map(is_everybody, criterion.any))


def simplify_criterion(criterion: Criterion) -> Criterion:
    """The same criterion without brackets that mean nothing: an `and` of one, an `and` in an `and`."""
    match criterion:
        case And():
            inside = [simplify_criterion(inner) for inner in criterion.all]
            flat = [part for inner in inside for part in (inner.all if isinstance(inner, And) else (inner,))]
            return flat[0] if len(flat) == 1 else And(tuple(flat))
        case Or():
            return Or(tuple(simplify_criterion(inner) for inner in criterion.any))
        case Not():
            return Not(simplify_criterion(criterion.negated))
    return criterion


def sentence_of(criterion: Criterion, names: Names = NO_NAMES) -> str:
    """Whom a criterion means, in one French sentence."""
    if is_everybody(criterion):
        return "Tous les pouvoirs organisateurs."
    return f"Pouvoirs organisateurs : {criterion.words(names)}."


def criterion_leaves(criterion: Criterion) -> list[Leaf]:
    """The simple criteria, in order, each once."""
    distinct = dict.fromkeys(_leaves(criterion))
    return list(distinct)


def count_leaves(criterion: Criterion) -> int:
    """How many simple criteria the whole tree has; one that stands twice counts twice, as each is asked.

    An `and` of nothing counts as one: hundreds of them are more than SQLite takes.
    """
    match criterion:
        case And() | Or():
            inside = criterion.all if isinstance(criterion, And) else criterion.any
            return sum(map(count_leaves, inside)) or 1
        case Not():
            return count_leaves(criterion.negated)
    return 1


def as_filter(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same condition, whose lists PostgreSQL finds once, hashes, and asks row by row.

    Of `id IN (…)` alone it makes a join, in an order that it guesses: by a wrong guess, or without statistics, it loops
    over all authorities for each one found. For forty criteria, looking for an order takes 200 MB.
    """
    return condition.is_(true())


def listed_authorities(context: CriteriaContext, criterion: Criterion) -> Select[int]:
    """The keys of the authorities that were listed on the day and that a criterion means."""
    in_register = exists().where(Ownership.authority_id == Authority.id, Ownership.on(context.day)).correlate(Authority)
    return select(Authority.id).where(context.holds(Authority.id), in_register, as_filter(criterion.where(context)))


def _bracketed(criterion: Criterion, other: type[And] | type[Or], names: Names) -> str:
    words = criterion.words(names)
    return f"({words})" if isinstance(criterion, other) else words


def _leaves(criterion: Criterion) -> Iterator[Leaf]:
    if isinstance(criterion, And | Or):
        for part in criterion.all if isinstance(criterion, And) else criterion.any:
            yield from _leaves(part)
    elif isinstance(criterion, Not):
        yield from _leaves(criterion.negated)
    else:
        yield criterion
