"""A workbook is read as a spreadsheet shows it, and one that could do harm is refused."""

import io
import socket
import threading
from datetime import date

import pytest
import xlsxwriter

from outreach.core.sandbox import workbook as workbook_module
from outreach.core.tables import Headers, Heading, read_grid
from outreach.core.text.errors import InputError
from tests.core.tables.books import BOMB, PAGE, book_of, changed, ods, packed, repeated, workbook

HEADER = ["fase", "volet", "date"]


def test_a_workbook_is_read_with_its_dates_and_its_own_row_numbers():
    grid = read_grid(workbook(HEADER, [80001, 1, date(2021, 5, 10)], [], [80002, "Volet 1", 44326], [80003, 1.5]))
    assert grid.header == HEADER
    assert list(grid.records) == [
        (2, ["80001", "1", "2021-05-10"]), (4, ["80002", "Volet 1", "44326"]), (5, ["80003", "1.5"]),
    ]  # fmt: skip


def test_a_table_may_stand_anywhere_on_the_sheet():
    grid = read_grid(workbook([], [], ["", "", *HEADER], ["", "", 80001, 1, "10/05/2021"]))
    assert grid.header == ["", "", *HEADER]
    assert list(grid.records) == [(4, ["", "", "80001", "1", "10/05/2021"])]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: packed(xl__sharedStrings=b"a" * 61_000_000), "plus de 60 Mo"),
        (lambda: packed(**{"xl__vbaProject.bin": b"macro"}), "macro"),
        (lambda: packed(x=b"rien"), "abîmé"),
        (lambda: workbook(["a"] * 250), "200 colonnes"),
        (lambda: workbook(HEADER, [*[""] * 5_000, "loin"]), "200 colonnes"),
        (lambda: changed(workbook(["a"], ["b"]), PAGE, lambda text: text.replace('"A2"', '"XFD900000"')), "trop grand"),
        (workbook, "vide"),
        (lambda: workbook([" "], [""]), "vide"),
        (
            lambda: changed(
                workbook(["a"]), "xl/sharedStrings.xml", lambda text: BOMB + text.replace("<t>a", "<t>&h;")
            ),
            "abîmé",
        ),
    ],
    ids=["bomb", "macro", "not-a-workbook", "too-wide", "far-cell", "farther", "empty", "spaces", "entities"],
)
def test_a_workbook_that_could_do_harm_is_refused(made, words):
    with pytest.raises(InputError, match=words):
        read_grid(made())


@pytest.mark.long
def test_a_workbook_that_lies_about_its_size_is_refused():
    honest = packed(x=b"\0" * 70_000_000)
    lying = honest.replace((70_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(InputError, match="abîmé"):
        read_grid(lying)


@pytest.mark.long
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (repeated("a" * 9_000, 48_000), "plus de 6 millions de caractères"),
        (repeated("a", 600_048), "plus de 600\u202f000 cellules"),
    ],
    ids=["characters", "cells"],
)
def test_what_a_workbook_repeats_is_counted_before_it_is_handed_over(content, words):
    assert len(content) < 108_000
    with pytest.raises(InputError, match=words):
        workbook_module.read_workbook(content)


def test_a_workbook_within_the_limits_is_read_to_its_last_cell():
    rows = workbook_module.read_workbook(repeated("é" * 100, 48_000)).rows
    assert len(rows) == 1_001
    assert rows[-1] == ["é" * 100] * 48


@pytest.mark.parametrize("made", [book_of, ods])
def test_the_first_sheet_that_has_cells_is_read_and_the_others_are_named(made):
    grid = read_grid(made({"Une": [], "Deux": [HEADER, [80001.0, 1, ""]], "Trois": [["a"], ["b"]], "Quatre": []}))
    assert (grid.header, list(grid.records), grid.next_sheet) == (HEADER, [(2, ["80001", "1"])], 2)
    assert grid.label == "classeur, feuille « Deux », sans lire « Une », « Trois » et « Quatre »"
    following = read_grid(made({"Une": [["a"]], "Deux": [], "Trois": [["b"]]}), sheet=1)
    assert (following.header, following.next_sheet) == (["b"], None)


