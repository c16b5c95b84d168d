import io
import itertools
import socket
import zipfile
from datetime import date, timedelta

import pytest
import xlsxwriter

from outreach.adherence import lists, programmes, situation
from outreach.adherence.models import Status
from outreach.adherence.situation import Bucket
from outreach.errors import InputError, NotFound, Refused
from outreach.spreadsheets import workbook as workbook_module
from tests.conftest import STORY_DAY

HEADER = "fase;volet;statut;date;source;motif"


def sheet(*lines, header=HEADER):
    return "\r\n".join([header, *lines]).encode()


@pytest.fixture
def session(sample_database):
    with sample_database.writing() as opened:
        yield opened


@pytest.fixture
def receive(session, now):
    def call(content, at=now, actor="nadia"):
        return lists.receive(session, lists.opened(content), programmes.the_programme(session), now=at, actor=actor)

    return call


@pytest.fixture
def plan(session, receive):
    return lambda *lines, header=HEADER: lists.plan(session, receive(sheet(*lines, header=header)), STORY_DAY)


@pytest.fixture
def silent(session):
    """The numbers of secondary schools without any record on the first strand."""
    programme = programmes.the_programme(session)
    found = situation.schools(session, programme, STORY_DAY, situation.Selection(1, Bucket.NONE), 20, 0)
    return [row.School.fase for row in found]


def joined(session, day=STORY_DAY, strand=1):
    return situation.situation(session, programmes.the_programme(session), day).total.strands[strand][Bucket.JOINED]


def test_a_list_is_applied_and_taken_back(session, receive, silent, now):
    received = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;Formulaire;", f"{silent[1]};1;adhéré;11/05/2021;;"))
    assert joined(session) == 48, "a list that was received changes nothing"
    applied = lists.apply(session, received, now=now, today=STORY_DAY, actor="nadia")
    assert len(applied.changes) == 2
    assert joined(session) == 50
    assert joined(session, date(2021, 5, 10)) == joined(session, date(2021, 5, 9)) + 1
    lists.undo(session, now=now, actor="nadia")
    assert joined(session) == 48


def test_a_figure_before_an_import_stays_what_it_was(session, receive, silent, now):
    days = [date(2021, 2, 1), date(2021, 4, 30)]
    before = [joined(session, day) for day in days]
    received = receive(sheet(*(f"{fase};1;adhéré;03/05/2021;;" for fase in silent[:10])))
    lists.apply(session, received, now=now, today=STORY_DAY, actor="nadia")
    assert [joined(session, day) for day in days] == before
    assert joined(session) == 58


def test_the_same_list_twice_changes_nothing(session, receive, silent, now):
    content = sheet(f"{silent[0]};1;adhéré;10/05/2021;;")
    lists.apply(session, receive(content), now=now, today=STORY_DAY, actor="nadia")
    again = lists.plan(session, receive(content), STORY_DAY)
    assert (again.changes, again.unchanged) == ([], 1)


def test_the_same_file_sent_twice_in_a_minute_is_one_list(receive, silent):
    content = sheet(f"{silent[0]};1;adhéré;10/05/2021;;")
    assert receive(content).id == receive(content).id
    assert receive(content, actor="marc").id != receive(content).id


def test_a_list_is_applied_once(session, receive, silent, now):
    received = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;"))
    lists.apply(session, received, now=now, today=STORY_DAY, actor="nadia")
    with pytest.raises(Refused, match="déjà appliquée"):
        lists.apply(session, received, now=now, today=STORY_DAY, actor="nadia")


def test_only_the_last_list_is_undone(session, receive, silent, now):
    first = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;"))
    lists.apply(session, first, now=now, today=STORY_DAY, actor="nadia")
    second = receive(sheet(f"{silent[1]};1;adhéré;10/05/2021;;"))
    lists.apply(session, second, now=now, today=STORY_DAY, actor="nadia")
    with pytest.raises(Refused, match="dernière"):
        lists.undo(session, now=now, actor="nadia", list_id=first.id)
    for _ in range(3):
        lists.undo(session, now=now, actor="nadia")
    with pytest.raises(NotFound):
        lists.undo(session, now=now, actor="nadia")


