from datetime import date, timedelta

import pytest

from outreach.adherence import programmes, situation
from outreach.adherence.joining_lists import lists
from outreach.adherence.models import Status
from outreach.adherence.situation import Bucket
from outreach.errors import InputError, NotFound, Refused
from outreach.sent_lists import grid_of
from tests.conftest import STORY_DAY
from tests.spreadsheets.books import workbook

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
        (HEADER.encode(), "qu’un en-tête"),
        (workbook(HEADER.split(";")), "qu’un en-tête"),
        (b"fase;volet;date\r\n1;1;1", "Colonnes manquantes : statut"),
        (b"%PDF-1.7", "ni un CSV"),
    ],
    ids=["header-only", "header-only-workbook", "without-status", "pdf"],  # a workbook holds the time it was made at
)
def test_a_file_that_is_no_list_is_refused(content, words):
    with pytest.raises(InputError, match=words):
        lists.opened(content)


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


def test_a_cell_is_named_where_the_table_stands(receive, session, silent):
    shifted = [["", "", *cells] for cells in (HEADER.split(";"), [silent[0], 9, "adhéré", "10/05/2021", "", ""])]
    received = receive(workbook([], [], *shifted))
    assert grid_of(received).header.index("volet") == 3
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


def test_a_list_is_compared_again_when_what_is_known_changed_after_it_was_judged(session, receive, silent, now):
    first, second = (receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;{source};")) for source in ("a", "b"))
    judged = lists.judge(session, grid_of(second), second.programme, STORY_DAY)
    assert len(judged.plan.changes) == 1
    lists.apply(session, first, now=now, today=STORY_DAY, actor="nadia")
    with pytest.raises(Refused, match="rien de nouveau"):
        lists.apply(session, second, now=now, today=STORY_DAY, actor="nadia", judged=judged)
    again = lists.judge(session, grid_of(second), second.programme, STORY_DAY)
    lists.undo(session, now=now, actor="nadia")
    done = lists.apply(session, second, now=now, today=STORY_DAY, actor="nadia", judged=again)
    assert len(done.changes) == 1, "what was judged before the first list was undone would change nothing"


def test_a_list_that_was_judged_is_not_compared_again_in_the_transaction_that_writes(
    session, receive, silent, now, monkeypatch
):
    received = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;"))
    judged = lists.judge(session, grid_of(received), received.programme, STORY_DAY)
    monkeypatch.delattr(lists, "preview")
    assert lists.apply(session, received, now=now, today=STORY_DAY, actor="nadia", judged=judged) is judged.plan


def test_a_school_that_left_the_required_strand_lacks_it(plan, silent):
    # Joined strand 1 on the 16th, left it on the 18th, joined strand 2 on the 20th.
    found = plan(
        f"{silent[0]};1;adhéré;16/01/2021;;", f"{silent[0]};1;refus;18/01/2021;;", f"{silent[0]};2;adhéré;20/01/2021;;"
    )
    assert [line.row for line in found.without_prerequisite] == [4]


def test_what_was_rejected_is_kept_with_the_list(session, receive, silent, now):
    received = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;", "x;1;adhéré;10/05/2021;;"))
    lists.apply(session, received, now=now, today=STORY_DAY, actor="nadia")
    (kept,) = lists.rejected_of(session, received, grid_of(received), STORY_DAY)
    assert (kept.row, kept.column) == (3, "fase")


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)"])
def test_what_looks_like_a_formula_is_kept_as_text(plan, silent, cell):
    quoted = '"' + cell.replace('"', '""') + '"'
    (line,) = plan(f"{silent[0]};1;adhéré;10/05/2021;{quoted};{quoted}").changes
    assert (line.source, line.reason) == (cell, cell)
