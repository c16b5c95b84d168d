"""Reads the rows of a joining list: school, strand, status and day, and what was known before.

Columns: fase;volet;statut;date;source;motif;nom_ecole;programme, under any of their usual headers; the last two are
compared only.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial

from sqlalchemy import select

from outreach.adherence.models import Prerequisite, Programme, Status, Word
from outreach.adherence.programmes import list_prerequisites, name_among_several, of_programme
from outreach.adherence.situation import Timeline, all_eligible, joined_late, timeline_of
from outreach.core.db import Session
from outreach.core.tables import GridRow, Headers, Heading, RowFault
from outreach.core.text import addresses
from outreach.core.text.dates import parse_day
from outreach.core.text.errors import InputError
from outreach.core.text.typed import whole_number
from outreach.directory.display_names import shown
from outreach.directory.models import School
from outreach.directory.reference import fold
from outreach.directory.supplied_names import SCHOOL_NAMES, NameBook

STATUSES = {fold(word): status for status in Status for word in (status.label, *status.facts.heard)}
LETTER = re.compile(r"^v(?=\d)")  # as in "V1"
ORDINALS = {"premier": 1, "1er": 1, "deuxieme": 2, "second": 2, "2e": 2, "2eme": 2, "troisieme": 3}
MOST_STRANDS = 9  # a cell with a greater number is no strand's where nobody says so


def strand_number(text: str) -> int:
    """The number of the strand that a cell names: "1", "V1", "Volet 1", "1er volet"; 0 where it names none."""
    words = fold(text.removesuffix(".0")).replace("volet", " ").split()
    word = words[0] if len(words) == 1 else ""
    return ORDINALS.get(word) or whole_number(LETTER.sub("", word), digits=2) or 0


def _is_status(cell: str) -> bool:
    return fold(cell) in STATUSES


def _is_day(cell: str) -> bool:
    """Whether a cell is a written date. A bare number may be one, too, but is anything else as well."""
    try:
        return not cell.isdecimal() and bool(parse_day(cell))
    except InputError:
        return False


HEADERS = Headers(
    {
        "school": Heading("fase", ("fase", "n fase", "fase ecole", "n fase ecole", "fase etablissement",
                                 "n fase etablissement"), required=True, mend=addresses.fase,
                          words="numéro FASE de l’école", carried=True),
        "strand": Heading("volet", ("n volet", "code volet", "v"), required=True,
                          holds=lambda cell: 0 < strand_number(cell) <= MOST_STRANDS),
        "status": Heading("statut", ("etat", "adhesion", "situation", "reponse"), required=True, holds=_is_status),
        "day": Heading("date", ("date adhesion", "date statut", "effectif", "depuis"), required=True, holds=_is_day),
        "source": Heading("source", ("origine",)),
        "reason": Heading("motif", ("raison", "remarque", "commentaire")),
        "name": Heading("nom_ecole", (*SCHOOL_NAMES, "nom"), words="nom de l’école", carried=True),
        "programme": Heading("programme", ("plan", "code programme")),
    },
    ("erreur",),
)  # fmt: skip
LONGEST_SOURCE, LONGEST_REASON = 200, 2_000


@dataclass(frozen=True, slots=True)
class JoiningLine:
    """One row of a list that can be applied; `before…` is what was known of its day until now."""

    row: int
    school_id: int
    school_fase: int
    school_name: str
    strand_id: int
    strand_number: int
    status: Status
    day: date
    source: str
    reason: str
    before: Status
    before_word: Word | None
    before_day: date | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a list is compared with: schools by number, eligible (school, strand) pairs, strands by number, records.

    `names` are read from the directory once a row states one. `called` is the programme's name where there are several.
    """

    schools: Mapping[int, tuple[int, str]]
    eligible: set[tuple[int, int]]
    strands: Mapping[int, int]
    names: Callable[[], NameBook]
    timeline: Timeline
    rules: Sequence[Prerequisite]
    today: date
    programme: Programme
    called: str = ""


