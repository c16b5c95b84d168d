"""Columns are recognised by their headers, wherever the header row stands."""

import pytest

from outreach.core.tables import Grid, Headers, Heading, MissingColumns, read_grid
from tests.core.tables.books import workbook

HEADERS = Headers(
    {
        "fase": Heading("fase", ("n fase po", "fase"), required=True),
        "address": Heading("adresse", ("courriel", "adresse"), required=True),
        "name": Heading("nom", ("contact",)),
    },
    ("zone",),
)
TITLED = (
    ["Adresses des PO"],
    [],
    ["au 30/06/2021", "", "v2"],
    ["N° FASE du PO", "Courriel", "Zone"],
    [9300, "a@b.be", "x"],
)


def read(content):
    grid = HEADERS.headed(read_grid(content))
    return grid, HEADERS.sheet(grid)


@pytest.mark.parametrize(
    "content",
    [
        workbook(*TITLED),
        "\n".join(";".join(map(str, row)) for row in TITLED).encode(),
        "Adresses des PO\r\n\r\nau 30/06/2021\r\nN° FASE du PO\tCourriel\tZone\r\n9300\ta@b.be\tx\r\n".encode("utf-16"),
    ],
    ids=["workbook", "csv", "tabs"],
)
def test_what_stands_above_the_header_is_left_out_and_said(content):
    grid, sheet = read(content)
    assert grid.label.endswith(f"en-tête à la ligne {grid.header_row}")
    assert sheet.columns == {"fase": "N° FASE du PO", "address": "Courriel"}
    (row,) = sheet.rows
    assert row.cells == {"fase": "9300", "address": "a@b.be"}
    assert row.number == grid.header_row + 1


def test_a_header_in_the_first_row_is_not_said():
    assert read(b"fase;adresse\n9300;a@b.be")[0].label.endswith("séparateur « ; »")


def test_a_row_of_values_is_never_taken_for_the_header():
    grid = HEADERS.headed(read_grid("Matricule;Boîte;Qui\n9300;a@b.be;Contact\n".encode()))
    assert grid.header == ["Matricule", "Boîte", "Qui"]


@pytest.mark.parametrize(
    ("header", "is_matchable"), [(["fase", "nom"], False), (["fase", "boîte"], True), (["a", "b"], True)]
)
def test_missing_columns_may_be_among_the_unknown_ones(header, is_matchable):
    with pytest.raises(MissingColumns) as raised:
        HEADERS.sheet(Grid("", header, []))
    assert raised.value.is_matchable is is_matchable


def test_a_person_may_say_what_columns_mean():
    records = [(2, ["9300", "Rue Haute 1", "a@b.be"])]
    sheet = HEADERS.sheet(Grid("", ["Matricule", "Adresse", "Boîte"], records, fields=("fase", "", "address")))
    assert sheet.set_aside == ("Adresse",)
    (row,) = sheet.rows
    assert row.cells == {"fase": "9300", "address": "a@b.be"}


def test_a_header_in_the_plural_is_recognised_unless_another_column_is_that_one():
    assert HEADERS.named(["Contacts", "Courriels des PO", "N° FASE des POs"]) == ["name", None, "fase"]
    assert HEADERS.named(["Adresses", "Courriel"]) == [None, "address"]
    assert HEADERS.named(["Adresses", "Courriels"]) == ["address", None]
    assert HEADERS.named(["Zones"]) == [None]
