import io
import zipfile
from dataclasses import replace

import pytest
from docx import Document
from docx.oxml.ns import qn
from python_calamine import CalamineWorkbook

from outreach.reports.files import CellGrid, public_outline
from outreach.reports.files._document import zone_map
from outreach.reports.files._docx import WIDE, _add_table, _hyphenable
from outreach.reports.files._outline import outline
from outreach.reports.files._rendering import data_file
from outreach.reports.files._tables import tables_of
from outreach.reports.notes import NoteColumn, TableKind
from tests.reports.notes.contents import ZONES, numbered, zones

OWN_WORDS = ("reçu", "set text")  # of the author's text


def test_the_same_note_gives_the_same_bytes_of_json(files, full_note, signature):
    assert data_file(full_note, signature) == files["json"]


def test_a_word_document_says_what_was_typed_as_it_was_typed(files):
    word = Document(io.BytesIO(files["docx"]))
    text = "\n".join(paragraph.text for paragraph in word.paragraphs)
    assert "Bilan & <suite> #1 $x$" in text
    assert "Le plan est bien reçu & <b>1 < 2</b> #set text(red) $x$ lien (https://a.example/x)." in text
    assert "Au 15\u00a0mai\u00a02021, 15 des 153 écoles secondaires (9,8\u00a0%) ont adhéré." in text


def test_emphasis_lists_and_links_of_the_text_are_kept_in_a_word_document(files):
    word = Document(io.BytesIO(files["docx"]))
    runs = [run for paragraph in word.paragraphs for run in paragraph.runs]
    assert any((run.text, run.bold) == ("plan", True) for run in runs)
    assert any((run.text, run.italic) == ("bien", True) for run in runs)
    styles = {paragraph.text: paragraph.style.name for paragraph in word.paragraphs}
    assert (styles["un"], styles["premier"], styles["cité"]) == ("List Bullet", "List Number", "Quote")
    assert styles["Un titre"] == "Heading 2"


def test_a_word_document_has_its_language_headings_and_heading_rows(files):
    word = Document(io.BytesIO(files["docx"]))
    with zipfile.ZipFile(io.BytesIO(files["docx"])) as packed:
        assert b'w:lang w:val="fr-BE"' in packed.read("word/styles.xml")
        assert packed.read("word/document.xml").count(b"<w:tblHeader/>") == len(word.tables)
        assert "Code QR vers la page publique" in packed.read("word/document.xml").decode()
    headings = [paragraph.text for paragraph in word.paragraphs if paragraph.style.name == "Heading 1"]
    assert headings[:3] == ["Cette note corrige la note 2021-001", "Question", "Réponse"]


def test_every_table_of_a_word_document_is_that_of_the_note(files, full_note, signature):
    word = Document(io.BytesIO(files["docx"]))
    shown = [block for section in outline(full_note, signature).sections for block in section.blocks]
    grids = [block for block in shown if isinstance(block, CellGrid)]
    written = [[[cell.text for cell in row.cells] for row in table.rows] for table in word.tables]
    plain = [[[text.replace("\u00ad", "") for text in line] for line in (grid.headings, *grid.rows)] for grid in grids]
    assert written == plain


@pytest.mark.parametrize("columns", [WIDE, WIDE + 1])
def test_the_narrow_columns_of_a_wide_table_are_left_to_their_words(columns):
    """« déclarée » broke after « déclaré » where margins took a third of its column."""
    word, line = Document(), ("x",) * columns
    _add_table(word, CellGrid("Volet 1", line, (True,) * columns, (line,)))
    sides = word.tables[0]._tbl.tblPr.findall(f"{qn('w:tblCellMar')}/*")
    assert [int(side.get(qn("w:w"))) < 50 for side in sides] == [True, True] * (columns > WIDE)


def test_a_soft_hyphen_is_an_element_in_word_which_would_show_the_character():
    run = _hyphenable(Document().add_paragraph(), "Écoles concer\u00adnées")
    assert run._r.xml.count("<w:softHyphen/>") == 1
    assert ("\u00ad" in run._r.xml, "concer</w:t>" in run._r.xml) == (False, True)


def test_a_workbook_has_a_sheet_a_table_and_the_definitions(files):
    book = CalamineWorkbook.from_filelike(io.BytesIO(files["xlsx"]))
    assert {"À propos", "Volet 1, par réseau", "Volet 1, par zone", "Définitions"} <= set(book.sheet_names)
    rows = book.get_sheet_by_name("Volet 1, par réseau").to_python()
    assert rows[0] == ["Réseau", "PO", "Écoles", "Ont adhéré", "Part"]
    assert rows[1][:4] == ["WBE", 1, 147, 14]


@pytest.mark.parametrize("kind", ["json", "xlsx"])
def test_no_file_of_figures_has_the_text_of_the_author(files, kind):
    content = files[kind]
    if kind != "json":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            content = b"".join(map(packed.read, packed.namelist()))
    assert not any(word in content.decode() for word in OWN_WORDS)


def test_the_public_page_leaves_out_the_text_and_what_is_given_by_hand(full_note):
    told = repr(public_outline(full_note))
    assert not any(word in told for word in OWN_WORDS)
    assert "100\u202f000" not in told
    assert "100 000" not in told


def test_the_map_has_a_tile_for_each_zone_and_says_its_counts_in_words():
    drawn = zone_map(zones())
    assert drawn.svg.count('stroke="#767884"') == len(ZONES) == 10
    for place, zone in enumerate(ZONES):
        assert f"{zone} {place} sur 20" in drawn.alternative
    assert "schématique" in drawn.caption


def test_a_table_by_network_has_no_map():
    assert zone_map(numbered().content.tables[0]) is None


def test_a_state_that_no_school_is_in_is_named_under_its_table_and_stays_in_the_files_of_figures():
    columns = (
        *zones().columns[:3],
        NoteColumn("joined", "Ont adhéré"),
        NoteColumn("declined", "Refus"),
        NoteColumn("none", "Rien"),
    )
    table = replace(
        zones(), kind=TableKind.PROVINCE, columns=columns, rows=(("Namur", 1, 2, 0, 0, 2),), has_total=False
    )
    note = numbered(replace(numbered().content, tables=(table,)))
    grid, said = next(section for section in public_outline(note).sections if section.heading == "Chiffres").blocks
    assert grid.headings == ("Zone", "PO", "Écoles", "Ont adhéré", "Rien")
    assert grid.rows == (("Namur", "1", "2", "0", "2"),)
    assert said.pieces[0].text == "Aucune école dans ces états\u00a0: refus."
    assert next(sheet.rows for sheet in tables_of(note) if sheet.name == table.title) == (("Namur", 1, 2, 0, 0, 2),)
