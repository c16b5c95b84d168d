"""Lists that somebody sends as a file: read once, kept to be checked, applied, undone.

What each kind of list says and does is its own (`adherence.joining_lists`, `contact_lists`). What they share is here.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Session, enum_of
from outreach.errors import InputError, NotFound, Refused
from outreach.spreadsheets.tables import Grid, Sheet, read_grid

RECORDS = '"records": ['
NO_RECORDS = f"{RECORDS}]}}"


class ListState(StrEnum):
    """Whether a list is received, applied or undone."""

    RECEIVED = "received"
    APPLIED = "applied"
    UNDONE = "undone"

    @property
    def label(self) -> str:
        """The French label."""
        return {"received": "À vérifier", "applied": "Appliquée", "undone": "Annulée"}[self.value]


class SentList:
    """The columns of a list that somebody sent; `grid` is its cells, `outcome` the summary of applying it (both JSON).

    `grid` may hold megabytes: it is read only where it is asked for.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[ListState] = mapped_column(enum_of(ListState, "list_state"), default=ListState.RECEIVED)
    sha256: Mapped[str] = mapped_column(String(64))
    grid: Mapped[str] = mapped_column(Text, deferred=True)
    outcome: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
    received_by: Mapped[str] = mapped_column(String(255))
    applied_at: Mapped[datetime | None]
    applied_by: Mapped[str | None] = mapped_column(String(255))
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(255))


Kind = TypeVar("Kind", bound=SentList)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was read: the digest of its bytes, and its grid as JSON."""

    sha256: str
    grid: str


def opened(content: bytes, sheet_of: Callable[[Grid], Sheet]) -> Opened:
    """Read a file. A workbook may take seconds, so no transaction should be open.

    `sheet_of` gives its columns their meaning. Raises InputError when it cannot be read, lacks a column or has no row.
    """
    grid = read_grid(content)
    sheet_of(grid)
    stored = kept(grid, grid.records)
    if stored.endswith(NO_RECORDS):
        raise InputError("Le fichier n’a qu’un en-tête : aucune ligne à lire.")
    return Opened(hashlib.sha256(content).hexdigest(), stored)


def kept(grid: Grid, records: Iterable[tuple[int, list[str]]]) -> str:
    """The JSON of a grid with these records, as `grid_of` reads it. Records are taken one by one: all may be 100 MB."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    head = f'{{"label": {encode(grid.label)}, "header": {encode(grid.header)}, '
    return f"{head}{RECORDS}{', '.join(map(encode, records))}]}}"


class _KeptRecords:
    """The records in the JSON of a grid, read one by one each time they are asked for."""

    def __init__(self, stored: str, start: int) -> None:
        self.stored, self.start = stored, start

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        decode, at = json.JSONDecoder().raw_decode, self.start
        while self.stored[at] != "]":
            (number, cells), at = decode(self.stored, at)
            yield number, cells
            at += 2 * (self.stored[at] == ",")


def grid_of(sent: SentList | Opened) -> Grid:
    """The cells of a list as they were sent. Reading them may cost a tenth of a second: ask once a page."""
    start = sent.grid.index(RECORDS) + len(RECORDS)  # no cell contains this: in JSON its quotes are escaped
    read = json.loads(f"{sent.grid[:start]}]}}")
    return Grid(read["label"], read["header"], _KeptRecords(sent.grid, start))


def sent_before(
    session: Session, kind: type[Kind], sent: Opened, *same: ColumnElement[bool], now: datetime, actor: str
) -> Kind | None:
    """The list that the same person made of the same file within the last minute, if it still waits; `same` says more
    of what makes it the same."""
    query = select(kind).where(
        kind.sha256 == sent.sha256,
        kind.received_by == actor,
        kind.state == ListState.RECEIVED,
        kind.received_at > now - timedelta(minutes=1),
        *same,
    )
    return session.scalar(query.order_by(kind.id.desc()).limit(1))


def refuse_applied(received: SentList) -> None:
    """Raise Refused when a list was applied or undone already."""
    if received.state is not ListState.RECEIVED:
        raise Refused(f"Cette liste est déjà {received.state.label.lower()}.")


def mark_applied(received: SentList, summary: Mapping[str, object], *, now: datetime, actor: str) -> None:
    """Note that a list is applied, and with what outcome."""
    received.state, received.applied_at, received.applied_by = ListState.APPLIED, now, actor
    received.outcome = json.dumps(summary, ensure_ascii=False)


def mark_undone(received: SentList, *, now: datetime, actor: str) -> None:
    """Note that a list is undone."""
    received.state, received.undone_at, received.undone_by = ListState.UNDONE, now, actor


def last_applied(session: Session, kind: type[Kind]) -> Kind | None:
    """The list of this kind that was applied last and not undone."""
    query = select(kind).where(kind.state == ListState.APPLIED)
    return session.scalar(query.order_by(kind.applied_at.desc(), kind.id.desc()).limit(1))


def to_undo(session: Session, kind: type[Kind], list_id: int | None, none: str) -> Kind:
    """The last list applied, to be undone. Raises NotFound, with the sentence `none`, when there is none, and Refused
    when `list_id` names an older one."""
    last = last_applied(session, kind)
    if last is None:
        raise NotFound(none)
    if list_id is not None and list_id != last.id:
        raise Refused("Seule la dernière liste appliquée peut être annulée.")
    return last


def is_last_applied(session: Session, received: SentList) -> bool:
    """Whether this list is the one of its kind that would be undone."""
    last = last_applied(session, type(received))
    return last is not None and last.id == received.id


def list_by_id(session: Session, kind: type[Kind], list_id: int) -> Kind:
    """The list of this kind with this key. Raises NotFound."""
    received = session.get(kind, list_id)
    if received is None:
        raise NotFound("Cette liste n’existe pas.")
    return received


def recent(session: Session, kind: type[Kind]) -> Sequence[Kind]:
    """The last lists of this kind that were received, newest first."""
    return session.scalars(select(kind).order_by(kind.id.desc()).limit(10)).all()


def summary_of(received: SentList) -> dict[str, Any]:
    """The summary of a list, as stored when it was applied; empty before."""
    summary: dict[str, Any] = json.loads(received.outcome or "{}")
    return summary