def test_what_goes_back_in_time_is_told(session, receive, plan, silent, now):
    received = receive(sheet(f"{silent[0]};1;refus;10/05/2021;;"))
    lists.apply(session, received, now=now, today=STORY_DAY, actor="nadia")
    found = plan(f"{silent[0]};1;adhéré;01/03/2021;;")
    assert [line.row for line in found.back_in_time] == [2]
    assert found.changes[0].before is Status.NONE, "what was known of that day"


def test_a_missing_prerequisite_is_told_while_it_was_in_force(plan, silent):
    # Strand 2 required strand 1 from 15 January to 13 February 2021.
    found = plan(
        f"{silent[0]};2;adhéré;20/01/2021;;",
        f"{silent[1]};2;adhéré;20/03/2021;;",
        f"{silent[2]};1;adhéré;18/01/2021;;",
        f"{silent[2]};2;adhéré;20/01/2021;;",
    )
    assert [line.row for line in found.without_prerequisite] == [2]
    assert len(found.changes) == 4


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("99999;1;adhéré;10/05/2021;;", "fase", "« 99999 »"),
        (";1;adhéré;10/05/2021;;", "fase", "manque"),
        ("abc;1;adhéré;10/05/2021;;", "fase", "« abc »"),
        ("9" * 5_000 + ";1;adhéré;10/05/2021;;", "fase", f"« {'9' * 60}… »."),
        ("{0};1;" + "x" * 9_000 + ";10/05/2021;;", "statut", f"« {'x' * 60}… » est inconnu"),
        ("{0};1;adhéré;" + "1" * 9_000 + ";;", "date", f"« {'1' * 40} » n’est pas"),
        ("80500;1;adhéré;10/05/2021;;", "fase", "n’est pas ouverte au volet 1"),
        ("{0};3;adhéré;10/05/2021;;", "volet", "« 3 » n’existe pas (volets : 1, 2)"),
        ("{0};;adhéré;10/05/2021;;", "volet", "manque"),
        ("{0};1;peut-être;10/05/2021;;", "statut", "« peut-être » est inconnu"),
        ("{0};1;;10/05/2021;;", "statut", "manque"),
        ("{0};1;adhéré;31/06/2021;;", "date", "« 31/06/2021 »"),
        ("{0};1;adhéré;;;", "date", "manque"),
        ("{0};1;adhéré;16/05/2021;;", "date", "dans l’avenir"),
        ("{0};1;adhéré;10/05/2021;;x\x00y", "", "Caractère interdit"),
        ("{0};1;adhéré;10/05/2021;" + "s" * 201 + ";", "source", "trop long"),
        ("{0};1;adhéré;10/05/2021;;;trop", "", "7 cellules pour 6 colonnes"),
    ],
)
def test_a_faulty_row_names_its_cell_and_leaves_the_others(plan, silent, line, column, words):
    found = plan(f"{silent[1]};1;adhéré;10/05/2021;;", line.format(silent[0]))
    (rejection,) = found.rejected
    assert (rejection.row, rejection.column) == (3, column)
    assert words in rejection.message
    assert len(found.changes) == 1


def test_the_same_school_strand_and_day_twice_is_a_fault(plan, silent):
    found = plan(f"{silent[0]};1;adhéré;10/05/2021;;", f"{silent[0]};1;refus;10/05/2021;;")
    assert "la ligne 2" in found.rejected[0].message


@pytest.mark.parametrize("strand", ["1", "1.0", "Volet 1", "v1", "premier volet", "1er volet"])
@pytest.mark.parametrize("status", ["adhéré", "A ADHÉRÉ", "Adhere", "oui"])
def test_words_are_read_as_people_write_them(plan, silent, strand, status):
    found = plan(f"{silent[0]};{strand};{status};10/05/2021;;")
    assert [(line.strand_number, line.status) for line in found.changes] == [(1, Status.JOINED)]


@pytest.mark.parametrize(
    "header",
    ["N° FASE de l'établissement;Volet;État;Date d'adhésion;Origine;Remarque", " FASE ;VOLET;Statut;Date;erreur;motif"],
)
def test_other_headers_are_recognised(plan, silent, header):
    assert len(plan(f"{silent[0]};1;adhéré;10/05/2021;a;b", header=header).changes) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "vide"),
        (HEADER.encode(), "qu’un en-tête"),
        (b"fase;volet;date\r\n1;1;1", "Colonnes manquantes : statut"),
        (b"fase;fase;volet;statut;date\r\n", "figure deux fois"),
        (b"fase;" + b"x" * 100_000, f"Colonnes inconnues : {'x' * 60}\\.$"),
        (b"%PDF-1.7", "ni un CSV"),
        (b"\xd0\xcf\x11\xe0", "ni un CSV"),
        (b"PK\x03\x04 pas un classeur", "abîmé"),
    ],
)
def test_a_file_that_is_no_list_is_refused(content, words):
    with pytest.raises(InputError, match=words):
        lists.opened(content)