def test_of_many_sheets_the_first_are_named():
    label = read_grid(book_of({f"F{number}": [["a"]] for number in range(9)})).label
    assert label.endswith("« F4 », « F5 » et 3 autres")


def test_a_hidden_sheet_is_read_only_where_all_are():
    kept = {"Choix": [["oui"], ["non"]], "Liste": [HEADER]}
    assert read_grid(book_of(kept, hidden=["Choix"])).label == "classeur"
    assert read_grid(book_of(kept, hidden=["Choix"])).header == HEADER


def test_a_formula_without_a_value_is_seen_on_any_sheet():
    content = changed(
        book_of({"Une": [], "Deux": [HEADER, [80001, "=1+1", "x"]]}),
        "xl/worksheets/sheet2.xml",
        lambda text: text.replace("</f><v>0</v>", "</f>"),
    )
    assert [*read_grid(content).records] == [(2, ["80001", workbook_module.NO_VALUE, "x"])]


@pytest.mark.long
def test_a_damaged_workbook_is_read_or_refused():
    good = workbook(HEADER, [80001, 1, date(2021, 5, 10)])
    for place in range(60, len(good) - 60, 197):
        damaged = good[:place] + b"\xff\x00\xff" + good[place + 3 :]
        try:
            read_grid(damaged)
        except InputError:
            continue


def test_a_cell_a_million_rows_below_is_not_waited_for():
    content = changed(
        workbook(HEADER, [80001, 1, "10/05/2021"], ["loin"]),
        PAGE,
        lambda text: text.replace('<row r="3"', '<row r="1048576"').replace('r="A3"', 'r="A1048576"'),
    )
    assert list(read_grid(content).records) == [(2, ["80001", "1", "10/05/2021"])]


def test_a_workbook_has_its_time_and_no_more(monkeypatch):
    monkeypatch.setattr(workbook_module, "SECONDS", 0.001)
    with pytest.raises(InputError, match="n’a pas pu être lu en"):
        read_grid(workbook(["a"]))


def test_so_many_workbooks_are_read_at_once_and_the_next_one_waits_for_its_turn(monkeypatch):
    monkeypatch.setattr(workbook_module, "STAFF", threading.BoundedSemaphore(1))
    with workbook_module.STAFF, monkeypatch.context() as soon:
        soon.setattr(workbook_module, "SECONDS", 0.001)
        with pytest.raises(InputError, match="réessayez dans quelques secondes"):
            read_grid(workbook(["a"]))
    for _ in range(2):
        with pytest.raises(InputError, match="abîmé"):
            read_grid(packed(x=b"rien"))
    assert read_grid(workbook(["a"])).header == ["a"]


def test_nothing_that_a_workbook_names_is_fetched():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer) as book:
            page = book.add_worksheet()
            page.write_row(0, 0, ["source", "motif"])
            page.write_formula(1, 0, f"='{address}[x.xlsx]A'!A1", value="source")
            page.write_url(1, 1, address, string="motif")
        assert list(read_grid(buffer.getvalue()).records) == [(2, ["source", "motif"])]
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize("written", ["", "<v></v>", "<v/>", "<v />"])
def test_a_formula_that_nobody_computed_is_a_fault_of_its_row(written):
    content = changed(
        workbook(HEADER, [80001, "=1+1", "=CONCAT(A1)"], ["=1+1"], [80002, 1, "10/05/2021"]),
        PAGE,
        lambda text: text.replace("</f><v>0</v>", f"</f>{written}"),
    )
    rows = list(Headers({name: Heading(name) for name in HEADER}).sheet(read_grid(content)).rows)
    assert [(row.number, "sans valeur" in row.fault) for row in rows] == [(2, True), (3, True), (4, False)]


def test_a_formula_that_says_nothing_has_a_value():
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["fase", "motif"])
        page.write(1, 0, 80001)
        page.write_formula(1, 1, '=""', value="rien")
        book.add_worksheet().write_formula(0, 0, "=1+1", value="")
    content = changed(buffer.getvalue(), PAGE, lambda text: text.replace("<v>rien</v>", "<v></v>"))
    assert list(read_grid(content).records) == [(2, ["80001"])]
