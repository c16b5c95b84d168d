"""The result of parsing a letter: text in which private characters stand for values and conditions.

A slot is a place for a value, a run is text with marks, a choice has branches of which one is used. Marks are numbered
in the order in which they are created. A letter is stored with its tables of slots and conditions.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

from outreach.errors import InputError

FIRST_SLOT, FIRST_IF, FIRST_ELIF, ELSE, END = 0xE000, 0xF000, 0xF400, "\uf800", "\uf801"
MARKS_OF_CHOICE = re.compile("[\uf000-\uf8ff]")
MOST_SLOTS, MOST_CONDITIONS = FIRST_IF - FIRST_SLOT, FIRST_ELIF - FIRST_IF

Condition = tuple[Any, ...]
"""("field", name), ("not", condition), ("and" | "or", condition, condition)."""


class FieldKind(StrEnum):
    """The content of a field: words, a number, a day, yes or no, a whole link, or a whole block."""

    WORDS = auto()
    NUMBER = auto()
    DAY = auto()
    FLAG = auto()
    LINK = auto()
    BLOCK = auto()


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value: the field, and the filters it passes, each with its argument or ''."""

    field: str
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """The slot as it is written, without brackets."""
        return "|".join([self.field, *(f'{name}("{given}")' if given else name for name, given in self.filters)])


@dataclass(frozen=True, slots=True)
class Run:
    """A run of text with marks, and the line of the source it begins on."""

    text: str
    line: int

    def line_of(self, words: str) -> int:
        """The line of the source these words stand on."""
        return self.line + self.text.count("\n", 0, max(self.text.find(words), 0))


@dataclass(frozen=True, slots=True)
class Choice:
    """Branches (condition, pieces), in order: the first whose condition holds is used; () always holds."""

    branches: tuple[tuple[Condition, tuple["Piece", ...]], ...]


Piece = Run | Choice
"""A run of text, or a choice between whole runs; each run is rendered by itself."""


@dataclass
class Marks:
    """The characters that stand for slots and conditions; equal ones share a character."""

    slots: list[Slot] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)

    def slot(self, slot: Slot) -> str:
        """The mark of a slot."""
        return chr(FIRST_SLOT + _place(self.slots, slot, MOST_SLOTS))

    def condition(self, condition: Condition, *, first: bool) -> str:
        """The mark that opens a choice, or its next branch; the branch without condition is ELSE."""
        if not condition:
            return ELSE
        return chr((FIRST_IF if first else FIRST_ELIF) + _place(self.conditions, condition, MOST_CONDITIONS))


def _place(known: list[Any], wanted: object, most: int) -> int:
    if wanted not in known:
        if len(known) == most:
            raise InputError("Le courriel a trop de champs ou de conditions différents.")
        known.append(wanted)
    return known.index(wanted)


def holds(condition: Condition, flags: Mapping[str, bool]) -> bool:
    """Whether a condition holds, given the truth of the fields it names; an empty one always does."""
    match condition:
        case ():
            return True
        case ("field", name):
            return flags[name]
        case ("not", inner):
            return not holds(inner, flags)
        case ("and", left, right):
            return holds(left, flags) and holds(right, flags)
        case ("or", left, right):
            return holds(left, flags) or holds(right, flags)
    raise ValueError(f"not a condition: {condition!r}")


def fields_of(condition: Condition) -> Iterator[str]:
    """The fields a condition names."""
    match condition:
        case ("field", name):
            yield name
        case (_, *inner):
            for part in inner:
                yield from fields_of(part)