def workbook(*rows, formats=None):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet()
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for number, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                page.write(number, place, cell, day if isinstance(cell, date) else None)
    return buffer.getvalue()


def test_a_workbook_is_read_with_its_dates_and_its_own_row_numbers(session, receive, silent):
    content = workbook(
        HEADER.split(";"),
        [silent[0], 1, "adhéré", date(2021, 5, 10), "Formulaire", ""],
        [],
        [silent[1], "Volet 1", "adhéré", 44326, "", ""],
        [silent[2], 1, "adhéré", "demain", "", ""],
    )
    found = lists.plan(session, receive(content), STORY_DAY)
    assert [(line.row, line.day) for line in found.changes] == [(2, date(2021, 5, 10)), (4, date(2021, 5, 10))]
    assert [r.row for r in found.rejected] == [5]


def packed(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def changed(content, name, change):
    """A workbook with one of its members rewritten."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as read, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in read.namelist():
            text = read.read(member).decode()
            archive.writestr(member, change(text) if member == name else text)
    return buffer.getvalue()


PAGE = "xl/worksheets/sheet1.xml"
BOMB = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {after} '{f'&{before};' * 10}'>" for before, after in itertools.pairwise("abcdefgh"))
    + "]>"
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed(xl__sharedStrings=b"a" * 61_000_000), "plus de 60 Mo"),
        (packed(**{"xl__vbaProject.bin": b"macro"}), "macro"),
        (packed(x=b"rien"), "abîmé"),
        (workbook(["a"] * 250), "200 colonnes"),
        (workbook(HEADER.split(";"), [*[""] * 5_000, "loin"]), "200 colonnes"),
        (changed(workbook(["a"], ["b"]), PAGE, lambda text: text.replace('"A2"', '"XFD900000"')), "trop grand"),
        (workbook(), "vide"),
        (workbook([" "], [""]), "vide"),
        (workbook(HEADER.split(";")), "qu’un en-tête"),
        (changed(workbook(["a"]), "xl/sharedStrings.xml", lambda text: BOMB + text.replace("<t>a", "<t>&h;")), "abîmé"),
    ],
    ids=[
        "bomb",
        "macro",
        "not-a-workbook",
        "too-wide",
        "far-cell",
        "farther",
        "empty",
        "spaces",
        "header-only",
        "entities",
    ],  # the bytes hold the time they were packed at
)
def test_a_workbook_that_could_do_harm_is_refused(content, words):
    with pytest.raises(InputError, match=words):
        lists.opened(content)


def test_a_workbook_that_lies_about_its_size_is_refused(receive):
    honest = packed(x=b"\0" * 70_000_000)
    lying = honest.replace((70_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(InputError, match="abîmé"):
        receive(lying)


def test_a_damaged_workbook_is_refused(receive, silent):
    good = workbook(HEADER.split(";"), [silent[0], 1, "adhéré", date(2021, 5, 10), "", ""])
    for place in range(60, len(good) - 60, 97):
        damaged = good[:place] + b"\xff\x00\xff" + good[place + 3 :]
        try:
            receive(damaged)
        except InputError:
            continue


def test_a_cell_is_named_where_the_table_stands(receive, session, silent):
    shifted = [["", "", *cells] for cells in (HEADER.split(";"), [silent[0], 9, "adhéré", "10/05/2021", "", ""])]
    received = receive(workbook([], [], *shifted))
    assert lists.grid_of(received).header.index("volet") == 3
    assert lists.plan(session, received, STORY_DAY).rejected[0].row == 4


def test_a_correction_of_the_same_day_can_be_corrected_again(session, receive, silent, now):
    line = f"{silent[0]};1;%s;10/05/2021;;"
    for step, (status, expected) in enumerate((("adhéré", 49), ("refus", 48), ("adhéré", 49))):
        received = receive(sheet(line % status), at=now + timedelta(hours=step))
        lists.apply(session, received, now=now + timedelta(hours=step), today=STORY_DAY, actor="nadia")
        assert joined(session) == expected


def test_a_list_that_says_nothing_new_is_not_applied(session, receive, silent, now):
    content = sheet(f"{silent[0]};1;adhéré;10/05/2021;;")
    lists.apply(session, receive(content), now=now, today=STORY_DAY, actor="nadia")
    with pytest.raises(Refused, match="rien de nouveau"):
        lists.apply(session, receive(content), now=now, today=STORY_DAY, actor="nadia")
    lists.undo(session, now=now, actor="nadia")
    assert joined(session) == 48


def test_a_school_that_left_the_required_strand_lacks_it(plan, silent):
    # Joined strand 1 on the 16th, left it on the 18th, joined strand 2 on the 20th.
    found = plan(
        f"{silent[0]};1;adhéré;16/01/2021;;", f"{silent[0]};1;refus;18/01/2021;;", f"{silent[0]};2;adhéré;20/01/2021;;"
    )
    assert [line.row for line in found.without_prerequisite] == [4]


def test_what_was_rejected_is_kept_with_the_list(session, receive, silent, now):
    received = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;", "x;1;adhéré;10/05/2021;;"))
    lists.apply(session, received, now=now, today=STORY_DAY, actor="nadia")
    (kept,) = lists.rejected_of(session, received, STORY_DAY)
    assert (kept.row, kept.column) == (3, "fase")


def test_a_cell_a_million_rows_below_is_not_waited_for(session, receive, silent):
    line = [silent[0], 1, "adhéré", "10/05/2021", "", ""]
    content = changed(
        workbook(HEADER.split(";"), line, ["loin"]),
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace('<row r="3"', '<row r="1048576"').replace('r="A3"', 'r="A1048576"'),
    )
    assert len(lists.plan(session, receive(content), STORY_DAY).changes) == 1


def test_nothing_that_a_workbook_names_is_fetched(session, receive, silent):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer) as book:
            page = book.add_worksheet()
            page.write_row(0, 0, HEADER.split(";"))
            page.write_row(1, 0, [silent[0], 1, "adhéré", "10/05/2021"])
            page.write_url(1, 5, address, string="motif")
            page.write_formula(1, 4, f"='{address}[x.xlsx]A'!A1", value="source")
        (line,) = lists.plan(session, receive(buffer.getvalue()), STORY_DAY).changes
        assert (line.source, line.reason) == ("source", "motif")
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)"])
def test_what_looks_like_a_formula_is_kept_as_text(plan, silent, cell):
    quoted = '"' + cell.replace('"', '""') + '"'
    (line,) = plan(f"{silent[0]};1;adhéré;10/05/2021;{quoted};{quoted}").changes
    assert (line.source, line.reason) == (cell, cell)


def test_a_workbook_has_its_time_and_no_more(monkeypatch):
    monkeypatch.setattr(workbook_module, "SECONDS", 0.001)
    with pytest.raises(InputError, match="n’a pas pu être lu en"):
        lists.opened(workbook(["a"]))


@pytest.mark.parametrize("written", ["", "<v></v>", "<v/>", "<v />"])
def test_a_formula_that_nobody_computed_is_a_fault_of_its_row(session, receive, silent, written):
    line = [silent[0], 1, "adhéré", "10/05/2021", "=1+1", "=CONCAT(A1)"]
    content = changed(
        workbook(HEADER.split(";"), line, ["=1+1"], [silent[1], *line[1:4]]),
        PAGE,
        lambda text: text.replace("</f><v>0</v>", f"</f>{written}"),
    )
    found = lists.plan(session, receive(content), STORY_DAY)
    assert [rejection.row for rejection in found.rejected] == [2, 3]
    assert "sans valeur" in found.rejected[0].message
    assert [line.school_fase for line in found.changes] == [silent[1]]


def test_a_formula_that_says_nothing_has_a_value(session, receive, silent):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, HEADER.split(";"))
        page.write_row(1, 0, [silent[0], 1, "adhéré", "10/05/2021"])
        page.write_formula(1, 5, '=""', value="rien")
        book.add_worksheet().write_formula(0, 0, "=1+1", value="")
    content = changed(buffer.getvalue(), PAGE, lambda text: text.replace("<v>rien</v>", "<v></v>"))
    (line,) = lists.plan(session, receive(content), STORY_DAY).changes
    assert line.reason == ""
