"""The sample: two editions of a fictitious register and a joining list, with every awkward case.

The files have the real formats and are loaded by the importers. The second edition is the population. The first is an
earlier state of it: one school had another authority, one authority had another name, one did not exist yet, and one
has disappeared since.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any

from outreach.adherence import programmes
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.core import tables
from outreach.core.db import Session
from outreach.core.tables import open_import
from outreach.core.text.dates import BRUSSELS
from outreach.directory import contacts
from outreach.directory.models import EducationType, Level
from outreach.directory.register import COLUMNS, Editions, derived_mailbox
from outreach.directory.register import HEADERS as EDITION_HEADERS
from outreach.operations.demo.population import (
    SampleAuthority,
    SamplePlace,
    SampleSchool,
    SampleSite,
    company_number,
    of,
    populate,
)

SEED = 20210515
FIRST_EDITION_DAYS, SECOND_EDITION_DAYS, BOUNCE_DAYS = 270, 30, 20
HEADER = (
    *list(COLUMNS.values())[:4],
    "Niveau",
    "Genre",
    *list(COLUMNS.values())[4:16],
    "Latitude",
    "Longitude",
    *list(COLUMNS.values())[16:],
    "geolocalisation",
)
# By network: schools that had joined strand 1 in the spring of 2021, then strand 2 (assumed).
JOINED = {
    "Libre confessionnel": (24, 7),
    "WBE": (14, 4),
    "Subventionné provincial": (4, 1),
    "Subventionné communal": (3, 1),
    "Libre non confessionnel": (2, 1),
    "COCOF": (1, 0),
}
IN_PREPARATION = (48, 34)
DECLINED = 15
CODE = "mes-outils-numeriques"
# Joining follows the two circulars: 180 and 120 days before the sample's day (16 November and 15 January).
CIRCULARS = (180, 120)
REQUIRED_DAYS = 30
REASONS = (
    "Équipement déjà acquis par l’école.",
    "Budget insuffisant cette année.",
    "Projet pédagogique sans outil individuel.",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """The files of the sample, and the day each edition was published.

    `bounced` is the FASE number of the authority whose mailbox rejects mail.
    """

    first: bytes
    second: bytes
    joinings: bytes
    programme: str
    first_on: date
    second_on: date
    bounced: int


def build(today: date) -> Sample:
    """Build every file; the same for the same day."""
    after = populate()
    before = _before(after)
    return Sample(
        first=_register(before),
        second=_register(after),
        joinings=_joinings(after, today),
        programme=_programme(today),
        first_on=today - timedelta(FIRST_EDITION_DAYS),
        second_on=today - timedelta(SECOND_EDITION_DAYS),
        bounced=_of(after, "Libre confessionnel")[-1].fase,
    )


def write_files(folder: Path, today: date) -> list[Path]:
    """Write the two editions and the joining list into a folder; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    sample = build(today)
    files = {
        f"registre-{sample.first_on}.csv": sample.first,
        f"registre-{sample.second_on}.csv": sample.second,
        f"adhesions-{today}.csv": sample.joinings,
        "programme.toml": sample.programme.encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def load(session: Session, *, now: datetime, today: date, actor: str, mailbox_domain: str) -> None:
    """Load the sample into an empty directory.

    It applies the editions on their days, records a bounce, loads the programme and applies the joining list. The
    programme's first strand opened 180 days before `today`, as on 16 November 2020.
    """
    sample = build(today)
    for content, day in ((sample.first, sample.first_on), (sample.second, sample.second_on)):
        at, editions = min(_morning(day), now), Editions(mailbox_domain)
        tables.take_over(session, editions, open_import(content, EDITION_HEADERS), now=at, actor=actor, edition_on=day)
    mailbox = derived_mailbox(sample.bounced, mailbox_domain)
    contacts.record_bounce(session, mailbox, now=min(_morning(today - timedelta(BOUNCE_DAYS)), now), actor=actor)
    morning = min(_morning(today), now)
    programme = programmes.load_programme(session, sample.programme, now=morning, actor=actor)
    sent = open_import(sample.joinings, HEADERS)
    tables.take_over(session, JoiningLists(today), sent, now=morning, actor=actor, programme_id=programme.id)


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(9), BRUSSELS)


def _of(authorities: Sequence[SampleAuthority], network: str) -> list[SampleAuthority]:
    return [authority for authority in authorities if authority.network == network]


def _single_basic(authorities: Sequence[SampleAuthority]) -> list[SampleAuthority]:
    return [a for a in _of(authorities, "Libre confessionnel") if len(a.schools) == 1 and not a.schools[0].is_secondary]


def _with_two_basic(authorities: Sequence[SampleAuthority]) -> list[SampleAuthority]:
    candidates = _of(authorities, "Libre confessionnel")
    return [a for a in candidates if len(a.schools) > 1 and all(not s.is_secondary for s in a.schools)]


def _before(after: Sequence[SampleAuthority]) -> list[SampleAuthority]:
    """The population as the first edition knew it."""
    before = deepcopy(list(after))
    giver, taker, brought, renamed, *changed = _single_basic(before)[10:30]
    owner = _with_two_basic(before)[1]
    giver.schools.append(owner.schools.pop())
    renamed.name = f"Comité scolaire {of(renamed.place.name)}"
    for authority in changed[:5]:
        authority.street = f"Ancienne {authority.street[0].lower()}{authority.street[1:]}"
    for authority in changed[5:15]:
        authority.schools[0].street = f"Ancienne {authority.schools[0].street}"
    taker.schools[0].types = (EducationType.PRIMARY_ORDINARY,)
    before.remove(brought)
    before.append(_gone(brought.place))
    return before


