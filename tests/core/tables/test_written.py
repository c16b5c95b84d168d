import io
from datetime import UTC, datetime

import pytest
from python_calamine import CalamineWorkbook

from outreach.core.tables import Origin, Table, csv_bytes, xlsx

CELLS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "http://x.be", "007", "éà"]


def test_no_cell_of_a_workbook_is_a_formula_a_link_or_a_number():
    content = xlsx(Table("Essai", ["A"], [[cell] for cell in CELLS]))
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert [row[0].strip() for row in rows[1:]] == [cell.strip() for cell in CELLS]


@pytest.mark.parametrize("cell", CELLS[:6])
def test_a_cell_that_would_start_a_formula_gets_an_apostrophe(cell):
    assert f"'{cell}" in csv_bytes(Table("Essai", ["A"], [[cell]])).decode()


def test_a_header_starts_no_formula_either():
    assert csv_bytes(Table("Essai", ["=HYPERLINK(1)"], [])).decode("utf-8-sig") == "'=HYPERLINK(1)\r\n"


def test_numbers_stay_numbers():
    assert csv_bytes(Table("Essai", ["A", "B"], [[-3, None]])).decode("utf-8-sig") == "A;B\r\n-3;\r\n"


def test_a_workbook_says_when_by_whom_and_of_which_campaign_it_was_made():
    origin = Origin(datetime(2021, 5, 15, 22, 30, tzinfo=UTC), "Zoé d’Hôte", "Invitation")
    book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx(Table("Liste", ["A"], [["1"]]), origin=origin)))
    assert book.get_sheet_by_name("À propos").to_python()[1:] == [
        ["Tableau", "Liste"],
        ["Campagne", "Invitation"],
        ["Établi", "le 16 mai 2021 à 0 h 30, heure de Bruxelles"],
        ["Par", "Zoé d’Hôte"],
        ["Service", "Fédération Wallonie-Bruxelles – Sensibilisation"],
    ]
    assert origin.suffix() == "_2021-05-16_zoe-dhote"
