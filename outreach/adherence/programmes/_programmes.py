"""Programmes, loaded from a file: their strands, and the dated prerequisites between strands.

The file is TOML: `code`, `name`, `page`, `words`, `[[strands]]` (number, name, circular, opened_on, closed_on, levels)
and `[[prerequisites]]` (strand, requires, since, until). Loading it again updates what is stored.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from sqlalchemy import ColumnElement, case, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute

from outreach.adherence.models import Prerequisite, Programme, Strand
from outreach.adherence.programmes._change_events import tell_programme
from outreach.core import audit
from outreach.core.db import Base, Session, once_a_reading
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import initial, typeset, within_quotes
from outreach.core.text.links import fault_of_link
from outreach.core.text.typed import line_of_words
from outreach.directory.models import Level

MOST_DOTS = 60  # in a line: of a name with 30,000 dots, which nests as deep, tomllib takes minutes
PLACE = re.compile(r"at line (\d+)")  # in what tomllib says, in English
STATED = re.compile(r"\s*+\"?+(\w++)\"?+\s*+[=:]([^#\n]*+)")  # a line of a field
IS_DAY = re.compile(r"\d{4}-\d\d-\d\d")
REASONS = {"missing": "il manque", "extra_forbidden": "ce nom n’existe pas"}
PARTS = {"strands": "volet", "prerequisites": "condition"}
A_DAY, A_STRAND = "écrivez une date comme 2021-01-15, sans guillemets", "écrivez le numéro d’un volet, de 1 à 99"
WANTED = {  # what a field of a file holds
    "code": "écrivez entre guillemets de 1 à 60 lettres minuscules, chiffres ou tirets",
    "name": "écrivez entre guillemets un nom de 1 à 200 caractères",
    "page": "écrivez entre guillemets l’adresse d’une page, de 500 caractères au plus",
    "words": "écrivez entre guillemets des mots séparés par des virgules, en 500 caractères au plus",
    "circular": "écrivez entre guillemets un numéro de 40 caractères au plus",
    "number": A_STRAND,
    "strand": A_STRAND,
    "requires": A_STRAND,
    **dict.fromkeys(("opened_on", "closed_on", "since", "until"), A_DAY),
    **dict.fromkeys(
        ("levels", "level"),
        "écrivez un ou plusieurs de ces mots, entre crochets : "
        + ", ".join(f'"{level.value}" ({level.label})' for level in Level),
    ),
    "strands": "il faut au moins un volet, sous [[strands]]",
    "prerequisites": "chaque condition s’écrit sous [[prerequisites]]",
}


def judged_by(check: Callable[[str], str]) -> AfterValidator:
    """A validator for a field of a file: the value becomes the result of `check`; its InputError names the field."""

    def told(text: str) -> str:
        try:
            return check(text)
        except InputError as error:
            raise ValueError(str(error).rstrip(".")) from None

    return AfterValidator(told)


Text = Annotated[str, Field(min_length=1, max_length=200), judged_by(line_of_words)]


def page_address(text: str) -> str:
    """The address of a page to which letters may lead; '' is none. Raises InputError."""
    address = line_of_words(text)
    if address and (fault := fault_of_link(address, ("https", "http"))):
        raise InputError(initial(fault))
    return address


class StrandFile(BaseModel):
    """A strand as a file states it."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(ge=1, le=99)]
    name: Text
    circular: Annotated[str, Field(max_length=40), judged_by(line_of_words)] = ""
    opened_on: date
    closed_on: date | None = None
    levels: Annotated[  # `level` in files from before a strand might have several
        tuple[Level, ...], Field(min_length=1, validation_alias=AliasChoices("levels", "level"))
    ] = (Level.SECONDARY,)

    @field_validator("levels", mode="before")
    @classmethod
    def _take_one(cls, stated: object) -> object:
        return [stated] if isinstance(stated, str) else stated

    @field_validator("levels")
    @classmethod
    def _in_order(cls, stated: tuple[Level, ...]) -> tuple[Level, ...]:
        return tuple(level for level in Level if level in stated)

    @model_validator(mode="after")
    def _close_after_opening(self) -> "StrandFile":
        if self.closed_on and self.closed_on < self.opened_on:
            raise ValueError("il ferme avant d’avoir ouvert")
        return self


class PrerequisiteFile(BaseModel):
    """A prerequisite as a file states it."""

    model_config = ConfigDict(extra="forbid")

    strand: int
    requires: int
    since: date
    until: date | None = None


