"""The lines of the files that are sent: editions of the register, and a list of contacts."""

from collections.abc import Callable, Iterable, Iterator

from benchmarks.growth.directory import address_of, name_of, place_of, school_name, schools_of
from outreach.directory.models import EducationType
from outreach.directory.reference import NETWORKS
from outreach.operations.demo.population import company_number
from outreach.operations.demo.sample import HEADER

Written = Callable[[int], Iterable[str]]
CHANGED = 10  # one school in so many
KINDS = (EducationType.SECONDARY_ORDINARY, EducationType.PRIMARY_ORDINARY)


def edition(authorities: int) -> Iterator[str]:
    """An edition with so many authorities: two rows a school, with all 28 columns."""
    return _edition(authorities, "")


def changed_edition(authorities: int) -> Iterator[str]:
    """The next one: a tenth of the schools has moved."""
    return _edition(authorities, " bis")


def _edition(authorities: int, moved: str) -> Iterator[str]:
    yield ";".join(HEADER)
    networks = list(NETWORKS)
    for key in range(1, authorities + 1):
        own = company_number(9_990_000 + key % 10_000)
        home = (9000 + key, name_of(key), own, f"Rue Haute {key % 300}", *_place(key), "")
        for school in schools_of(range(key, key + 1)):
            street = f"Rue de l’École {school % 300}{moved if school % CHANGED == 0 else ''}"
            for kind in KINDS:
                row = (
                    *(200_000 + school, school_name(school), company_number(29_990_000 + school % 10_000), kind),
                    *("Secondaire", "Ordinaire", networks[key % len(networks)]),
                    *(street, *_place(school), place_of(school).zone, place_of(school).district),
                    *(school, street, *_place(school), "", "", *home),
                )
                yield ";".join(map(str, row))


def _place(key: int) -> tuple[str, str, str]:
    place = place_of(key)
    return place.postcode, place.name.upper(), place.name


def contacts(authorities: int) -> Iterator[str]:
    """A list with one more address for each authority, and what is known of the one that there is."""
    yield "fase;adresse;nom;fonction;type;telephone;usage;source"
    for key in range(2, authorities + 1):
        for place, address in enumerate((address_of(key), f"secretariat.{key}@ecole{key}.example")):
            who = f"Anne Personne{key};Directrice;fonction;+32 2 555 {key % 100:02} {key // 100 % 100:02}"
            yield f"{9000 + key};{address};{who};Courrier officiel;Circulaire {1234 + place}"