def _gone(place: SamplePlace) -> SampleAuthority:
    site = SampleSite(77000, "Rue Basse 4", place)
    kinds = (EducationType.NURSERY_ORDINARY, EducationType.PRIMARY_ORDINARY)
    school = SampleSchool(89999, f"École libre Saint-Éloi {of(place.name)}", kinds, place, "Rue Basse 4", [site])
    name = f"ASBL École Saint-Éloi {of(place.name)}"
    return SampleAuthority(9990, name, "Libre confessionnel", place, "Rue Basse 4", company_number(9_990_990), [school])


def _register(authorities: Sequence[SampleAuthority]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    for authority in authorities:
        for school in authority.schools:
            writer.writerows(_rows(authority, school))
    for authority in _of(authorities, "Subventionné communal")[:40]:
        writer.writerows(_rows(authority, _academy(authority)))
    return b"\xef\xbb\xbf" * 2 + buffer.getvalue().encode()


def _academy(authority: SampleAuthority) -> SampleSchool:
    # The register has part-time arts schools, which are outside compulsory education and counted as ignored.
    number = authority.fase + 50_000
    site = SampleSite(number, authority.street, authority.place)
    name = f"Académie {of(authority.place.name)}"
    return SampleSchool(number, name, ("Artistique à horaire réduit",), authority.place, authority.street, [site])  # type: ignore[arg-type]


def _rows(authority: SampleAuthority, school: SampleSchool) -> Iterator[tuple[object, ...]]:
    number = company_number(29_990_000 + school.fase % 10_000)
    place, home = school.place, authority.place
    for site in school.sites:
        for kind in school.types:
            yield (
                school.fase,
                school.name,
                number,
                kind,
                _stage(kind),
                "Spécialisé" if "spécialisé" in kind else "Ordinaire",
                authority.network,
                school.street,
                place.postcode,
                place.name.upper(),
                place.name,
                place.zone,
                place.district,
                site.fase,
                site.street,
                site.place.postcode,
                site.place.name.upper(),
                site.place.name,
                "",
                "",
                authority.fase,
                authority.name,
                authority.company_number,
                authority.street,
                home.postcode,
                home.name.upper(),
                home.name,
                "",
            )


def _stage(kind: str) -> str:
    in_secondary = isinstance(kind, EducationType) and kind.level is Level.SECONDARY
    return "Secondaire" if in_secondary else "Fondamental"


def _programme(today: date) -> str:
    first, second = (today - timedelta(days) for days in CIRCULARS)
    dropped = second + timedelta(REQUIRED_DAYS)
    return f"""code = "{CODE}"
name = "Mes outils numériques"
words = "plan d’équipement numérique, plan d’équipement"

[[strands]]
number = 1
name = "Un stock de matériel à prêter"
circular = "7831"
opened_on = {first}
levels = ["secondary"]

[[strands]]
number = 2
name = "Le matériel personnel de l’élève"
circular = "7919"
opened_on = {second}
levels = ["secondary"]

# The second strand required the first, until that condition was dropped.
[[prerequisites]]
strand = 2
requires = 1
since = {second}
until = {dropped}
"""


def _joinings(authorities: Sequence[SampleAuthority], today: date) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(("fase", "volet", "statut", "date", "source", "motif"))
    rows: list[tuple[Any, ...]] = sorted(_statuses(authorities, today), key=itemgetter(3, 0))
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def _statuses(authorities: Sequence[SampleAuthority], today: date) -> Iterator[tuple[int, int, str, str, str, str]]:
    chance = Random(SEED)
    silent: list[SampleSchool] = []
    second: list[tuple[SampleSchool, bool]] = []
    for network, (first, later) in JOINED.items():
        schools = [s for a in _of(authorities, network) for s in a.schools if s.is_secondary]
        chance.shuffle(schools)
        joined, rest = schools[:first], schools[first:]
        for school in joined:
            yield (school.fase, 1, "adhéré", _day(chance, today, 0), "Formulaire de la circulaire 7831", "")
        # One WBE school joined the second strand alone: the prerequisite between strands was dropped later.
        alone = rest[:1] if network == "WBE" else []
        second += [(school, True) for school in [*joined[: later - len(alone)], *alone]]
        second += [(school, False) for school in joined[later:]]
        silent += rest[len(alone) :]
    chance.shuffle(silent)
    for school in silent[: IN_PREPARATION[0]]:
        yield (school.fase, 1, "en préparation", _day(chance, today, 0), "Appel téléphonique", "")
    for school in silent[IN_PREPARATION[0] : IN_PREPARATION[0] + DECLINED]:
        yield (school.fase, 1, "refus", _day(chance, today, 0), "Courriel reçu", chance.choice(REASONS))
    preparing = [school for school, joined in second if not joined][: IN_PREPARATION[1]]
    for school in [school for school, joined in second if joined]:
        yield (school.fase, 2, "adhéré", _day(chance, today, 1, REQUIRED_DAYS), "Formulaire de la circulaire 7919", "")
    for school in preparing:
        yield (school.fase, 2, "en préparation", _day(chance, today, 1), "Appel téléphonique", "")


def _day(chance: Random, today: date, circular: int, later: int = 0) -> str:
    days = CIRCULARS[circular] - later
    after = min(int(chance.expovariate(1 / 35)), days - 1)
    return (today - timedelta(days - after)).isoformat()
