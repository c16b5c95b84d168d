"""The population of a demonstration: fictitious authorities and schools, with the real register's counts by network.

`data/register.jsonl` has an authority a line: its FASE number, name, network, commune, street and company number, and
its schools: number, name, a letter for each type, commune, street, sites. `data/communes.csv` says where communes are.
Numbers are safe by construction: authorities from 9001, schools from 80001, company numbers in 0999… and 2999…, which
nobody holds. Every awkward case is there: the longest name, no company number, a shared one, two schools of one name in
one commune.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outreach.directory.models import EducationType, Level

DATA = Path(__file__).parent / "data"
TYPES = dict(zip("MmPpSsC", EducationType, strict=True))


@dataclass(frozen=True, slots=True)
class SamplePlace:
    """A commune with its main postcode, district and teaching zone."""

    name: str
    postcode: str
    district: str
    zone: str
    province: str


@dataclass(slots=True)
class SampleSite:
    """A site: its FASE number and where it is."""

    fase: int
    street: str
    place: SamplePlace


@dataclass(slots=True)
class SampleSchool:
    """A school with the types it offers and the sites it uses."""

    fase: int
    name: str
    types: tuple[EducationType, ...]
    place: SamplePlace
    street: str
    sites: list[SampleSite]

    @property
    def is_secondary(self) -> bool:
        """Whether it has secondary education, which the programme is for."""
        return any(kind.level is Level.SECONDARY for kind in self.types)


@dataclass(slots=True)
class SampleAuthority:
    """An authority with its schools."""

    fase: int
    name: str
    network: str
    place: SamplePlace
    street: str
    company_number: str
    schools: list[SampleSchool]


def of(place: str) -> str:
    """ "de" before a place, as French wants it: "d’Anderlecht", "du Rœulx", "des Bons Villers", "de Huy"."""
    if place.startswith("Le "):
        return f"du {place[3:]}"
    if place.startswith("Les "):
        return f"des {place[4:]}"
    return f"d’{place}" if place[0] in "AEÉIOUYŒ" else f"de {place}"


def company_number(base: int) -> str:
    """Ten digits whose last two are the check: 97 minus the first eight modulo 97."""
    return f"{base:08}{97 - base % 97:02}"


def read_places() -> list[SamplePlace]:
    """The communes of the two regions, each with what the register says of its place."""
    with (DATA / "communes.csv").open(encoding="utf-8", newline="") as file:
        columns = ("commune", "postcode_main", "arrondissement", "zone", "province")
        return [SamplePlace(*(row[name] for name in columns)) for row in csv.DictReader(file, delimiter=";")]


def populate() -> list[SampleAuthority]:
    """The whole population, the same at every call."""
    places = {place.name: place for place in read_places()}

    def school(fase: int, name: str, types: str, commune: str, street: str, sites: list[Any]) -> SampleSchool:
        used = [SampleSite(number, where, places[(elsewhere or [commune])[0]]) for number, where, *elsewhere in sites]
        return SampleSchool(fase, name, tuple(TYPES[letter] for letter in types), places[commune], street, used)

    found = []
    for line in (DATA / "register.jsonl").read_text(encoding="utf-8").splitlines():
        fase, name, network, commune, street, number, schools = json.loads(line)
        theirs = [school(*one) for one in schools]
        found.append(SampleAuthority(fase, name, network, places[commune], street, number, theirs))
    return found
