"""A table is recognised by its bytes, its columns get their meaning, and each fault is located."""

import time

import pytest

from outreach.core.settings import ROOT
from outreach.core.tables import Headers, Heading, RowFault, read_grid
from outreach.core.tables._reading import file_grid, is_csv
from outreach.core.text.errors import InputError
from tests.core.tables.books import workbook

REQUIRED = {"fase": "fase", "strand": "volet", "status": "statut"}
HEADERS = Headers({word: Heading(usual, required=True) for word, usual in REQUIRED.items()})


def rows(content):
    """The rows of a file that has these columns."""
    return list(HEADERS.sheet(HEADERS.headed(read_grid(content))).rows)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "vide"),
        (b"%PDF-1.7", "ni un CSV"),
        (b"\xd0\xcf\x11\xe0", "ni un CSV"),
        (b"PK\x03\x04 pas un classeur", "abîmé"),
    ],
)
def test_a_file_that_is_no_table_is_refused(content, words):
    with pytest.raises(InputError, match=words):
        read_grid(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"fase;volet;date\r\n1;1;1", "Colonnes manquantes : statut. Colonnes inconnues : date\\.$"),
        (b"fase;fase;volet;statut;date\r\n", "figure deux fois"),
        (b"fase;" + b"x" * 100_000, f"Colonnes inconnues : {'x' * 60}\\.$"),
        (b"fase;volet;statut", "qu’un en-tête"),
        (workbook(["fase", "volet", "statut"]), "qu’un en-tête"),
    ],
    ids=["missing", "twice", "long", "header-only", "header-only-workbook"],  # a workbook holds the time it was made at
)
def test_a_table_without_its_columns_or_without_a_row_is_refused(content, words):
    with pytest.raises(InputError, match=words):
        rows(content)


def test_columns_are_read_in_any_order_and_rows_keep_their_numbers():
    first, second = rows(b"statut;autre;volet;fase\r\noui;x;1;80001\r\n\r\nnon;y;2;80002;;")
    assert (first.number, first.cells) == (2, {"status": "oui", "strand": "1", "fase": "80001"})
    assert (second.number, second.cells["fase"], second.fault) == (4, "80002", "")


def test_a_row_that_cannot_be_read_says_why_and_leaves_the_others():
    wide, control, sound = rows(b"fase;volet;statut\r\n1;1;1;trop\r\n2;2;a\x00b\r\n3;3;3")
    assert (wide.fault, sound.fault) == ("La ligne a 4 cellules pour 3 colonnes.", "")
    assert "Caractère interdit" in control.fault


def test_the_cells_of_a_csv_are_counted():
    few, many = (b"fase;volet;statut\n" + (b"1" + b";1" * 149 + b"\n") * rows for rows in (9_332, 9_334))
    assert sum(1 for _ in read_grid(few).records) == 9_332
    with pytest.raises(InputError, match="plus de 1\u202f400\u202f000 cellules"):
        list(read_grid(many).records)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("« court » seul.", "« court » seul."),
        ("« {long} » seul.", "« {cut}… » seul."),
        ("« {long} » puis « {long} ».", "« {cut}… » puis « {cut}… »."),
        ("« court » est lu « aussi court, et le dernier des deux à la fin ».",) * 2,
        ("« court » est lu « {long} ».", "« court » est lu « {cut}… »."),
        ("« a » {long}{long}{long} »", "« a » {long}{long}" + "x" * 94 + "…"),
        ("« {long}", "« {long}"),
        ("Rien.", "Rien."),
    ],
)
def test_a_fault_quotes_the_beginning_of_a_long_cell(message, said):
    long = "x" * 200
    assert RowFault("", message.format(long=long)).message == said.format(long=long, cut=long[:60])


@pytest.mark.deep
def test_a_cell_full_of_quotation_marks_takes_no_time():
    def taken():
        before = time.process_time()
        RowFault("", "Le statut « {} » est inconnu.".format("« " * 5_000))
        RowFault("", "« " * 5_000)
        return time.process_time() - before

    assert min(taken() for _ in range(3)) < 0.05, "without what else the process did meanwhile"


@pytest.fixture
def file(tmp_path):
    def written(content):
        (tmp_path / "list.csv").write_bytes(content)
        return tmp_path / "list.csv"

    return written


@pytest.mark.parametrize(
    "content",
    [
        '\ufeffFASE;Nom\r\n1;École\r\n\r\n2;"deux\nlignes"\r3;x'.encode(),
        "FASE\tNom\n1\tÉcole\n".encode("cp1252"),
        b"\n\nUn titre\nFASE,Nom\n1,x\n",
    ],
)
def test_a_file_is_read_line_by_line_as_its_bytes_are_each_time(content, file):
    path = file(content)
    at_once, streamed = read_grid(content), file_grid(path)
    assert is_csv(path)
    assert (streamed.label, streamed.header) == (at_once.label, at_once.header)
    assert list(streamed.records) == list(streamed.records) == list(at_once.records)


@pytest.mark.parametrize(
    ("content", "words"), [(b"\n \n", "vide"), (b"\x00\x01", "illisible"), (b"x" * 9_000_000, "illisible")]
)
def test_a_file_that_is_no_list_is_refused_line_by_line(content, words, file):
    with pytest.raises(InputError, match=words):
        file_grid(file(content))


def test_a_file_of_another_kind_is_not_read_line_by_line(file):
    assert not is_csv(file("FASE;Nom".encode("utf-16")))
    assert not is_csv(file(b"PK\x03\x04"))


@pytest.mark.long
def test_nobody_is_told_to_cut_a_list_which_would_close_what_it_no_longer_names(file):
    """A file may have more rows than a page takes, and what a page does not take is said with the command that does."""
    content = b"fase\n" + b"1\n" * 100_001
    with pytest.raises(InputError, match=r"100\u202f000 lignes. N’en retirez rien : .* ./run"):
        list(read_grid(content).records)
    assert sum(1 for _ in file_grid(file(content)).records) == 100_001
    lines = [path.read_text() for path in (ROOT / "outreach").rglob("*.py")]
    assert not [text for text in lines if "découpez" in text]
