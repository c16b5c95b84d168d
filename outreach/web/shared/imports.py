"""The pages of every list sent as a file: sending it, seeing what it would change, applying it, undoing it.

A kind of list has a form, two templates (`pages/sent_lists.html` and `pages/sent_list.html` say what they fill in) and
the words of its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.core import tables
from outreach.core.db import Session, time_limit
from outreach.core.tables import (
    ERROR,
    Grid,
    Headers,
    ListJudgement,
    ListKind,
    ListState,
    MissingColumns,
    Opened,
    Plan,
    Rejection,
    Sent,
    cell_of,
    grid_of,
)
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import RoleName
from outreach.web.shared.jobs import later
from outreach.web.ui import exports
from outreach.web.ui.fields import posted
from outreach.web.ui.forms import UploadForm
from outreach.web.ui.request import actor, database, finishing, job, needs, now, reading, tell

BIGGEST_UPLOAD = 16_000_000
SHOWN_LINES = 20
MOST_AT_ONCE = 10_200_000  # characters of the cells of a list that a page applies: thrice those of the register


class ImportFault(InputError):
    """A sentence about one field of a form, by its name."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(said)
        self.field = field


class ListPages(ABC, Generic[Sent, Plan]):
    """The pages of one kind of list.

    `place` is where its upload page stands, and `each` what comes before the number of a list. `templates` is the
    folder of its `lists.html` and `list.html`, `rejects` the name of the file of rejected rows, `undone` what is said
    of an undone list, `called` what such a list is called. `readers` may see the lists; only authors send, apply and
    undo them. `blamed` is the field at fault where a list is not admitted.
    """

    place: str
    each = ""
    templates: str
    rejects: str
    undone: str
    called: str
    sample = exports.Table("Exemple", (), ())
    readers = RoleName.AUTHOR
    blamed = "file"

    @abstractmethod
    def kind(self) -> ListKind[Sent, Plan]:
        """The kind of list, as this request judges it."""

    def opened(self, content: bytes) -> Opened:
        """Read a file. Raises InputError."""
        return tables.open_import(content, self.kind().headers)

    @abstractmethod
    def done(self, received: Sent, plan: Plan) -> str:
        """What is said of a list that was applied."""

    def form(self) -> UploadForm:
        """The form of a file to send."""
        return UploadForm()

    def facts(self, session: Session, form: UploadForm, sent: Opened) -> Mapping[str, Any]:
        """What else a form, or the file itself, says of a list. Raises InputError, Refused and NotFound."""
        return {}

    def before(self, session: Session) -> Mapping[str, Any]:
        """What else the page shows on which a file is sent."""
        return {"recent": tables.recent_imports(session, self.kind().table)}

    def shown(self, session: Session, received: Sent, plan: Plan | None) -> Mapping[str, Any]:
        """What else the page of a list shows; `plan` is what it would do, None once it is applied."""
        return {}

    def put(self, pages: Blueprint) -> None:
        """Put the pages into a blueprint."""
        one, author, reader = f"{self.place}{self.each}/<number:list_id>", RoleName.AUTHOR, self.readers
        for rule, view, role, method in (
            (self.place, self.index, reader, "GET"),
            (self.place, self.receive, author, "POST"),
            (f"{self.place}/example.csv", self.example, RoleName.READER, "GET"),
            (one, self.shown_list, reader, "GET"),
            (f"{one}/rejected.<any(xlsx, csv):kind>", self.rejected, author, "GET"),
            (f"{one}/columns", self.columns, author, "GET"),
            (f"{one}/columns", self.match, author, "POST"),
            (f"{one}/application", self.apply, author, "POST"),
            (f"{one}/withdrawal", self.undoing, author, "GET"),
            (f"{one}/withdrawal", self.undo, author, "POST"),
        ):
            if view != self.example or self.sample.rows:
                pages.add_url_rule(rule, view.__name__, needs(role)(view), methods=[method])

    def index(self) -> str:
        """The page on which a file is sent, and the last lists."""
        with reading() as session:
            return self._upload_page(session, self.form())

    def receive(self) -> Redirect | tuple[str, int]:
        """Keep a file that can be read, and lead to what it would change."""
        form = self.form()
        if form.validate_on_submit() and (sent := form.opened(self.opened)) is not None:
            kind = self.kind()
            try:
                with reading() as session:
                    facts = self.facts(session, form, sent)
                with database().writing() as session:
                    received = tables.receive_import(session, kind, sent, now=now(), actor=actor(), **facts)
                    return redirect(url_for(".shown_list", list_id=received.id))
            except (InputError, Refused) as error:
                form[error.field if isinstance(error, ImportFault) else self.blamed].errors = [str(error)]
        with reading() as session:
            return self._upload_page(session, form), 422

    def example(self) -> Response:
        """A file that can be sent."""
        return exports.form(self.sample, "csv", f"exemple-{self.rejects}")

    def shown_list(self, list_id: int) -> str | Redirect:
        """What a list would change, or did. A person is asked first what its columns mean, where one is missing."""
        with reading() as session:
            received = tables.list_by_id(session, self.kind().table, list_id)
            try:
                judged = self._judged(session, received)
            except MissingColumns:
                return redirect(url_for(".columns", list_id=list_id))
            return self._list_page(session, received, judged)

    def columns(self, list_id: int) -> str:
        """What each column of a file is taken for, to be said otherwise."""
        kind = self.kind()
        with reading() as session:
            received = self._waiting(session, list_id)
            grid = tables.columns_of(session, kind, received).grid
        return self._columns_page(list_id, grid)

    def match(self, list_id: int) -> Redirect | tuple[str, int]:
        """Remember what a person says of the columns, for this file and those with the same header."""
        kind = self.kind()
        with reading() as session:
            received = self._waiting(session, list_id)
            grid = tables.columns_of(session, kind, received).grid
        said = columns_said(kind.headers, grid)
        try:
            kind.headers.sheet(said)
        except InputError as error:
            return self._columns_page(list_id, said, str(error)), 422
        with database().writing() as session:
            tables.remember_columns(session, kind.lock, said, now=now(), actor=actor())
        return redirect(url_for(".shown_list", list_id=list_id))

    def _waiting(self, session: Session, list_id: int) -> Sent:
        """A list that waits. Raises Refused when it was applied."""
        received = tables.list_by_id(session, self.kind().table, list_id)
        tables.refuse_applied(received)
        return received

    def _columns_page(self, list_id: int, grid: Grid, fault: str = "") -> str:
        told = columns_asked(self.kind().headers, grid)
        return render_template("pages/sent_list_columns.html", list_id=list_id, told=told, fault=fault)

    def rejected(self, list_id: int, kind: str) -> Response:
        """The rejected rows, to be corrected and sent again."""
        with reading() as session:
            received = tables.list_by_id(session, self.kind().table, list_id)
            judged = self._judged(session, received)
            left = _left(received, judged)
            if left is None:
                raise NotFound("Ces lignes sont effacées : elles sont gardées trente jours.")
            table = rejected_table(self.kind().headers, left, _rejections(received, judged))
        return exports.form(table, kind, f"{self.rejects}-{list_id}")

    def apply(self, list_id: int) -> Redirect:
        """Do what the page has shown; when it would be something else by now, refuse. A large list is a job."""
        with reading() as session:
            is_large = tables.size_of_cells(session, self.kind().table, list_id) > MOST_AT_ONCE
        if is_large and not job():
            return later(f"Appliquer {self.called}", url_for(".shown_list", list_id=list_id))
        kind, seen = self.kind(), posted("version")
        with time_limit.lifted(), database().reading() as session:
            judged = tables.judge_import(session, kind, tables.list_by_id(session, kind.table, list_id))
        with finishing() as session:
            received = tables.list_by_id(session, kind.table, list_id)
            plan = tables.apply_import(session, kind, received, judged, now=now(), actor=actor(), seen=seen)
            tell(self.done(received, plan))
        return redirect(url_for(".shown_list", list_id=list_id))

    def undoing(self, list_id: int) -> str | Redirect:
        """What undoing the last list applied takes back, to be confirmed."""
        with reading() as session:
            received = tables.list_by_id(session, self.kind().table, list_id)
            if not self._is_latest(session, received):
                return redirect(url_for(".shown_list", list_id=list_id))
            return self._list_page(session, received, None, asks=True)

    def undo(self, list_id: int) -> Redirect:
        """Undo the last list applied."""
        kind = self.kind()
        with database().writing() as session:
            tables.undo_import(session, kind, now=now(), actor=actor(), list_id=list_id)
        flash(self.undone, "success")
        return redirect(url_for(".shown_list", list_id=list_id))

    def _judged(self, session: Session, received: Sent) -> ListJudgement[Plan] | None:
        waits = received.state is ListState.RECEIVED
        return tables.judge_import(session, self.kind(), received) if waits else None

    def _is_latest(self, session: Session, received: Sent) -> bool:
        last = tables.last_applied(session, self.kind().table)
        return last is not None and last.id == received.id

    def _list_page(
        self, session: Session, received: Sent, judged: ListJudgement[Plan] | None, *, asks: bool = False
    ) -> str:
        return render_template(
            f"{self.templates}/list.html",
            received=received,
            plan=judged.plan if judged else None,
            rejections=_rejections(received, judged),
            letters=letters(_left(received, judged)),
            summary=received.summary,
            shown=SHOWN_LINES,
            latest=self._is_latest(session, received),
            asks=asks,
            **self.shown(session, received, judged.plan if judged else None),
        )

    def _upload_page(self, session: Session, form: UploadForm) -> str:
        fields = {"form": form, **self.before(session)}
        return render_template(f"{self.templates}/lists.html", **fields)


