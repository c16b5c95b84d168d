"""Programmes, loaded from a file: their strands, and the dated prerequisites between strands.

The file is TOML: `code`, `name`, `[[strands]]` (number, name, circular, opened_on, level) and `[[prerequisites]]`
(strand, requires, since, until). Loading it again updates what is stored.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import delete, func, select

from outreach import audit
from outreach.adherence.models import Prerequisite, Programme, Strand
from outreach.adherence.told import tell_programme
from outreach.db import Session
from outreach.directory.models import Level
from outreach.errors import InputError, NotFound, Refused
from outreach.french import typeset, within_quotes
from outreach.text import line_of_words

MOST_DOTS = 60  # in a line: of a name with 30,000 dots, which nests as deep, tomllib takes minutes
PLACE = re.compile(r"at line (\d+)")  # in what tomllib says, in English
REASONS = {"missing": "il manque", "extra_forbidden": "ce nom n’existe pas"}


def judged_by(check: Callable[[str], str]) -> AfterValidator:
    """A validator for a field of a file: the value becomes the result of `check`; its InputError names the field."""

    def told(text: str) -> str:
        try:
            return check(text)
        except InputError as error:
            raise ValueError(str(error).rstrip(".")) from None

    return AfterValidator(told)


Text = Annotated[str, Field(min_length=1, max_length=200), judged_by(line_of_words)]


class StrandFile(BaseModel):
    """A strand as a file states it."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(ge=1, le=99)]
    name: Text
    circular: Annotated[str, Field(max_length=40), judged_by(line_of_words)] = ""
    opened_on: date
    level: Level = Level.SECONDARY


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
    strands: Annotated[list[StrandFile], Field(min_length=1)]
    prerequisites: list[PrerequisiteFile] = []

    @model_validator(mode="after")
    def _agree(self) -> "ProgrammeFile":
        numbers = [strand.number for strand in self.strands]
        if len(numbers) != len(set(numbers)):
            raise ValueError("deux volets portent le même numéro")
        if any({rule.strand, rule.requires} - set(numbers) for rule in self.prerequisites):
            raise ValueError("une condition parle d’un volet qui n’existe pas")
        if any(rule.strand == rule.requires for rule in self.prerequisites):
            raise ValueError("un volet ne peut pas se requérir lui-même")
        if any(rule.until and rule.until <= rule.since for rule in self.prerequisites):
            raise ValueError("une condition finit avant d’avoir commencé")
        return self


def load(session: Session, content: str, *, now: datetime, actor: str) -> Programme:
    """Create or update a programme from its file. Raises InputError, naming the field at fault or a strand left out."""
    return load_file(session, read(content), now=now, actor=actor)


def load_file(
    session: Session, stated: ProgrammeFile, *, now: datetime, actor: str, changes: Sequence[str] = ()
) -> Programme:
    """Create or update a programme from what its file states; the audit repeats the `changes`, a sentence each.

    Raises InputError when a known strand is left out.
    """
    programme = session.scalar(select(Programme).where(Programme.code == stated.code))
    if programme is None:
        programme = Programme(code=stated.code, name=stated.name, strands=[])
        session.add(programme)
    programme.name = stated.name
    known = {strand.number: strand for strand in programme.strands}
    refuse_dropped(known, stated)
    for strand in stated.strands:
        _bring(programme, known, strand)
    session.flush()
    _replace_prerequisites(session, known, stated)
    tell_programme(session, as_json(programme, stated.prerequisites), now=now)
    told = " ".join((f"Programme « {programme.name} » chargé.", *changes))
    audit.record(session, now, actor, told, f"programme:{programme.code}")
    return programme


def refuse_dropped(known: Iterable[int], stated: ProgrammeFile) -> None:
    """Raises InputError when a file leaves out one of the strands that are `known`, by their numbers."""
    missing = sorted(set(known) - {strand.number for strand in stated.strands})
    if missing:
        raise InputError(f"Le volet {missing[0]} est connu et manque dans le fichier : un volet ne s’efface pas.")


def read(content: str) -> ProgrammeFile:
    """Read a programme's file. Raises InputError, naming the field at fault."""
    for number, line in enumerate(content.split("\n"), 1):
        if line.count(".") > MOST_DOTS:
            raise InputError(f"Le fichier n’est pas du TOML lisible : vérifiez la ligne {number}.")
    try:
        return ProgrammeFile.model_validate(tomllib.loads(content))
    except ValidationError as error:
        raise InputError(f"Programme refusé, {fault_of(error)}.") from None
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a ValueError, and no TOMLDecodeError
        place = PLACE.search(str(error))
        where = f"vérifiez la ligne {place[1]}" if place else "il est coupé, ou d’une autre sorte"
        raise InputError(f"Le fichier n’est pas du TOML lisible : {where}.") from None


