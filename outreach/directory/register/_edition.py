"""Reads one edition of the register: rows of (school, site, education type) → one `Edition`.

Source: the open register of schools of the Fédération Wallonie-Bruxelles (signaletique FASE). Its column names change
between editions. Only compulsory education is kept; other rows are counted as ignored.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from outreach.core import tables
from outreach.core.tables import Grid, GridRow, Headers, Heading, ListReading, MissingColumns, Opened, RowFault
from outreach.core.text import addresses
from outreach.core.text.errors import InputError
from outreach.core.text.typed import whole_number
from outreach.directory.models import EducationType
from outreach.directory.reference import NETWORKS, fold

# Field → the register's usual header. A header matches when both are the same once normalised.
COLUMNS = {
    "school": "N° FASE de l'établissement",
    "school_name": "Nom de l'établissement",
    "school_company_number": "Numéro BCE de l'établissement",
    "education_type": "Type d'enseignement",
    "network": "Réseau",
    "school_address": "Adresse de l'établissement",
    "school_postcode": "Code postal de l'établissement",
    "school_locality": "Localité de l'établissement",
    "school_municipality": "Commune de l'établissement",
    "zone": "Bassin",
    "district": "Arrondissement administratif",
    "site": "N° FASE de l'implantation",
    "site_address": "Adresse de l'implantation",
    "site_postcode": "Code postal de l'implantation",
    "site_locality": "Localité de l'implantation",
    "site_municipality": "Commune de l'implantation",
    "authority": "N° FASE du P.O.",
    "authority_name": "Nom de P.O.",
    "authority_company_number": "N° BCE du P.O.",
    "authority_address": "Adresse du P.O.",
    "authority_postcode": "Code postal du P.O.",
    "authority_locality": "Localité du P.O.",
    "authority_municipality": "Commune du P.O.",
}
UNUSED = (
    "Niveau",
    "Genre",
    "Latitude",
    "Longitude",
    "geolocalisation",
    "Géolocalisation de l'implantation",
    "Année scolaire",
)
OTHER_SPELLINGS = {
    "authority": ("n fase pouvoir organisateur",),
    "authority_name": ("nom pouvoir organisateur",),
    "authority_company_number": ("n bce pouvoir organisateur",),
    "authority_address": ("adresse pouvoir organisateur",),
    "authority_postcode": ("code postal pouvoir organisateur",),
    "authority_locality": ("localite pouvoir organisateur",),
    "authority_municipality": ("commune pouvoir organisateur",),
    "zone": (
        "zone",
        "bassin enseignement",
    ),
    "district": ("arrondissement",),
}
NUMBERS = {"school", "site", "authority"}
HEADERS = Headers(
    {
        word: Heading(
            usual, OTHER_SPELLINGS.get(word, ()), required=True, mend=addresses.fase if word in NUMBERS else None
        )
        for word, usual in COLUMNS.items()
    },
    UNUSED,
)
TYPES = {fold(kind): kind for kind in EducationType}
LONGEST = {
    "address": 200,
    "postcode": 10,
    "locality": 100,
    "municipality": 100,
    "name": 200,
    "zone": 60,
    "district": 60,
}


@dataclass(frozen=True, slots=True)
class AuthorityRecord:
    """An authority as an edition states it."""

    fase: int
    name: str
    company_number: str
    network: str
    address: str
    postcode: str
    locality: str
    municipality: str


@dataclass(frozen=True, slots=True)
class SchoolRecord:
    """A school as an edition states it; `authority` is 0 when the school is not listed."""

    fase: int
    name: str
    company_number: str
    zone: str
    district: str
    address: str
    postcode: str
    locality: str
    municipality: str
    authority: int = 0
    types: frozenset[EducationType] = frozenset()
    sites: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """A site as an edition states it."""

    fase: int
    address: str
    postcode: str
    locality: str
    municipality: str


@dataclass(slots=True)
class Edition:
    """The directory at one moment; each dictionary is keyed by FASE number."""

    authorities: dict[int, AuthorityRecord] = field(default_factory=dict)
    schools: dict[int, SchoolRecord] = field(default_factory=dict)
    sites: dict[int, SiteRecord] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class EditionReading(ListReading):
    """The content of a file: the edition, and the ignored rows by type.

    `withheld` are the schools of rejected rows. `blind` is True when a rejected row does not even name its school: then
    a missing school proves nothing. `first_rows` is the number of the row where each authority was first read.
    """

    edition: Edition = field(default_factory=Edition)
    ignored: Counter[str] = field(default_factory=Counter)
    withheld: set[int] = field(default_factory=set)
    blind: bool = False
    first_rows: dict[int, int] = field(default_factory=dict)


def open_edition(content: bytes) -> Opened:
    """Read a file (`tables.open_import`). Raises InputError also when it holds no school of compulsory education."""
    sent = tables.open_import(content, HEADERS)
    with suppress(MissingColumns):  # a person may say what its columns mean
        ensure_not_empty(read_edition(tables.grid_of(sent)))
    return sent


def read_edition(grid: Grid) -> EditionReading:
    """Read the cells of an edition.

    Raises InputError when the file as a whole cannot be read. Faulty rows are listed in `rejected`, and their schools
    are withheld, so that an incomplete school is never taken for a change.
    """
    reading = EditionReading()

    def take(row: GridRow) -> None:
        if not _is_compulsory(row.cells["education_type"]):
            reading.ignored[row.cells["education_type"]] += 1
            return
        reading.first_rows.setdefault(_take(reading.edition, row), row.number)

    reading.read(grid, HEADERS, take, lambda row: _withhold(reading, row))
    for fase in reading.withheld:
        reading.edition.schools.pop(fase, None)
    return reading


def _is_compulsory(education_type: str) -> bool:
    return fold(education_type).startswith(("maternel", "primaire", "secondaire")) or not education_type


def _take(edition: Edition, row: GridRow) -> int:
    authority = _authority(row.cells)
    site = SiteRecord(_fase(row.cells, "site"), *_place(row.cells, "site"))
    school = _school(row.cells, authority.fase)
    known = edition.schools.get(school.fase)
    # All comparisons come before the first write, so that a rejected row leaves no trace in the edition.
    if known:
        _same("school", known, replace(school, types=known.types, sites=known.sites))
        school = replace(known, types=known.types | school.types, sites=known.sites | school.sites)
    _same("authority", edition.authorities.get(authority.fase, authority), authority)
    _same("site", edition.sites.get(site.fase, site), site)
    edition.authorities[authority.fase] = authority
    edition.sites[site.fase] = site
    edition.schools[school.fase] = school
    return authority.fase


def _authority(cells: Mapping[str, str]) -> AuthorityRecord:
    fase = _fase(cells, "authority")
    network = cells["network"]
    if network not in NETWORKS:
        what = f"Le réseau « {network} » est inconnu." if network else "Le réseau manque."
        raise RowFault("network", f"{what} Le PO {fase} est mis de côté.")
    name = _text(cells, "authority_name", "name")
    return AuthorityRecord(
        fase, name, _company_number(cells, "authority_company_number"), network, *_place(cells, "authority")
    )


def _school(cells: Mapping[str, str], authority: int) -> SchoolRecord:
    return SchoolRecord(
        _fase(cells, "school"),
        _text(cells, "school_name", "name"),
        _company_number(cells, "school_company_number"),
        _text(cells, "zone", "zone"),
        _text(cells, "district", "district", optional=True),
        *_place(cells, "school"),
        authority=authority,
        types=frozenset({_education_type(cells)}),
        sites=frozenset({_fase(cells, "site")}),
    )


def _same(kind: str, known: object, stated: object) -> None:
    if known == stated:
        return
    for name in known.__dataclass_fields__:  # type: ignore[attr-defined]
        before, after = getattr(known, name), getattr(stated, name)
        if before != after:
            column = {"network": "network", "authority": "authority"}.get(name, f"{kind}_{name}")
            raise RowFault(column, f"« {after} » contredit « {before} », lu plus haut pour le même numéro FASE.")


def _fase(cells: Mapping[str, str], column: str) -> int:
    text = cells[column]
    number = whole_number(text) or 0
    if not 0 < number < 1_000_000:
        raise RowFault(column, f"« {cells[column]} » n’est pas un numéro FASE." if text else "Le numéro FASE manque.")
    return number


def _company_number(cells: Mapping[str, str], column: str) -> str:
    digits = cells[column].removesuffix(".0").replace(".", "").replace(" ", "").upper().removeprefix("BE")
    if not digits:
        return ""
    digits = digits.zfill(10)
    if len(digits) != 10 or not digits.isdecimal() or 97 - int(digits[:8]) % 97 != int(digits[8:]):
        raise RowFault(
            column, f"« {cells[column]} » n’est pas un numéro BCE : les chiffres de contrôle ne concordent pas."
        )
    return digits


def _education_type(cells: Mapping[str, str]) -> EducationType:
    stated = cells["education_type"]
    education_type = TYPES.get(fold(stated))
    if education_type is None:
        what = f"Le type d’enseignement « {stated} » est inconnu." if stated else "Le type d’enseignement manque."
        raise RowFault("education_type", what)
    return education_type


def _place(cells: Mapping[str, str], kind: str) -> tuple[str, str, str, str]:
    address, postcode, locality, municipality = (
        _text(cells, f"{kind}_{part}", part, optional=part != "municipality")
        for part in ("address", "postcode", "locality", "municipality")
    )
    return address, postcode.removesuffix(".0"), locality, municipality


def _text(cells: Mapping[str, str], column: str, kind: str, *, optional: bool = False) -> str:
    text = cells[column]
    if not text and not optional:
        raise RowFault(column, "La cellule est vide.")
    if len(text) > LONGEST[kind]:
        raise RowFault(column, f"Le texte dépasse {LONGEST[kind]} caractères.")
    return text


def _withhold(reading: EditionReading, row: GridRow) -> None:
    try:
        reading.withheld.add(_fase(row.cells, "school"))
    except RowFault:
        reading.blind = True


def ensure_not_empty(reading: EditionReading) -> None:
    """Raises InputError when an edition holds no school at all: applying it would close the whole directory."""
    if not reading.edition.schools:
        raise InputError(
            "Le fichier ne contient aucune école de l’enseignement obligatoire : rien ne peut être comparé."
        )