def columns_asked(headers: Headers, grid: Grid) -> dict[str, Sequence[object]]:
    """What a page shows that asks what each column of a file is: the columns, with what each is taken for."""
    first = next(iter(grid.records), (0, []))[1]
    chosen = [word or "" for word in grid.fields or headers.named(grid.header)]
    required = [word for word, field in headers.fields.items() if field.required]
    return {
        "columns": [(name, cell_of(first, place)) for place, name in enumerate(grid.header)],
        "chosen": chosen,
        "offered": [
            (word, f"{field.said} (requise)" if field.required else field.said)
            for word, field in headers.fields.items()
        ],
        "missing": [headers.fields[word].said for word in required if word not in chosen],
    }


def columns_said(headers: Headers, grid: Grid) -> Grid:
    """A grid with the fields that this request's form gives to its columns."""
    words = [posted(f"column-{place}") for place in range(len(grid.header))]
    return replace(grid, fields=[word if word in headers.fields else "" for word in words])


def letters(grid: Grid | None) -> dict[str, str]:
    """The spreadsheet letter of each column, by its header, so that pages can name a cell "B17"."""
    return {name.strip(): exports.column_letter(place) for place, name in enumerate(grid.header if grid else ())}


def rejected_table(headers: Headers, grid: Grid, rejections: Sequence[Rejection]) -> exports.Table:
    """The rejected rows as they were sent, with what is wrong in a last column, to be corrected and sent again.

    Its header says what each column was taken for, so that it needs nobody to be understood when it comes back; the
    errors of an earlier such file leave their place to these.
    """
    errors = {rejection.row: rejection for rejection in rejections}
    faulty = [(errors[number], cells) for number, cells in grid.records if number in errors]
    header = headers.titles(grid)
    kept = [place for place, name in enumerate(header) if name != ERROR]
    kept += range(len(header), max((len(cells) for _, cells in faulty), default=0))
    rows = [[*(cell_of(cells, place) for place in kept), _told(rejection)] for rejection, cells in faulty]
    return exports.Table("Lignes rejetées", [*(cell_of(header, place) for place in kept), ERROR], rows)


def _left(received: Sent, judged: ListJudgement[Plan] | None) -> Grid | None:
    """The cells of the rows left out; None once they are erased."""
    if judged:
        return judged.left
    return grid_of(received) if received.grid else None


def _rejections(received: Sent, judged: ListJudgement[Plan] | None) -> Sequence[Rejection]:
    return judged.plan.left_out if judged else received.rejected


def _told(rejection: Rejection) -> str:
    return f"{rejection.column} : {rejection.message}" if rejection.column else rejection.message
