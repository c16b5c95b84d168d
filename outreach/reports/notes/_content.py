"""What a note holds, frozen: figures, sentences, tables, definitions and words; no database, no file format.

The figures have one sequence of bytes (JSON as RFC 8785 writes it), and their digest is the note's. The author's own
paragraphs stand beside them: the figures hold only their digest, so that what is published can be checked without them.
"""

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

import rfc8785
from pydantic import TypeAdapter

from outreach.core.text.labelled import Labelled

FORMAT = 1  # of the JSON; a reader refuses one that it does not know
# Parts of the figures that stand there only where a note has them, as older notes have none.
OPTIONAL = ("correction", "prose", "compared", "comparisons", "curve", "reached", "effects", "changed", "counting")
COUNTING = 2  # by which definitions authorities of campaigns are counted; notes from before say none
Cell = int | str


class CellKind(StrEnum):
    """What a column of a table holds: words (left), or a count (right)."""

    TEXT = "text"
    COUNT = "count"


class TableKind(Labelled):
    """By what the rows of a table are told apart."""

    NETWORK = "network", "Réseau"
    ZONE = "zone", "Zone"
    PROVINCE = "province", "Province"
    FEDERATION = "federation", "Fédération"


class ActionState(StrEnum):
    """Whether a sending has taken place or is planned."""

    DONE = "done"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class NoteStrand:
    """A strand in a note: its number, its name, and « secondaires » or the like."""

    number: int
    name: str
    circular: str
    level: str


@dataclass(frozen=True, slots=True)
class NoteNetwork:
    """A network in a note: the register's code, and its French label."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class NetworkAnswer:
    """One sentence about one network in one strand: « Non : 14 des 147 écoles… »."""

    network: str
    label: str
    sentence: str


@dataclass(frozen=True, slots=True)
class StrandAnswer:
    """The sentence about a strand, then one for each network asked for."""

    strand: int
    sentence: str
    networks: tuple[NetworkAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class ProseAnswer:
    """The answer about a strand as one says it: `lead` is about what was asked first, « Non : 14 des 147 écoles… ».

    `figures` goes on with the others and the total, and `actions` with what is done and planned; either may be ''.
    """

    strand: int
    lead: str
    figures: str = ""
    actions: str = ""

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The one or two paragraphs, to be copied."""
        return tuple(filter(None, (" ".join(filter(None, (self.lead, self.figures))), self.actions)))


@dataclass(frozen=True, slots=True)
class NoteColumn:
    """A column of a table: its fixed English name in files, its French heading, what it holds."""

    name: str
    label: str
    kind: CellKind = CellKind.COUNT


