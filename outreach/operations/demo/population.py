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
from itertools import count, cycle, product
from pathlib import Path
from random import Random
from typing import Any

from outreach.directory.models import EducationType, Level

SAINTS = (
    "Saint-Joseph",
    "Notre-Dame",
    "Saint-Michel",
    "Sainte-Marie",
    "Saint-Jean-Baptiste",
    "Sainte-Anne",
    "Saint-Pierre",
    "Sacré-Cœur",
    "Saint-Martin",
    "Sainte-Thérèse",
    "Saint-Louis",
    "Sainte-Union",
    "Saint-Luc",
    "Saint-Nicolas",
    "Sainte-Famille",
    "Saint-Laurent",
    "Saint-Paul",
    "Sainte-Véronique",
    "Saint-Hubert",
    "Saint-Charles",
)
PLACES = (
    "du Centre",
    "des Tilleuls",
    "du Parc",
    "des Marronniers",
    "de la Gare",
    "du Moulin",
    "des Bruyères",
    "du Verger",
    "des Érables",
    "de la Fontaine",
    "du Vallon",
    "des Prés",
    "du Tivoli",
    "de la Place",
    "des Remparts",
    "du Pré vert",
    "des Étangs",
    "du Haut",
    "du Bas",
    "des Aubépines",
    "de la Barrière",
    "du Canal",
    "des Coteaux",
    "du Château",
    "de la Chapelle",
    "du Grand Chemin",
    "de la Sapinière",
    "des Carrières",
    "du Rivage",
    "de la Source",
)
STREETS = (
    "Rue de l’École",
    "Rue du Moulin",
    "Rue de l’Église",
    "Place communale",
    "Avenue des Tilleuls",
    "Rue de la Gare",
    "Chaussée de Bruxelles",
    "Rue Haute",
    "Rue des Combattants",
    "Rue du Château",
    "Avenue du Parc",
    "Rue Neuve",
)
LONGEST_NAME = (
    "Comité organisateur de l’Institut Saint-Berthuin et des Écoles associées du Vallon, Enseignement secondaire, "
    "Section normale, École primaire"
)


def of(place: str) -> str:
    """ "de" before a place, as French wants it: "d’Anderlecht", "du Rœulx", "des Bons Villers", "de Huy"."""
    if place.startswith("Le "):
        return f"du {place[3:]}"
    if place.startswith("Les "):
        return f"des {place[4:]}"
    return f"d’{place}" if place[0] in "AEÉIOUYŒ" else f"de {place}"


def schools(network: str, family: str, place: str, chance: Random) -> Iterator[str]:
    """An endless iterator of names for the schools of one family in one place, the plainest first."""
    saints = chance.sample(SAINTS, len(SAINTS))
    places = chance.sample(PLACES, len(PLACES))
    if network == "Libre confessionnel":
        kinds = {
            "secondary": ("Institut", "Collège", "Centre scolaire", "Centre éducatif", "Institut technique"),
            "special": ("École d’enseignement spécialisé", "Institut médico-pédagogique", "École spécialisée"),
            "basic": ("École fondamentale libre", "École libre", "École primaire libre", "École Saint-Rémy et"),
        }[family]
        return _unending(f"{kind} {saint}" for kind, saint in product(kinds, saints))
    kinds = _OFFICIAL[network][family]
    named = [f"{kind} {of(place)}" for kind in kinds]
    return _unending([*named, *(f"{kind} {where} à {place}" for kind, where in product(kinds, places))])


def authority_name(network: str, place: str, province: str, number: int, chance: Random) -> str:
    """The name of an authority; `number` is its rank within the network.

    Raises ValueError for a network whose names are not known here.
    """
    match network:
        case "WBE":
            return "Wallonie-Bruxelles Enseignement"
        case "COCOF":
            return "Commission communautaire française"
        case "Subventionné communal":
            return f"Administration communale {of(place)}" if number % 3 else f"Collège communal {of(place)}"
        case "Subventionné provincial":
            return f"Province {'du' if province == 'Brabant wallon' else 'de'} {province}"
        case "Libre non confessionnel":
            return (
                f"ASBL {chance.choice(('École', 'Centre scolaire', 'Enseignement'))} {chance.choice(PLACES)} à {place}"
            )
        case "Libre confessionnel":
            saint = chance.choice(SAINTS)
            return chance.choice(
                (
                    f"ASBL Comité scolaire {saint} {of(place)}",
                    f"Pouvoir organisateur des écoles {saint} {of(place)}",
                    f"ASBL Enseignement catholique {of(place)}",
                    f"ASBL Institut {saint} – {place}",
                )
            )
        case _:
            raise ValueError(f"no names for {network}")


def street(chance: Random) -> str:
    """A street and a number."""
    return f"{chance.choice(STREETS)} {chance.randint(1, 180)}"


def _unending(names: Iterator[str] | list[str]) -> Iterator[str]:
    return cycle(list(names))


_OFFICIAL = {
    "WBE": {
        "secondary": ("Athénée royal", "Institut technique de la Communauté française", "Athénée royal et lycée"),
        "special": ("Établissement d’enseignement spécialisé de la Communauté française", "École spécialisée"),
        "basic": ("École fondamentale autonome", "École fondamentale annexée à l’athénée royal"),
    },
    "Subventionné communal": {
        "secondary": ("Athénée communal", "Institut communal d’enseignement technique", "Lycée communal"),
        "special": ("École communale d’enseignement spécialisé",),
        "basic": ("École fondamentale communale", "École communale"),
    },
    "Subventionné provincial": {
        "secondary": ("Institut provincial d’enseignement secondaire", "Académie provinciale des métiers"),
        "special": ("Institut provincial d’enseignement spécialisé",),
        "basic": ("École fondamentale provinciale",),
    },
    "COCOF": {
        "secondary": ("Institut technique", "Lycée technique"),
        "special": ("Institut d’enseignement spécialisé",),
        "basic": ("École fondamentale",),
    },
    "Libre non confessionnel": {
        "secondary": ("École secondaire plurielle", "Lycée libre", "Athénée libre"),
        "special": ("École spécialisée libre", "Centre scolaire spécialisé"),
        "basic": ("École active", "École en couleurs"),
    },
}


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
            authority_name(network, home.name, home.province, rank, chance),
            network,
            home,
            street(chance),
            company_number(9_990_000 + fase - 9000),
        )
        taken = [secondary.pop() for _ in range(share)] + [others.pop() for _ in range(size - share)]
        for types in taken:
            place = _school_place(network, home, places, chance)
            authority.schools.append(SampleSchool(next(numbers[1]), "", types, place, street(chance)))
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
                sources[key] = schools(authority.network, family, school.place.name, chance)
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
                school.sites = shared + [SampleSite(next(numbers), street(chance), school.place) for _ in range(own)]


def _alone(school: SampleSchool, authority: SampleAuthority) -> bool:
    used = Counter(site.fase for other in authority.schools for site in other.sites)
    return used[school.sites[0].fase] == 1