def fault_of(error: ValidationError) -> str:
    """The first fault of a file: where, and what is wrong."""
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"]) or "le fichier"
    told = fault["msg"].removeprefix("Value error, ")
    what = told if fault["type"] == "value_error" else REASONS.get(fault["type"])
    return f"{where} : {what or 'la valeur ne convient pas'}"


def every(session: Session) -> Sequence[Programme]:
    """All programmes, in the order in which they were loaded."""
    return session.scalars(select(Programme).order_by(Programme.id)).all()


def name_among_several(session: Session, programme: Programme) -> str:
    """Its name, which whatever is said of it says; '' where it is the only one."""
    return programme.name if (session.scalar(select(func.count(Programme.id))) or 0) > 1 else ""


def names_among_several(session: Session) -> dict[int, str]:
    """The names of all programmes by key, which whatever is said of a strand says; empty where there is one alone."""
    there = every(session)
    return {one.id: one.name for one in there} if len(there) > 1 else {}


def of_programme(name: str) -> str:
    """What follows a strand, with its space: « du programme « Plan lecture » »; '' without a name."""
    return typeset(f" du programme « {within_quotes(name)} »") if name else ""


def named(session: Session, code: str = "", among: Sequence[Programme] | None = None) -> Programme:
    """The programme with this code; without a code, the only one there is: of all, or `among` some.

    Raises NotFound, and Refused with the codes where no code is given and there are several.
    """
    there = every(session) if among is None else among
    found = [one for one in there if one.code == code] if code else there
    if len(found) == 1:
        return found[0]
    codes = ", ".join(f"« {one.code} »" for one in there)
    if found:
        raise Refused(f"Il y a plusieurs programmes : nommez-en un par son code ({codes}).")
    what = f"Aucun programme ne porte le code « {code} »." if code else "Aucun programme n’est chargé."
    how = f"Les codes sont {codes}." if there else "L’administration en charge un : Administration › Programmes."
    raise NotFound(f"{what} {how}")


def the_programme(session: Session, code: str = "") -> Programme:
    """The programme with this code, or the first one loaded. Raises NotFound."""
    query = select(Programme).order_by(Programme.id)
    programme = session.scalar(query.where(Programme.code == code) if code else query.limit(1))
    if programme is None:
        named = f"Aucun programme ne porte le code « {code} »." if code else "Aucun programme n’est chargé."
        raise NotFound(f"{named} L’administration en charge un : Administration › Programmes, ou ./run programme load.")
    return programme


def prerequisites(session: Session, programme: Programme) -> list[Prerequisite]:
    """The dated prerequisites between the strands of a programme."""
    strands = [strand.id for strand in programme.strands]
    return list(session.scalars(select(Prerequisite).where(Prerequisite.strand_id.in_(strands))))


def as_json(programme: Programme, rules: Sequence[PrerequisiteFile]) -> dict[str, Any]:
    """A programme for programs: its strands, and what each asks."""
    strands = [
        {
            "number": strand.number,
            "name": strand.name,
            "circular": strand.circular,
            "opened_on": strand.opened_on.isoformat(),
            "level": strand.level.value,
        }
        for strand in programme.strands
    ]
    asked = [rule.model_dump(mode="json") for rule in rules]
    return {"code": programme.code, "name": programme.name, "strands": strands, "prerequisites": asked}


def _bring(programme: Programme, known: dict[int, Strand], stated: StrandFile) -> None:
    strand = known.get(stated.number)
    if strand is None:
        strand = known[stated.number] = Strand(number=stated.number)
        programme.strands.append(strand)
    strand.name, strand.circular = stated.name, stated.circular
    strand.opened_on, strand.level = stated.opened_on, stated.level


def _replace_prerequisites(session: Session, known: Mapping[int, Strand], stated: ProgrammeFile) -> None:
    session.execute(delete(Prerequisite).where(Prerequisite.strand_id.in_([strand.id for strand in known.values()])))
    session.add_all(
        Prerequisite(
            strand_id=known[rule.strand].id, required_id=known[rule.requires].id, since=rule.since, until=rule.until
        )
        for rule in stated.prerequisites
    )