@dataclass(frozen=True, slots=True)
class NoteTable:
    """A table of one strand. Every row has a cell for each column: integers and strings only.

    The last row is the total where `has_total`. A share is a string (« 7,4 % ») whose denominator is a column, too.
    """

    kind: TableKind
    strand: int
    title: str
    columns: tuple[NoteColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    has_total: bool = True

    @property
    def name(self) -> str:
        """Its name in files: `network-1`."""
        return f"{self.kind}-{self.strand}"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A day of the curve (2021-05-15): how many schools had joined each strand, by its number, where it was open."""

    day: str
    joined: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class NoteAction:
    """A sending of a campaign, done or planned: `day` as 2021-05-18, `sentence` in French with its day and counts.

    `networks` says to how many authorities of each network it wrote, or would write, by French label. `counted` counts
    authorities by what came of it: `meant`, `sent`, `delivered`, `answered`; only `meant` of one planned.
    """

    state: ActionState
    campaign: str
    day: str
    sentence: str
    networks: tuple[tuple[str, int], ...] = ()
    strand: int = 0
    wave: str = ""
    counted: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NoteReach:
    """Whom a campaign reached as the note was frozen: its title, its strand, its sentence, and authorities counted.

    `proved` and `unproved` add up to `authorities`, those to be reached; `by` counts them by how sure it is. In notes
    of before the campaign's counts, `authorities` are all that it meant, and `by` counts the proofs of `proved`.
    """

    campaign: str
    strand: int
    sentence: str
    authorities: int
    proved: int
    unproved: int
    by: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NoteEffect:
    """What a campaign's draw showed, as it was frozen: its title and number, its sentence and where that is from.

    `estimate`, `low` and `high` are points, that is authorities in 100: « 3,1 », « −0,8 ».
    """

    campaign: str
    number: int
    sentence: str
    source: str
    estimate: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class NoteDefinition:
    """A term and its meaning."""

    term: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where figures come from, and of which day: « Registre des écoles », « édition du 3 mai 2021 »."""

    name: str
    dated: str


@dataclass(frozen=True, slots=True)
class HandFigure:
    """A figure that the service did not compute: given by hand, with its source and its day (2021-05-10).

    `value` is as typed (« près de 100 000 »). Every rendering marks it as given by hand.
    """

    label: str
    value: str
    source: str
    dated: str


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure of a corrected note: what it is, as it stood there, as it stands here."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Correction:
    """Which note this one corrects (« 2026-014 » and its digest), why, and each figure before and after."""

    number: str
    sha256: str
    reason: str
    changes: tuple[FigureChange, ...]


@dataclass(frozen=True, slots=True)
class NoteContent:
    """A note as it was frozen. `as_of` is a day (2021-05-15), `known_at` and `frozen_at` instants in UTC (…Z).

    `strands` and `networks` are the scope; `all_networks` says that nobody chose among networks. `text` is the author's
    own, in Markdown. `made_by` is a function or a role, never a person's name. `compared` is the earlier day that it is
    compared with ('' for none), and `comparisons` are the two days side by side. `curve` has the
    joinings of all networks. `reached` says whom campaigns reached, with proof, `effects` what draws of departures
    showed; `changed`, why its figures differ from those of the last note; `counting`, by which definitions. Older notes
    have none of these and no `prose`.
    """

    ministry: str
    programme_code: str
    programme: str
    title: str
    question: str
    as_of: str
    known_at: str
    frozen_at: str
    strands: tuple[NoteStrand, ...]
    networks: tuple[NoteNetwork, ...]
    all_networks: bool
    answers: tuple[StrandAnswer, ...]
    tables: tuple[NoteTable, ...]
    actions: tuple[NoteAction, ...]
    unknowns: tuple[str, ...]
    definitions: tuple[NoteDefinition, ...]
    sources: tuple[Source, ...]
    hand_figures: tuple[HandFigure, ...]
    text: str
    made_by: str
    correction: Correction | None = None
    prose: tuple[ProseAnswer, ...] = ()
    compared: str = ""
    comparisons: tuple[NoteTable, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    reached: tuple[NoteReach, ...] = ()
    effects: tuple[NoteEffect, ...] = ()
    changed: str = ""
    counting: int = 0

    @property
    def answer(self) -> str:
        """The answer alone, to be copied: its paragraphs with an empty line between two."""
        told = [paragraph for one in self.prose for paragraph in one.paragraphs]
        older = [one for said in self.answers for one in (said.sentence, *(each.sentence for each in said.networks))]
        return "\n\n".join([*(told or older), *([self.changed] if self.changed else [])])

    def figures(self) -> dict[str, Any]:
        """Everything that the note says except the author's text, of which it has the digest: what JSON can write."""
        stated = asdict(self)
        text = stated.pop("text")
        for name in OPTIONAL:
            if not stated[name]:
                stated.pop(name)
        return {"format": FORMAT, **stated, "text_sha256": hashlib.sha256(text.encode()).hexdigest()}

    def figures_json(self) -> bytes:
        """The figures in the one form that RFC 8785 gives them."""
        return rfc8785.dumps(self.figures())

    def sha256(self) -> str:
        """The note's digest, in hexadecimal: of `figures_json`."""
        return hashlib.sha256(self.figures_json()).hexdigest()


@dataclass(frozen=True, slots=True)
class NumberedNote:
    """An approved note: what its files are made of.

    `number` is « 2026-014 », `approved_at` an instant in UTC (2026-11-27T17:30:00Z), `approved_by` a function or a
    role. `previous_sha256` is the digest of the note numbered just before ('' for the first): notes form a chain.
    `address` is the whole address of its public page, which its QR code shows.
    """

    content: NoteContent
    number: str
    approved_at: str
    approved_by: str
    previous_sha256: str
    address: str

    def sealed(self) -> dict[str, str]:
        """What the signature is over, once written by RFC 8785: the digest, and what approval gave to it."""
        return {
            "number": self.number,
            "sha256": self.content.sha256(),
            "approved_at": self.approved_at,
            "approved_by": self.approved_by,
            "previous_sha256": self.previous_sha256,
        }

    def sealed_json(self) -> bytes:
        """`sealed` in its one form: the bytes that are signed."""
        return rfc8785.dumps(self.sealed())


def stamp(at: datetime) -> str:
    """An instant as notes write it, to the second, in UTC: 2026-11-27T17:30:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def public_address(service: str, number: str) -> str:
    """The whole address of a note's public page; `service` is the address that people open."""
    return f"{service}/n/{number}"


def read_figures(figures: dict[str, Any], text: str = "") -> NoteContent:
    """The content that `figures` came from. Raises KeyError or ValueError where they are no such figures."""
    if figures["format"] != FORMAT:
        raise ValueError("an unknown format of figures")
    return _reader().validate_python({**figures, "text": text})


@cache
def _reader() -> TypeAdapter[NoteContent]:
    return TypeAdapter(NoteContent)
