"""A fictitious population of authorities and schools, with the real register's counts per network.

Counts come from `data/distribution.json` (authorities, schools, types, zones, sites per school), places from
`data/communes.csv`. Numbers are safe by construction: authorities from 9001, schools from 80001, company numbers
in 0999… and 2999…, which nobody holds.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from outreach.demo import names
from outreach.directory.models import EducationType, Level

DATA = Path(__file__).parent / "data"
SEED = 20210515
SHARED_SITES = 251
Types = tuple[EducationType, ...]


@dataclass(frozen=True, slots=True)
class SamplePlace:
    """A commune with its main postcode, district and teaching zone; `weight` is how many schools it has in reality."""

    name: str
    postcode: str
    district: str
    zone: str
    province: str
    weight: int


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
    sites: list[SampleSite] = field(default_factory=list)

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
    schools: list[SampleSchool] = field(default_factory=list)


def company_number(base: int) -> str:
    """Ten digits whose last two are the check: 97 minus the first eight modulo 97."""
    return f"{base:08}{97 - base % 97:02}"


def populate() -> list[SampleAuthority]:
    """The whole population, the same at every call."""
    chance = Random(SEED)
    distribution = json.loads((DATA / "distribution.json").read_text(encoding="utf-8"))["networks"]
    places = read_places()
    numbers = count(9001), count(80001)
    authorities = [
        authority
        for network, figures in distribution.items()
        for authority in _network(network, figures, places, numbers, chance)
    ]
    _name_schools(authorities, chance)
    _give_sites(authorities, distribution, chance)
    return authorities


def read_places() -> list[SamplePlace]:
    """The communes of the two regions, each with what the register says of its place."""
    with (DATA / "communes.csv").open(encoding="utf-8", newline="") as file:
        return [
            SamplePlace(
                row["commune"],
                row["postcode_main"],
                row["arrondissement"],
                row["zone"],
                row["province"],
                int(row["schools"]),
            )
            for row in csv.DictReader(file, delimiter=";")
        ]


def _network(
    network: str,
    figures: dict[str, Any],
    places: Sequence[SamplePlace],
    numbers: tuple[Iterator[int], Iterator[int]],
    chance: Random,
) -> list[SampleAuthority]:
    sizes = sorted(_spread(figures["schools_per_authority"], int), reverse=True)
    secondary, others = _types(figures["type_combinations"], chance)
    with_secondary = figures["authorities_with_secondary"]
    shares = _secondary_shares(sizes, with_secondary, len(secondary))
    homes = _homes(network, figures, places, len(sizes), chance)
    authorities = []
    for rank, (size, share, home) in enumerate(zip(sizes, shares, homes, strict=True), 1):
        fase = next(numbers[0])
        authority = SampleAuthority(
            fase,
            names.authority(network, home.name, home.province, rank, chance),
            network,
            home,
            names.street(chance),
            company_number(9_990_000 + fase - 9000),
        )
        taken = [secondary.pop() for _ in range(share)] + [others.pop() for _ in range(size - share)]
        for types in taken:
            place = _school_place(network, home, places, chance)
            authority.schools.append(SampleSchool(next(numbers[1]), "", types, place, names.street(chance)))
        authorities.append(authority)
    return authorities


def _spread(counts: dict[str, int], kind: type) -> list[Any]:
    return [kind(value) for value, times in counts.items() for _ in range(times)]


def _types(combinations: dict[str, int], chance: Random) -> tuple[list[Types], list[Types]]:
    spelt = [tuple(EducationType(name) for name in text.split(" + ")) for text in _spread(combinations, str)]
    chance.shuffle(spelt)
    secondary = [types for types in spelt if any(kind.level is Level.SECONDARY for kind in types)]
    return secondary, [types for types in spelt if types not in secondary]


def _secondary_shares(sizes: Sequence[int], holders: int, total: int) -> list[int]:
    """How many secondary schools each authority gets: one for each holder, the rest to the biggest first.

    Half of the small holders come from the small end, so that "one school, secondary" exists too.
    """
    big = [rank for rank, size in enumerate(sizes) if size > 1][: -(-holders * 2 // 3)]
    small = [rank for rank in range(len(sizes) - 1, -1, -1) if rank not in set(big)][: holders - len(big)]
    shares = [0] * len(sizes)
    for rank in big + small:
        shares[rank] = 1
    left = total - holders
    for rank in big + small:
        more = min(left, sizes[rank] - 1, max(1, total // holders))
        shares[rank] += more
        left -= more
    for rank in big + small:
        more = min(left, sizes[rank] - shares[rank])
        shares[rank] += more
        left -= more
    return shares


def _homes(
    network: str, figures: dict[str, Any], places: Sequence[SamplePlace], number: int, chance: Random
) -> list[SamplePlace]:
    if network == "Subventionné communal":
        return sorted(places, key=lambda place: place.weight, reverse=True)[:number]
    if network == "Subventionné provincial":
        provinces = ("Hainaut", "Liège", "Brabant wallon", "Namur", "Luxembourg")
        return [max((p for p in places if p.province == name), key=lambda place: place.weight) for name in provinces]
    if number == 1:
        return [place for place in places if place.name == "Bruxelles"]
    zones = figures["schools_by_zone"]
    drawn = chance.choices(list(zones), list(zones.values()), k=number)
    return [_within([p for p in places if p.zone == zone], chance) for zone in drawn]


def _school_place(network: str, home: SamplePlace, places: Sequence[SamplePlace], chance: Random) -> SamplePlace:
    match network:
        case "WBE":
            return _within(places, chance)
        case "Subventionné provincial":
            return _within([place for place in places if place.province == home.province], chance)
        case "COCOF":
            return _within([place for place in places if place.zone == home.zone], chance)
        case _:
            return home


def _within(places: Sequence[SamplePlace], chance: Random) -> SamplePlace:
    return chance.choices(places, [place.weight for place in places])[0]


def _name_schools(authorities: Sequence[SampleAuthority], chance: Random) -> None:
    sources: dict[tuple[str, str, str], object] = {}
    for authority in authorities:
        for school in authority.schools:
            family = _family(school)
            key = (authority.network, family, school.place.name)
            if key not in sources:
                sources[key] = names.schools(authority.network, family, school.place.name, chance)
            name = next(sources[key])  # type: ignore[call-overload]
            school.name = name.upper() if school.is_secondary and chance.random() < 0.71 else name


def _family(school: SampleSchool) -> str:
    if any(
        kind in (EducationType.NURSERY_SPECIAL, EducationType.PRIMARY_SPECIAL, EducationType.SECONDARY_SPECIAL)
        for kind in school.types
    ):
        return "special"
    return "secondary" if school.is_secondary else "basic"


def _give_sites(authorities: Sequence[SampleAuthority], distribution: dict[str, Any], chance: Random) -> None:
    # Site numbers overlap school numbers, as in the register, where they are two separate series.
    numbers = count(78001)
    left = SHARED_SITES
    for network, figures in distribution.items():
        sizes = _spread(figures["sites_per_school"], int)
        chance.shuffle(sizes)
        for authority in (a for a in authorities if a.network == network):
            for school in authority.schools:
                neighbour = next((s for s in authority.schools if s.sites and s.place == school.place), None)
                shared = (
                    [neighbour.sites[0]]
                    if neighbour and left and chance.random() < 0.4 and _alone(neighbour, authority)
                    else []
                )
                left -= len(shared)
                own = sizes.pop() - len(shared)
                school.sites = shared + [
                    SampleSite(next(numbers), names.street(chance), school.place) for _ in range(own)
                ]


def _alone(school: SampleSchool, authority: SampleAuthority) -> bool:
    used = Counter(site.fase for other in authority.schools for site in other.sites)
    return used[school.sites[0].fase] == 1