class ProgrammeFile(BaseModel):
    """A whole programme as a file states it."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
    name: Text
    page: Annotated[str, Field(max_length=500), judged_by(page_address)] = ""
    words: Annotated[str, Field(max_length=500), judged_by(line_of_words)] = ""
    strands: Annotated[list[StrandFile], Field(min_length=1)]
    prerequisites: list[PrerequisiteFile] = []

    @model_validator(mode="after")
    def _agree(self) -> "ProgrammeFile":
        numbers = [strand.number for strand in self.strands]
        if len(numbers) != len(set(numbers)):
            twice = next(number for number in numbers if numbers.count(number) > 1)
            raise ValueError(f"deux volets portent le même numéro, {twice}")
        for place, rule in enumerate(self.prerequisites, 1):
            if unknown := {rule.strand, rule.requires} - set(numbers):
                raise ValueError(f"condition {place} : le volet {min(unknown)} n’existe pas")
        if any(rule.strand == rule.requires for rule in self.prerequisites):
            raise ValueError("un volet ne peut pas se requérir lui-même")
        if any(rule.until and rule.until <= rule.since for rule in self.prerequisites):
            raise ValueError("une condition finit avant d’avoir commencé")
        return self


def load_programme(session: Session, content: str, *, now: datetime, actor: str) -> Programme:
    """Create or update a programme from its file. Raises InputError, naming the field at fault or a strand left out."""
    return load_file(session, read_programme(content), now=now, actor=actor)


def load_file(
    session: Session, stated: ProgrammeFile, *, now: datetime, actor: str, changes: Sequence[str] = (), before: str = ""
) -> Programme:
    """Create or update a programme from what its file states; the audit repeats the `changes`, a sentence each.

    `before` is the file of what is stored, to which one may go back. Raises InputError when a strand is left out that
    is in use.
    """
    programme = session.scalar(select(Programme).where(Programme.code == stated.code))
    if programme is None:
        programme = Programme(code=stated.code, name=stated.name, strands=[])
        session.add(programme)
    programme.name, programme.page, programme.words = stated.name, stated.page, stated.words
    if before and changes:
        programme.previous = before
    refuse_dropped(session, programme, stated)
    _drop(session, programme, stated)
    known = {strand.number: strand for strand in programme.strands}
    for strand in stated.strands:
        _bring(programme, known, strand)
    session.flush()
    _replace_prerequisites(session, known, stated)
    tell_programme(session, as_json(programme, stated.prerequisites), now=now)
    words = " ".join((f"Programme « {programme.name} » chargé.", *changes))
    audit.record_entry(session, now, actor, words, f"programme:{programme.code}")
    return programme


def in_use(session: Session, programme: Programme) -> set[int]:
    """The numbers of the strands that something stands on: a record, a campaign, a letter… They are never removed."""
    keys = {strand.id: strand.number for strand in programme.strands if strand.id}
    pointing = [
        key.parent
        for table in Base.metadata.tables.values()
        if table.name not in {Prerequisite.__tablename__, Strand.__tablename__}
        for key in table.foreign_keys
        if key.column.table.name == Strand.__tablename__
    ]
    used = (session.scalars(select(column).where(column.in_(keys)).distinct()) for column in pointing)
    return {keys[key] for found in used for key in found}


def refuse_dropped(session: Session, programme: Programme, stated: ProgrammeFile) -> None:
    """Raises InputError when a file leaves out a strand of the stored programme that is in use."""
    missing = sorted(in_use(session, programme) - {strand.number for strand in stated.strands})
    if missing:
        raise InputError(
            f"Le volet {missing[0]} sert déjà (statuts, campagnes ou courriels) et manque : un volet qui a servi ne "
            "s’efface pas. Remettez-le ; pour y mettre fin, donnez-lui un jour de fermeture."
        )


def read_programme(content: str) -> ProgrammeFile:
    """Read a programme's file. Raises InputError, naming the field at fault."""
    for number, line in enumerate(content.split("\n"), 1):
        if line.count(".") > MOST_DOTS:
            raise InputError(f"Le fichier n’est pas du TOML lisible : vérifiez la ligne {number}.")
    try:
        return ProgrammeFile.model_validate(tomllib.loads(content))
    except ValidationError as error:
        raise InputError(f"Programme refusé, {_fault_in(error, content)}.") from None
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a ValueError, and no TOMLDecodeError
        raise InputError(_unreadable(str(error), content)) from None


def fault_of(error: ValidationError) -> str:
    """The first fault of a file: where, and what is wrong."""
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"]) or "le fichier"
    words = fault["msg"].removeprefix("Value error, ")
    what = words if fault["type"] == "value_error" else REASONS.get(fault["type"])
    return f"{where} : {what or 'la valeur ne convient pas'}"