def known_of(session: Session, programme: Programme, today: date) -> Known:
    """What the rows of a list about a programme are compared with."""
    rows = all_eligible([today], programme.strands)
    schools = select(School.fase, School.id, School.name, School.corrected_name)
    return Known(
        schools={fase: (key, shown(name, known)) for fase, key, name, known in session.execute(schools)},
        eligible={(school, strand) for school, strand in session.execute(select(rows.c.school_id, rows.c.strand_id))},
        strands={strand.number: strand.id for strand in programme.strands},
        names=cache(partial(NameBook.of, session)),
        timeline=timeline_of(session, programme),
        rules=list_prerequisites(session, programme),
        today=today,
        programme=programme,
        called=name_among_several(session, programme),
    )


def is_called(programme: Programme, stated: str) -> bool:
    """Whether a cell names a programme: by its code, or by its name."""
    return fold(stated) in {fold(programme.code), fold(programme.name)}


def read_line(row: GridRow, known: Known, seen: dict[tuple[int, int, date], int]) -> JoiningLine:
    """Read a row. `seen` maps each (school, strand, day) to the row that stated it first. Raises RowFault."""
    cells = row.cells
    if (stated := cells.get("programme")) and not is_called(known.programme, stated):
        said = f"La liste est du programme « {known.programme.code} », et cette ligne de « {stated} »."
        raise RowFault("programme", f"{said} Envoyez une liste par programme.")
    fase = cells["school"]
    school = whole_number(fase) or 0
    if school not in known.schools:
        what = f"Aucune école ne porte le numéro FASE « {cells['school']} »." if fase else "Le numéro FASE manque."
        raise RowFault("school", what)
    school_id, name = known.schools[school]
    if cells.get("name"):
        known.names().refuse_other(row, school_id, school)
    number = _strand(cells["strand"], known.strands)
    strand_id = known.strands[number]
    if (school_id, strand_id) not in known.eligible:
        raise RowFault(
            "school",
            f"Le volet {number}{of_programme(known.called)} n’est pas ouvert à l’école {fase} : elle n’enseigne à "
            "aucun de ses niveaux, ou n’est plus au registre.",
        )
    status = STATUSES.get(fold(cells["status"]))
    if status is None:
        what = f"Le statut « {cells['status']} » est inconnu." if cells["status"] else "Le statut manque."
        raise RowFault("status", what)
    day = _day(cells["day"], known.today)
    if (school_id, strand_id, day) in seen:
        raise RowFault("", f"Même école, même volet et même date que la ligne {seen[school_id, strand_id, day]}.")
    seen[school_id, strand_id, day] = row.number
    source, reason = cells.get("source", ""), cells.get("reason", "")
    if len(source) > LONGEST_SOURCE or len(reason) > LONGEST_REASON:
        raise RowFault("source" if len(source) > LONGEST_SOURCE else "reason", "Le texte est trop long.")
    before = known.timeline.at(school_id, strand_id, day)
    is_known = before is not None and (before.status, before.day) == (status, day)
    if not is_known and (too_late := joined_late(known.programme.strand(number), status, day, known.called)):
        raise RowFault("day", too_late)
    return JoiningLine(
        row.number, school_id, int(fase), name, strand_id, number, status, day, source, reason,
        before.status if before else Status.NONE, before.word if before else None,
        before.day if before else None,
    )  # fmt: skip


def _strand(text: str, strands: Mapping[int, int]) -> int:
    number = strand_number(text)
    if number not in strands:
        known = ", ".join(str(number) for number in sorted(strands))
        raise RowFault(
            "strand", f"Le volet « {text} » n’existe pas (volets : {known})." if text else "Le volet manque."
        )
    return number


def _day(text: str, today: date) -> date:
    if not text:
        raise RowFault("day", "La date manque.")
    try:
        day = parse_day(text)
    except InputError as error:
        raise RowFault("day", str(error)) from None
    if day > today:
        raise RowFault("day", f"« {text} » est dans l’avenir.")
    return day
