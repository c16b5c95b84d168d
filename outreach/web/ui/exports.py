"""Tables as answers of pages, to be saved as XLSX or CSV; those too large for a page are offered as a job."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from tempfile import SpooledTemporaryFile

from flask import Response, make_response, render_template, request
from flask_login import current_user

from outreach.access import scopes
from outreach.access.scopes import AccessScope
from outreach.core.tables import Cell, Origin, Table, column_letter, csv_bytes, with_column, write_csv, write_xlsx, xlsx
from outreach.core.text import french
from outreach.core.text.errors import TookTooLong
from outreach.web.ui import programme
from outreach.web.ui.request import counted, end_reading, inert, job, now

__all__ = ["Cell", "Table", "column_letter", "csv_bytes", "download", "form", "with_column", "xlsx"]  # both halves

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
PROGRAMME = ("Programme", "Code du programme")  # headers of the columns that say which, where several are loaded
NETWORK = ("Réseau", "Réseau au registre")  # headers of the two cells of a network: its name, then the register's value
MOST_ROWS = 20_000  # of a file that a page makes: some seconds
TOLD_EVERY = 500  # rows
IN_MEMORY = 1_000_000  # bytes of a file; beyond that it is on the disk


class _TooManyRows(Exception):
    """A table has more rows than a page may write."""


def download(
    table: Table,
    kind: str,
    name: str,
    *more: Table,
    whole: bool = False,
    campaign: str = "",
    is_of_all: bool = False,
) -> Response:
    """A response that saves a table as `xlsx` (with more sheets) or `csv`, in which no link of a letter works.

    The name says the day and who asked; a workbook says so inside, with the `campaign` that it is about. With `whole` a
    CSV has the other tables, too, each under an empty line; otherwise the first only. What takes too long for a page is
    offered as a job, by a page that asks.

    What a scope reads counts its members alone: file, sheets and rows say so, unless the table `is_of_all`. Where
    several programmes are loaded, so they say of which the request is.
    """
    scope = None if is_of_all else counted()
    origin = origin_of(campaign, scope)
    tables = [table, *more]
    if origin.programme:
        tables = [of_programme(one, origin.programme, origin.code) for one in tables]
    if scope:
        tables = [_named(one, scope) for one in tables]
    try:
        return _response(tables, kind, name + origin.suffix(), whole=whole, origin=origin)
    except (_TooManyRows, TookTooLong):
        end_reading()
        of = request.full_path.rstrip("?")
        return make_response(render_template("pages/jobs/offer.html", title=table.name, of=of))


def origin_of(campaign: str, scope: AccessScope | None) -> Origin:
    """Where a file of this request comes from, and what it is about."""
    about = {"programme": programme.name(), "code": programme.code()}
    return Origin(
        now(), current_user.name, campaign, scopes.authorities_in_words(scope), scope.code if scope else "", **about
    )


def form(table: Table, kind: str, name: str) -> Response:
    """A response that saves a table which is filled in or corrected, then sent back: nothing is added to it."""
    return _response((table,), kind, name)


def of_programme(table: Table, name: str, code: str) -> Table:
    """The table with the name and the code of the programme that it is about, unless it says so itself."""
    for header, said in zip(PROGRAMME, (name, code), strict=True):
        table = table if header in table.headers else with_column(table, header, said)
    return table


def _named(table: Table, scope: AccessScope) -> Table:
    """The table with whose members alone it counts: in its name, and in a last column."""
    label = french.initial(scope.kind.label)
    header = f"{label} du compte" if label in table.headers else label
    return with_column(replace(table, name=f"{table.name}, {scope.code}"), header, scope.code)


def _response(
    tables: Sequence[Table], kind: str, name: str, *, whole: bool = False, origin: Origin | None = None
) -> Response:
    written = [_written(table) for table in tables]
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - it is read as the answer leaves
    if kind == "csv":
        write_csv(file, written if whole else written[:1])
    else:
        write_xlsx(file, written, origin)
    size = file.tell()
    file.seek(0)
    contents = iter(lambda: file.read(IN_MEMORY), b"")
    return sending(contents, CSV if kind == "csv" else XLSX, f"{name}.{kind}", size)


def attachment(content: bytes, mimetype: str, name: str) -> Response:
    """A response that saves these bytes under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, content_type=mimetype, headers=headers)


def sending(contents: Iterable[bytes], mimetype: str, name: str, size: int) -> Response:
    """A response that saves so many bytes under a name, and never holds them all."""
    response = attachment(b"", mimetype, name)
    response.response, response.content_length, response.direct_passthrough = contents, size, True
    return response


def _written(table: Table) -> Table:
    """The table as staff may have it: no link of a letter works in it. Its rows are counted as they are written."""
    return replace(table, rows=_counted(map(_unlinked, table.rows)))


def _unlinked(row: Sequence[Cell]) -> Sequence[Cell]:
    return [inert(cell) if isinstance(cell, str) else cell for cell in row]


def _counted(rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    work = job()
    for number, row in enumerate(rows, 1):
        if work and number % TOLD_EVERY == 0:
            work.progress(number)
        if not work and number > MOST_ROWS:
            raise _TooManyRows
        yield row