def _unreadable(said: str, content: str) -> str:
    """What tomllib says of a file, in English: in which strand, in which line, and what to write there."""
    place = PLACE.search(said)
    if place is None:
        return "Le fichier n’est pas du TOML lisible : il est coupé, ou d’une autre sorte."
    lines, number = content.split("\n"), int(place[1])
    stated = STATED.match(lines[number - 1])
    field, value = (stated[1], stated[2].strip()) if stated else ("", "")
    wanted = WANTED.get(field, "")
    if not wanted:
        return f"Le fichier n’est pas du TOML lisible : vérifiez la ligne {number}."
    if "overwrite" in said:
        wanted = "ce nom figure deux fois : gardez-en un"
    elif "'='" in said:
        wanted = f"mettez le signe = après ce nom, puis {wanted}"
    elif IS_DAY.fullmatch(value):
        wanted = f"le {value} n’est pas un jour du calendrier : {A_DAY}"
    heads = [line.strip().strip("[] \t") for line in lines[:number] if line.lstrip().startswith("[")]
    part = _part(content, heads[-1], heads.count(heads[-1]) - 1) if heads else ""
    where = ", ".join(filter(None, (part, f"ligne {number}")))
    return f"Programme refusé, {where} : « {field} », {wanted}."


def _part(content: str, table: str, place: int) -> str:
    """What the table of this name and place is called: a strand by its own number, where it states one."""
    if table not in PARTS:
        return ""
    line = _line_of(content, table, place, "number") if table == "strands" else None
    stated = STATED.match(content.split("\n")[line - 1]) if line else None
    own = stated[2].strip() if stated else ""
    return f"{PARTS[table]} {own if own.isdecimal() else place + 1}"


def _fault_in(error: ValidationError, content: str) -> str:
    """The first fault of a programme's file: which strand, which line, and what to write there."""
    fault = error.errors()[0]
    place = fault["loc"]
    words = fault["msg"].removeprefix("Value error, ")
    part = _part(content, str(place[0]), int(place[1])) if len(place) > 1 else ""
    field = next((str(name) for name in (place[2:] if part else place) if isinstance(name, str)), "")
    wanted = words if fault["type"] == "value_error" else REASONS.get(fault["type"]) or WANTED.get(field)
    line = _line_of(content, str(place[0]) if part else "", int(place[1]) if part else 0, field)
    where = ", ".join(filter(None, (part, f"ligne {line}" if line else "")))
    what = ", ".join(filter(None, (f"« {field} »" if field else "", wanted or "la valeur ne convient pas")))
    return f"{where or 'le fichier'} : {what}"


def _line_of(content: str, table: str, place: int, field: str) -> int | None:
    """The line of a field in the table of this name and place, or of its heading; None where it stands on none."""
    lines = content.split("\n")
    heads = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    begins = [-1] if not table else [at for at in heads if lines[at].strip().strip("[] \t") == table]
    if place >= len(begins):
        return None
    begin = begins[place]
    end = next((at for at in heads if at > begin), len(lines))
    named = (at for at in range(begin + 1, end) if field and lines[at].partition("=")[0].strip().strip('"') == field)
    return next(named, begin) + 1 or None


@once_a_reading
def all_programmes(session: Session) -> Sequence[Programme]:
    """All programmes, in the order in which they were loaded."""
    return session.scalars(select(Programme).order_by(Programme.id)).all()


@once_a_reading
def programme_codes(session: Session) -> list[tuple[str, str]]:
    """The codes and names of all programmes, in that order."""
    return [
        (code, name) for code, name in session.execute(select(Programme.code, Programme.name).order_by(Programme.id))
    ]


ARE_SEVERAL = select(func.count() > 1).select_from(Programme).scalar_subquery()  # the one place that judges it
NAME_AMONG_SEVERAL = case((ARE_SEVERAL, Programme.name), else_="")


def name_among_several(session: Session, programme: Programme) -> str:
    """Its name, which whatever is said of it says; '' where it is the only one."""
    return names_among_several(session).get(programme.id, "")


@once_a_reading
def names_among_several(session: Session) -> dict[int, str]:
    """The names of all programmes by key, which whatever is said of a strand says; empty where there is one alone."""
    return dict(session.execute(select(Programme.id, Programme.name).where(ARE_SEVERAL)).all())


def of_programme(name: str) -> str:
    """What follows a strand, with its space: « du programme « Plan lecture » »; '' without a name."""
    return typeset(f" du programme « {within_quotes(name)} »") if name else ""


class SeveralProgrammes(Refused):
    """A programme has to be named, as there are several: by their codes, or on a page by their names (`on_page`)."""

    def __init__(self, there: Sequence[Programme]) -> None:
        self.codes = [one.code for one in there]
        codes, names = (", ".join(f"« {one} »" for one in some) for some in (self.codes, [one.name for one in there]))
        self.on_page = typeset(f"Il y a plusieurs programmes : choisissez-en un ({names}).")
        super().__init__(f"Il y a plusieurs programmes : nommez-en un par son code ({codes}).")


