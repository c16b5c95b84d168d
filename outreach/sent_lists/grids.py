"""The cells of a list as they were sent: read from the file once, kept as JSON, read back row by row."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from outreach.errors import InputError
from outreach.sent_lists.models import SentList
from outreach.spreadsheets.headers import NO_ROW, Headers, MissingColumns
from outreach.spreadsheets.tables import Grid, file_grid, is_csv, read_grid
from outreach.spreadsheets.understanding import may_hold, understood

RECORDS = '"records": ['
MOST_SHEETS = 20  # of a workbook that are looked at for one that has the columns
NO_RECORDS = f"{RECORDS}]}}"
NOTHING_SAID: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was read: the digest of its bytes, and its grid as JSON.

    A CSV that a command reads is held by nobody: `cells` reads it anew each time, and `grid` has its header alone.
    """

    sha256: str
    grid: str
    cells: Grid | None = None


def opened_file(path: Path, headers: Headers, said: Mapping[str, str] = NOTHING_SAID) -> Opened:
    """Read a file of this machine, as `opened` does; a CSV may be larger than pages take.

    `said` is what a person says that columns hold, by their titles. Raises InputError where it has no such column.
    """
    if not is_csv(path):
        return opened(path.read_bytes(), headers, said)
    grid = headers.titled(headers.headed(file_grid(path)), said)
    _has_columns(headers, grid)
    if not next(iter(grid.records), None):
        raise InputError(NO_ROW)
    with path.open("rb") as file:
        return Opened(hashlib.file_digest(file, "sha256").hexdigest(), kept(grid, ()), grid)


def opened(content: bytes, headers: Headers, said: Mapping[str, str] = NOTHING_SAID) -> Opened:
    """Read a file. A workbook may take seconds, so no transaction should be open.

    What stands above its header is left out. Of a workbook it is the first sheet that has the columns. Raises
    InputError when it cannot be read, has no row, or lacks a column that none of its unknown ones may be.
    """
    grid = _table_of(content, headers, said)
    stored = kept(grid, grid.records)
    if stored.endswith(NO_RECORDS):
        raise InputError(NO_ROW)
    return Opened(hashlib.sha256(content).hexdigest(), stored)


def _table_of(content: bytes, headers: Headers, said: Mapping[str, str]) -> Grid:
    """The first sheet of a file that has each column, else the first whose columns a person could tell."""
    found: Grid | None = None
    fault: InputError | None = None
    sheet: int | None = 0
    while sheet is not None and sheet < MOST_SHEETS:
        try:
            read = read_grid(content, sheet=sheet)
        except InputError as unreadable:
            fault = fault or unreadable
            break
        sheet = read.next_sheet
        try:
            grid = headers.titled(headers.headed(read), said)
            if _has_columns(headers, grid):
                return grid
            found = found or grid
        except InputError as lacking:
            fault = fault or lacking
    if found is None:
        raise fault or InputError(NO_ROW)
    return found


def _has_columns(headers: Headers, grid: Grid) -> bool:
    """Whether a grid has each column, or seems to; False where a person could tell which ones they are.

    Raises MissingColumns.
    """
    try:
        headers.sheet(understood(headers, grid, {}).grid)
    except MissingColumns as missing:
        if may_hold(headers, grid, missing.fields):
            return True
        if not missing.is_matchable:
            raise
        return False
    return True


def kept(grid: Grid, records: Iterable[tuple[int, list[str]]]) -> str:
    """The JSON of a grid with these records, as `grid_of` reads it. Records are taken one by one: all may be 100 MB."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    named = {"label": grid.label, "header": grid.header, "fields": [*grid.fields]}
    head = f"{encode(named)[:-1]}, "
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
    return Grid(read["label"], read["header"], _KeptRecords(sent.grid, start), fields=read.get("fields", ()))
