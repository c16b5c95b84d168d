"""Lists that people send: read once, their columns understood, compared, applied, undone; the same for every kind.

What a kind of list compares and writes is its own: a `ListKind`. Judging may take seconds, so it comes before
the transaction that applies the list, and that transaction compares nothing.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Index, String, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core import audit
from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.tables._headers import ERROR, NO_ROW, TOLD, Headers, MissingColumns, normalise_header
from outreach.core.tables._reading import Grid, GridRow, Rejection, RowFault, file_grid, is_csv, read_grid
from outreach.core.tables._understanding import Holds, Understood, may_hold, understand_columns
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import all_of, initial
from outreach.core.text.labelled import Labelled


class ListState(Labelled):
    """Whether a list is received, applied or undone."""

    RECEIVED = "received", "À vérifier"
    APPLIED = "applied", "Appliquée"
    UNDONE = "undone", "Annulée"


class FileImport:
    """The columns of a list that somebody sent; `grid` is its cells, `outcome` the summary of applying it (both JSON).

    `grid` may hold megabytes: it is read only where it is asked for. Once the list is applied, the cells of the rows
    that it left out are all that stays.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[ListState] = mapped_column(enum_of(ListState, "list_state"), default=ListState.RECEIVED)
    sha256: Mapped[str] = mapped_column(String(64))
    grid: Mapped[str] = mapped_column(Text, deferred=True)
    outcome: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(index=True)
    received_by: Mapped[str] = mapped_column(String(255))
    applied_at: Mapped[datetime | None]
    applied_by: Mapped[str | None] = mapped_column(String(255))
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(255))

    @property
    def summary(self) -> dict[str, Any]:
        """The summary that was stored when the list was applied; empty before."""
        summary: dict[str, Any] = json.loads(self.outcome or "{}")
        return summary

    @property
    def rejected(self) -> list[Rejection]:
        """The rows that were left out when the list was applied; none before."""
        return [Rejection(**rejection) for rejection in self.summary.get("rejected", ())]


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
    """Read a file of this machine, as `open_import` does; a CSV may be larger than pages take.

    `said` is what a person says that columns hold, by their titles. Raises InputError where it has no such column.
    """
    if not is_csv(path):
        return open_import(path.read_bytes(), headers, said)
    grid = headers.titled(headers.headed(file_grid(path)), said)
    _has_columns(headers, grid)
    if not next(iter(grid.records), None):
        raise InputError(NO_ROW)
    with path.open("rb") as file:
        return Opened(hashlib.file_digest(file, "sha256").hexdigest(), grid_as_json(grid, ()), grid)


def open_import(content: bytes, headers: Headers, said: Mapping[str, str] = NOTHING_SAID) -> Opened:
    """Read a file. A workbook may take seconds, so no transaction should be open.

    What stands above its header is left out. Of a workbook it is the first sheet that has the columns. Raises
    InputError when it cannot be read, has no row, or lacks a column that none of its unknown ones may be.
    """
    grid = _table_of(content, headers, said)
    stored = grid_as_json(grid, grid.records)
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
        headers.sheet(understand_columns(headers, grid, {}).grid)
    except MissingColumns as missing:
        if may_hold(headers, grid, missing.fields):
            return True
        if not missing.is_matchable:
            raise
        return False
    return True


def grid_as_json(grid: Grid, records: Iterable[tuple[int, list[str]]]) -> str:
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


def grid_of(sent: FileImport | Opened) -> Grid:
    """The cells of a list as they were sent. Reading them may cost a tenth of a second: ask once a page."""
    start = sent.grid.index(RECORDS) + len(RECORDS)  # no cell contains this: in JSON its quotes are escaped
    read = json.loads(f"{sent.grid[:start]}]}}")
    return Grid(read["label"], read["header"], _KeptRecords(sent.grid, start), fields=read.get("fields", ()))