def get_programme(session: Session, code: str = "", among: Sequence[Programme] | None = None) -> Programme:
    """The programme with this code; without a code, the only one there is: of all, or `among` some.

    Raises NotFound, and SeveralProgrammes where no code is given and there are several.
    """
    there = all_programmes(session) if among is None else among
    found = [one for one in there if one.code == code] if code else there
    if len(found) == 1:
        return found[0]
    codes = ", ".join(f"« {one.code} »" for one in there)
    if found:
        raise SeveralProgrammes(there)
    what = f"Aucun programme ne porte le code « {code} »." if code else "Aucun programme n’est chargé."
    how = f"Les codes sont {codes}." if there else "L’administration en charge un : Administration › Programmes."
    raise NotFound(f"{what} {how}")


def strand_named(session: Session, code: str, number: int) -> Strand:
    """The strand with this number, of the programme with this code, or of the only one there is.

    Raises NotFound and Refused as `get_programme` does, and InputError where the programme has no such strand.
    """
    return get_programme(session, code).strand(number)


def strand_in_words(programme: str, number: int) -> str:
    """What a strand is called: « volet 2 », or « Plan lecture, volet 2 » with the name of a programme."""
    return f"{programme}, volet {number}" if programme else f"volet {number}"


def strand_name(session: Session, strand: Strand) -> str:
    """What a strand is called, with its programme where there are several. One statement."""
    return strand_in_words(names_among_several(session).get(strand.programme_id, ""), strand.number)


@once_a_reading
def strand_names(session: Session) -> dict[int, str]:
    """What each strand is called, by its key, as `strand_name` says. One statement."""
    query = select(Strand.id, NAME_AMONG_SEVERAL, Strand.number).join(Programme, Programme.id == Strand.programme_id)
    return {key: strand_in_words(name, number) for key, name, number in session.execute(query)}


def columns_of(strand: InstrumentedAttribute[int]) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """Of a column that names a strand, as columns: the code of its programme, and its name where there are several."""
    theirs = select(Programme.id).join(Strand, Strand.programme_id == Programme.id).where(Strand.id == strand)
    code, name = (theirs.with_only_columns(one).scalar_subquery() for one in (Programme.code, NAME_AMONG_SEVERAL))
    return code, name


def list_prerequisites(session: Session, programme: Programme) -> list[Prerequisite]:
    """The dated prerequisites between the strands of a programme."""
    strands = programme.strand_keys
    return list(session.scalars(select(Prerequisite).where(Prerequisite.strand_id.in_(strands))))


def as_json(programme: Programme, rules: Sequence[PrerequisiteFile]) -> dict[str, Any]:
    """A programme for programs: its strands, and what each asks."""
    strands = [
        {
            "number": strand.number,
            "name": strand.name,
            "circular": strand.circular,
            "opened_on": strand.opened_on.isoformat(),
            "closed_on": strand.closed_on.isoformat() if strand.closed_on else None,
            "levels": [level.value for level in strand.levels],
        }
        for strand in programme.strands
    ]
    asked = [rule.model_dump(mode="json") for rule in rules]
    return {"code": programme.code, "name": programme.name, "strands": strands, "prerequisites": asked}


def _drop(session: Session, programme: Programme, stated: ProgrammeFile) -> None:
    """Remove the strands that a file leaves out, which nothing stands on but conditions."""
    left = {strand.number for strand in stated.strands}
    dropped = [strand for strand in programme.strands if strand.number not in left]
    keys = [strand.id for strand in dropped]
    session.execute(delete(Prerequisite).where(Prerequisite.strand_id.in_(keys) | Prerequisite.required_id.in_(keys)))
    for strand in dropped:
        programme.strands.remove(strand)
        session.delete(strand)


def _bring(programme: Programme, known: dict[int, Strand], stated: StrandFile) -> None:
    strand = known.get(stated.number)
    if strand is None:
        strand = known[stated.number] = Strand(number=stated.number)
        programme.strands.append(strand)
    strand.name, strand.circular = stated.name, stated.circular
    strand.opened_on, strand.closed_on, strand.levels = stated.opened_on, stated.closed_on, stated.levels


def _replace_prerequisites(session: Session, known: Mapping[int, Strand], stated: ProgrammeFile) -> None:
    session.execute(delete(Prerequisite).where(Prerequisite.strand_id.in_([strand.id for strand in known.values()])))
    session.add_all(
        Prerequisite(
            strand_id=known[rule.strand].id, required_id=known[rule.requires].id, since=rule.since, until=rule.until
        )
        for rule in stated.prerequisites
    )
