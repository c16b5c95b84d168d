"""Criteria about the authority and where its schools are: federation, province, municipality, number of schools."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, RootModel, model_validator
from sqlalchemy import ColumnElement, func, select

from outreach.adherence.programmes import judged_by
from outreach.directory.models import Authority, Federation, Membership, Ownership, School
from outreach.directory.reference import PROVINCES
from outreach.errors import InputError
from outreach.french import either
from outreach.segments.fields import NO_NAMES, Fields, Names
from outreach.segments.scope import Scope
from outreach.text import line_of_words

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

    def where(self, scope: Scope) -> ColumnElement[bool]:
        """The SQL condition."""
        represented = select(Membership.authority_id).join(Federation, Federation.id == Membership.federation_id)
        asked = scope.holds(Membership.authority_id)
        return Authority.id.in_(represented.where(asked, Membership.on(scope.day), Federation.code.in_(self.root)))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"représenté par {either(code.label for code in self.root)}"


class InProvince(RootModel[tuple[str, ...]]):
    """At least one of its schools stands in one of these provinces, or in Brussels."""

    model_config = ConfigDict(frozen=True)
    word: ClassVar = "province"
    root: Annotated[tuple[ProvinceName, ...], Field(min_length=1)]

    def where(self, scope: Scope) -> ColumnElement[bool]:
        """The SQL condition."""
        return _has_school_where(scope, School.province.in_(self.root))

    def words(self, _names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"au moins une école {either(IN_PROVINCE.get(name, f'en province de {name}') for name in self.root)}"


class InMunicipality(RootModel[tuple[str, ...]]):
    """At least one of its schools stands in one of these municipalities, as the register spells them."""

    model_config = ConfigDict(frozen=True)
    word: ClassVar = "municipality"
    root: Annotated[tuple[MunicipalityName, ...], Field(min_length=1)]

    def where(self, scope: Scope) -> ColumnElement[bool]:
        """The SQL condition."""
        return _has_school_where(scope, School.municipality.in_(self.root))

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

    def where(self, scope: Scope) -> ColumnElement[bool]:
        """The SQL condition."""
        owners = select(Ownership.authority_id).where(scope.holds(Ownership.authority_id), Ownership.on(scope.day))
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


def _has_school_where(scope: Scope, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    owners = select(Ownership.authority_id).join(School, School.id == Ownership.school_id)
    return Authority.id.in_(owners.where(scope.holds(Ownership.authority_id), Ownership.on(scope.day), condition))


def _schools(count: int) -> str:
    return f"{count} école{'s' if count > 1 else ''}"