class ColumnMatching(Base):
    """The fields that a person gave to the columns of a header (JSON, by place), for a kind of list. The last counts.

    `header` is the digest of the header as `normalise_header` spells it. Personal data: it names a colleague.
    """

    __tablename__ = "column_matchings"
    __table_args__ = (Index("ix_column_matchings_kind_header", "kind", "header"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    header: Mapped[str] = mapped_column(String(64))
    fields: Mapped[str] = mapped_column(Text)
    matched_at: Mapped[datetime] = mapped_column(index=True)
    matched_by: Mapped[str] = mapped_column(String(255))


def matched(session: Session, kind: str, grid: Grid) -> Grid:
    """A grid with the fields that a person gave to its columns, or to those of such a header, if anybody did."""
    if grid.fields:
        return grid
    same = ColumnMatching.kind == kind, ColumnMatching.header == digest(grid.header)
    query = select(ColumnMatching.fields).where(*same).order_by(ColumnMatching.id.desc()).limit(1)
    if not (said := session.scalar(query)):
        return grid
    fields = json.loads(said)
    return replace(grid, fields=[*fields, *[""] * (len(grid.header) - len(fields))])


def remember_columns(session: Session, kind: str, grid: Grid, *, now: datetime, actor: str) -> None:
    """Remember the fields that a person gave to the columns of a grid."""
    values = {"header": digest(grid.header), "fields": json.dumps(grid.fields), "matched_at": now, "matched_by": actor}
    session.add(ColumnMatching(kind=kind, **values))


def digest(header: Sequence[str]) -> str:
    """What tells a header from others: its columns in their order, whatever their accents and case.

    That of a file of rejected rows is that of the file whose rows they were.
    """
    names = [normalise_header(told[1] if (told := TOLD.fullmatch(name.strip())) else name) for name in header]
    return hashlib.sha256("\n".join(names[:-1] if names[-1:] == [ERROR] else names).encode()).hexdigest()


MOST_NOTED = 200  # mended cells of a list that are shown one by one; the others are counted


@dataclass(frozen=True, slots=True)
class ChosenColumn:
    """The columns that were read for a field which several hold; `others` were not, and `rule` says why."""

    field: str
    said: str
    columns: tuple[str, ...]
    others: tuple[str, ...]
    rule: str = ""

    @property
    def message(self) -> str:
        """Which are read, by what rule, and what to do where another is meant."""
        is_one, rule = len(self.columns) == 1, f" {self.rule}." if self.rule and self.others else ""
        read = (
            f"la colonne {_named(self.columns)} est lue" if is_one else f"les colonnes {_named(self.columns)} sont lues"
        )
        more = "" if is_one else ", plusieurs sur une ligne comme plusieurs dans une cellule"
        are = "n’est pas lue" if len(self.others) == 1 else "ne sont pas lues"
        left = f" ; {_named(self.others)} {are}" if self.others else ""
        return f"{initial(self.said)} : {read}{more}{left}.{rule} Pour lire autrement, dites ce que sont les colonnes."

    def as_json(self) -> dict[str, object]:
        """The choice as JSON, under fixed names."""
        first, *further = self.columns
        fields = {"field": self.field, "column": first, "further": further, "others": [*self.others]}
        return {**fields, "message": self.message}


def _named(titles: Sequence[str]) -> str:
    return all_of([f"« {title} »" for title in titles])


@dataclass(slots=True, kw_only=True)
class ListReading:
    """How the file of a list was read (`label`), its columns, and its rejected rows.

    `columns_told` are the titles of those that are read, with what each holds where its title says something else.
    `set_aside_columns` are known and not read. `chosen` says which of several columns were read. `lines_aside` are the
    lines that are no rows. `mended` says of the first cells that were mended how they are read.
    """

    label: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    columns_told: Sequence[str] = ()
    set_aside_columns: tuple[str, ...] = ()
    unknown_columns: tuple[str, ...] = ()
    chosen: tuple[ChosenColumn, ...] = ()
    rejected: list[Rejection] = field(default_factory=list)
    mended: list[Rejection] = field(default_factory=list)
    mended_count: int = 0
    lines_aside: list[Rejection] = field(default_factory=list)

    def read(
        self,
        grid: Grid,
        headers: Headers,
        take: Callable[[GridRow], None],
        doubt: Callable[[GridRow], None] | None = None,
    ) -> None:
        """Take row after row. One of which `take` raises RowFault is rejected, and told to `doubt`."""
        sheet = headers.sheet(grid)
        self.label, self.columns = grid.label, sheet.columns
        self.columns_told = [
            title if headers.named([title]) == [word] else f"{title} ({headers.fields[word].said})"
            for word, titles in sheet.titles.items()
            for title in titles
        ]
        self.set_aside_columns, self.unknown_columns = sheet.set_aside, sheet.unknown
        self.chosen = tuple(
            ChosenColumn(word, headers.fields[word].said, tuple(titles), tuple(others), headers.fields[word].rule)
            for word, titles in sheet.titles.items()
            if (others := grid.passed_over.get(word, ())) or len(titles) > 1
        )
        for row in sheet.rows:
            if row.is_note:
                said = RowFault("", f"« {row.cells['']} »").message
                self.lines_aside.append(Rejection(row.number, "", said))
                continue
            self._note(row)
            fault = RowFault("", row.fault) if row.fault else None
            try:
                if not fault:
                    take(row)
            except RowFault as raised:
                fault = raised
            if fault:
                self.reject(row.number, fault)
            if fault and doubt:
                doubt(row)

    def _note(self, row: GridRow) -> None:
        self.mended_count += len(row.before)
        for word, cell in row.before.items():
            if len(self.mended) < MOST_NOTED:
                text = row.cells[word]
                said = f"« {cell} » est lu « {text} »." if text else f"« {cell} » est laissé de côté."
                said = said if cell else f"Vide, lu « {text} » comme au-dessus."
                self.mended.append(Rejection(row.number, self.columns[word], RowFault(word, said).message))

    def reject(self, number: int, fault: RowFault) -> None:
        """Reject a row."""
        self.rejected.append(Rejection(number, self.columns.get(fault.column, ""), fault.message, fault.column))


@dataclass(slots=True, kw_only=True)
class ImportPreview(ListReading, ABC):
    """What a list would do. `waiting` is what a person has not confirmed: nothing is done for it."""

    waiting: Sequence[object] = ()

    @property
    def left_out(self) -> Sequence[Rejection]:
        """The rows that applying it leaves out, each with a sentence."""
        return self.rejected

    @property
    @abstractmethod
    def nothing(self) -> str:
        """Why there is nothing to apply, in French; '' when there is something."""

    @property
    @abstractmethod
    def version(self) -> str:
        """A few signs: equal for plans that would do the same."""

    @abstractmethod
    def summary(self) -> Mapping[str, object]:
        """The counts and the rejected rows, as commands print them with `--json`."""

    def outcome(self) -> Mapping[str, object]:
        """What is stored with the applied list: counts, and the rows left out as `rejected`."""
        return self.summary()


def nothing_new(unchanged: int) -> str:
    """Why a list changes nothing, in French, where it states so much that is known."""
    why = "la liste ne dit rien de nouveau" if unchanged else "aucune ligne ne peut être lue"
    return f"Rien à enregistrer : {why}."


CHANGED = "Ce qui est connu a changé entre-temps : regardez à nouveau ce que la liste changerait."


Sent = TypeVar("Sent", bound=FileImport)
Plan = TypeVar("Plan", bound=ImportPreview)


@dataclass(frozen=True, slots=True)
class ListJudgement(Generic[Plan]):
    """What a list would do, and what that stands on: when the latter is the same, so is the former.

    `left` are the cells of the rows left out: all that is kept of what was sent once the list is applied.
    """

    plan: Plan
    basis: object
    left: Grid


class ListKind(ABC, Generic[Sent, Plan]):
    """A kind of list: its table, its columns, its name in locks, and before the number of a list in the audit.

    `unknown` says, in French, that there is none to undo.
    """

    table: type[Sent]
    headers: Headers
    lock: str
    about: str
    unknown: str

    def hold(self, session: Session) -> None:
        """Wait until nobody else writes what this kind of list writes."""
        take_lock(session, self.lock)

    def admit(self, session: Session, received: Sent) -> None:
        """Raise Refused when a list cannot even be looked at."""

    def known(self, session: Session) -> Holds:
        """What the database knows that cells hold, by field."""
        del session
        return {}

    @abstractmethod
    def basis(self, session: Session, received: Sent) -> object:
        """What a comparison depends on, in a few figures."""

    @abstractmethod
    def plan(self, session: Session, received: Sent, grid: Grid) -> Plan:
        """Compare the cells of a list with what is known; writes nothing."""

    @abstractmethod
    def write(self, session: Session, received: Sent, plan: Plan, *, now: datetime, actor: str) -> str:
        """Do what a list does; returns the sentence of the audit."""

    @abstractmethod
    def restore(self, session: Session, received: Sent, *, now: datetime, actor: str) -> str:
        """Give back what was before an applied list; returns the sentence of the audit. Raises Refused."""


def receive_import(
    session: Session, kind: ListKind[Sent, Plan], sent: Opened, *, now: datetime, actor: str, **facts: Any
) -> Sent:
    """Store a list to be checked. `facts` are what else its table holds, by attribute.

    The same file sent twice by one person within a minute is one list. Raises Refused when the kind does not admit it.
    """
    take_lock(session, kind.lock)
    table, waits = kind.table, kind.table.state == ListState.RECEIVED
    same = select(table).where(waits, table.received_at > now - timedelta(minutes=1))
    same = same.filter_by(sha256=sent.sha256, received_by=actor)
    last = session.scalar(same.order_by(table.id.desc()).limit(1))
    if last is not None and all(getattr(last, name) == value for name, value in facts.items()):
        return last
    received = draft_import(kind, sent, received_at=now, received_by=actor, **facts)
    kind.admit(session, received)
    session.add(received)
    session.flush()
    return received


def draft_import(kind: ListKind[Sent, Plan], sent: Opened, **facts: Any) -> Sent:
    """A list that is not stored, to be judged."""
    made: Callable[..., Sent] = kind.table
    return made(state=ListState.RECEIVED, sha256=sent.sha256, grid=sent.grid, outcome="", **facts)


def judge_import(
    session: Session, kind: ListKind[Sent, Plan], received: Sent, cells: Grid | None = None
) -> ListJudgement[Plan]:
    """Compare a list with what is known; `cells` are its own, where they are not kept with it.

    Raises Refused when it was applied or undone already.

    Raises MissingColumns when a person has to say what its columns mean.
    """
    refuse_applied(received)
    basis = kind.basis(session, received)
    grid = columns_of(session, kind, received, cells).sure(kind.headers)
    plan = kind.plan(session, received, grid)
    rows = {rejection.row for rejection in plan.left_out}
    left = [record for record in grid.records if record[0] in rows] if rows else []
    return ListJudgement(plan, basis, replace(grid, records=left))


def columns_of(session: Session, kind: ListKind[Sent, Plan], received: Sent, cells: Grid | None = None) -> Understood:
    """The cells of a list by what they mean: as a person said of such a header, else by its titles and its cells."""
    grid = matched(session, kind.lock, cells or grid_of(received))
    return understand_columns(kind.headers, grid, kind.known(session))


def apply_import(
    session: Session,
    kind: ListKind[Sent, Plan],
    received: Sent,
    judged: ListJudgement[Plan],
    *,
    now: datetime,
    actor: str,
    seen: str | None = None,
) -> Plan:
    """Do what a list was judged to do; of its cells, only those of the rows left out stay.

    Raises Refused when it was applied or undone already, when nothing in it changes anything, or when it would no
    longer do what was judged, or what was `seen` by the person who confirms it.
    """
    kind.hold(session)
    session.refresh(received)
    refuse_applied(received)
    plan = judged.plan
    if judged.basis != kind.basis(session, received) or seen not in {None, plan.version}:
        raise Refused(CHANGED)
    if plan.nothing:
        raise Refused(plan.nothing)
    told = kind.write(session, received, plan, now=now, actor=actor)
    received.state, received.applied_at, received.applied_by = ListState.APPLIED, now, actor
    received.outcome = json.dumps(plan.outcome(), ensure_ascii=False)
    received.grid = grid_as_json(judged.left, judged.left.records)
    audit.record_entry(session, now, actor, told, f"{kind.about}:{received.id}")
    return plan


def take_over(
    session: Session, kind: ListKind[Sent, Plan], sent: Opened, *, now: datetime, actor: str, **facts: Any
) -> Plan:
    """Receive, judge and apply a list at once, where nobody has to see it before. Raises Refused as these do."""
    received = receive_import(session, kind, sent, now=now, actor=actor, **facts)
    return apply_import(session, kind, received, judge_import(session, kind, received), now=now, actor=actor)


def undo_import(
    session: Session, kind: ListKind[Sent, Plan], *, now: datetime, actor: str, list_id: int | None = None
) -> Sent:
    """Undo the last list applied.

    Raises NotFound when there is none, and Refused when `list_id` names an older one, or something stands on it.
    """
    kind.hold(session)
    last = last_applied(session, kind.table)
    if last is None:
        raise NotFound(kind.unknown)
    if list_id is not None and list_id != last.id:
        raise Refused("Seule la dernière liste appliquée peut être annulée.")
    told = kind.restore(session, last, now=now, actor=actor)
    last.state, last.undone_at, last.undone_by = ListState.UNDONE, now, actor
    audit.record_entry(session, now, actor, told, f"{kind.about}:{last.id}")
    return last


def refuse_applied(received: FileImport) -> None:
    """Raise Refused when a list was applied or undone already."""
    if received.state is not ListState.RECEIVED:
        raise Refused(f"Cette liste est déjà {received.state.label.lower()}.")


def last_applied(session: Session, table: type[Sent]) -> Sent | None:
    """The list of a table that was applied last and not undone."""
    query = select(table).where(table.state == ListState.APPLIED)
    return session.scalar(query.order_by(table.applied_at.desc(), table.id.desc()).limit(1))


def list_by_id(session: Session, table: type[Sent], list_id: int) -> Sent:
    """The list of a table with this key. Raises NotFound."""
    received = session.get(table, list_id)
    if received is None:
        raise NotFound("Cette liste n’existe pas, ou n’est plus gardée.")
    return received


def size_of_cells(session: Session, table: type[Sent], list_id: int) -> int:
    """How many characters the cells of a list take, without reading them."""
    return session.scalar(select(func.length(table.grid)).where(table.id == list_id)) or 0


def recent_imports(session: Session, table: type[Sent]) -> Sequence[Sent]:
    """The last lists of a table that were received, newest first."""
    return session.scalars(select(table).order_by(table.received_at.desc(), table.id.desc()).limit(10)).all()
