from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from outreach.adherence import programmes, records, situation
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.adherence.models import Status
from outreach.adherence.situation import Bucket
from outreach.core import tables
from outreach.core.tables import grid_of
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.directory import authorities
from outreach.directory.models import School
from tests import factories
from tests.conftest import STORY_DAY
from tests.core.tables.books import workbook

HEADER = "fase;volet;statut;date;source;motif"
KIND = JoiningLists(STORY_DAY)


def sheet(*lines, header=HEADER):
    return "\r\n".join([header, *lines]).encode()


@pytest.fixture
def receive(session, now):
    def call(content, at=now, actor="nadia"):
        about = programmes.get_programme(session).id
        return tables.receive_import(
            session, KIND, tables.open_import(content, HEADERS), now=at, actor=actor, programme_id=about
        )

    return call


@pytest.fixture
def apply(session, now):
    def call(received, judged=None, at=now):
        return tables.apply_import(session, KIND, received, judged or judge(session, received), now=at, actor="nadia")

    return call


@pytest.fixture
def undo(session, now):
    return lambda **which: tables.undo_import(session, KIND, now=now, actor="nadia", **which)


@pytest.fixture
def plan(session, receive):
    return lambda *lines, header=HEADER: judge(session, receive(sheet(*lines, header=header))).plan


@pytest.fixture
def silent(session):
    """The numbers of secondary schools without any record on the first strand."""
    programme = programmes.get_programme(session)
    found = situation.list_situation_schools(session, programme, STORY_DAY, situation.Selection(1, Bucket.NONE)).page(
        1, 20
    )
    return [row.School.fase for row in found]


def judge(session, received):
    return tables.judge_import(session, KIND, received)


def joined(session, day=STORY_DAY, strand=1):
    return situation.count_situation(session, programmes.get_programme(session), day).total.strands[strand][
        Bucket.JOINED
    ]


@pytest.mark.long
def test_a_list_is_applied_and_taken_back(session, receive, silent, apply, undo):
    received = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;Formulaire;", f"{silent[1]};1;adhéré;11/05/2021;;"))
    assert joined(session) == 48, "a list that was received changes nothing"
    applied = apply(received)
    assert len(applied.changes) == 2
    assert joined(session) == 50
    assert joined(session, date(2021, 5, 10)) == joined(session, date(2021, 5, 9)) + 1
    undo()
    assert joined(session) == 48


def test_a_list_undone_after_midnight_says_the_day_in_brussels(session, receive, silent, apply, now):
    apply(receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;")))
    midnight = datetime.combine(now.date() + timedelta(days=1), time(0, 30), BRUSSELS)
    tables.undo_import(session, KIND, now=midnight, actor="nadia")
    _, authority = authorities.school_by_fase(session, silent[0])
    text = records.list_events(session, authority)[-1].sentence
    assert text == f"Liste d’adhésions appliquée, annulée le {midnight:%d/%m/%Y}."


@pytest.mark.long
def test_a_figure_before_an_import_stays_what_it_was(session, receive, silent, apply):
    days = [date(2021, 2, 1), date(2021, 4, 30)]
    before = [joined(session, day) for day in days]
    received = receive(sheet(*(f"{fase};1;adhéré;03/05/2021;;" for fase in silent[:10])))
    apply(received)
    assert [joined(session, day) for day in days] == before
    assert joined(session) == 58


def test_the_same_file_sent_twice_in_a_minute_is_one_list(receive, silent):
    content = sheet(f"{silent[0]};1;adhéré;10/05/2021;;")
    assert receive(content).id == receive(content).id
    assert receive(content, actor="marc").id != receive(content).id


def test_a_list_is_applied_once(session, receive, silent, apply):
    received = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;"))
    apply(received)
    with pytest.raises(Refused, match="déjà appliquée"):
        apply(received)


def test_only_the_last_list_is_undone(session, receive, silent, apply, undo):
    first = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;"))
    apply(first)
    second = receive(sheet(f"{silent[1]};1;adhéré;10/05/2021;;"))
    apply(second)
    with pytest.raises(Refused, match="dernière"):
        undo(list_id=first.id)
    for _ in range(3):
        undo()
    with pytest.raises(NotFound):
        undo()


def test_what_goes_back_in_time_is_told(session, receive, plan, silent, apply):
    received = receive(sheet(f"{silent[0]};1;refus;10/05/2021;;"))
    apply(received)
    found = plan(f"{silent[0]};1;adhéré;01/03/2021;;")
    assert [line.row for line in found.back_in_time] == [2]
    assert found.changes[0].before is Status.NONE, "what was known of that day"


def test_joinings_dated_before_the_situation_last_learnt_of_any_go_back_in_time(session, receive, plan, silent, apply):
    apply(receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;")))
    lines = [f"{fase};1;adhéré;10/12/2020;;" for fase in silent[1:13]]
    found = plan(*lines, f"{silent[13]};1;adhéré;15/05/2021;;")
    assert [line.row for line in found.back_in_time] == [*range(2, 14)]
    assert found.summary()["back_in_time"] == 12


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


FAULTY = [  # a line, the column of its fault, and what is said of it
    ("99999;1;adhéré;10/05/2021;;", "fase", "« 99999 »"),
    (";1;adhéré;10/05/2021;;", "fase", "manque"),
    ("abc;1;adhéré;10/05/2021;;", "fase", "« abc »"),
    ("9" * 5_000 + ";1;adhéré;10/05/2021;;", "fase", f"« {'9' * 60}… »."),
    ("{0};1;" + "x" * 9_000 + ";10/05/2021;;", "statut", f"« {'x' * 60}… » est inconnu"),
    ("{0};1;adhéré;" + "1" * 9_000 + ";;", "date", f"« {'1' * 40} » n’est pas"),
    ("80343;1;adhéré;10/05/2021;;", "fase", "Le volet 1 n’est pas ouvert à l’école"),
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
]


def test_a_faulty_row_names_its_cell_and_leaves_the_others(plan, silent):
    found = plan(f"{silent[1]};1;adhéré;10/05/2021;;", *(line.format(silent[0]) for line, *_ in FAULTY))
    rejected = sorted(found.rejected, key=lambda one: one.row)
    assert [(one.row, one.column) for one in rejected] == [
        (row, column) for row, (_, column, _) in enumerate(FAULTY, 3)
    ]
    assert [words for one, (*_, words) in zip(rejected, FAULTY, strict=True) if words not in one.message] == []
    assert len(found.changes) == 1


def test_a_list_that_comes_late_is_read_and_a_joining_after_the_closing_is_not(session, plan, silent):
    programmes.get_programme(session).strand(1).closed_on = date(2021, 5, 10)
    late, early = f"{silent[0]};1;adhéré;11/05/2021;;", f"{silent[1]};1;adhéré;10/05/2021;;"
    found = plan(late, early, f"{silent[2]};1;en préparation;11/05/2021;;")
    (rejection,) = found.rejected
    assert (rejection.row, rejection.column) == (2, "date")
    assert rejection.message.replace("\xa0", " ").startswith(
        "Le volet 1 a fermé le 10 mai 2021 : aucune école n’y adhère"
    )
    assert len(found.changes) == 2


def test_what_comes_too_late_names_the_programme_where_there_are_several(session, receive, silent, now):
    programme = programmes.get_programme(session)
    programme.strand(1).closed_on = date(2021, 5, 10)
    received = receive(sheet(f"{silent[0]};1;adhéré;11/05/2021;;"))
    programmes.load_programme(session, factories.PROGRAMME, now=now, actor="nadia")
    (rejection,) = judge(session, received).plan.rejected
    assert f"Le volet 1 du programme « {programme.name} » a fermé" in rejection.message.replace("\xa0", " ")


def test_a_joining_that_was_known_before_its_strand_closed_is_no_fault_of_a_later_list(session, receive, silent, apply):
    line = f"{silent[0]};1;adhéré;11/05/2021;;"
    apply(receive(sheet(line)))
    programmes.get_programme(session).strand(1).closed_on = date(2021, 5, 10)
    found = judge(session, receive(sheet(line, f"{silent[1]};1;adhéré;10/05/2021;;"))).plan
    assert (found.rejected, found.unchanged, len(found.changes)) == ([], 1, 1)


def test_a_list_is_compared_anew_where_its_strand_closes_meanwhile(session, receive, silent, apply):
    received = receive(sheet(f"{silent[0]};1;adhéré;11/05/2021;;"))
    judged = judge(session, received)
    programmes.get_programme(session).strand(1).closed_on = date(2021, 5, 10)
    with pytest.raises(Refused, match="a changé entre-temps"):
        apply(received, judged)


@pytest.mark.long
def test_a_name_far_from_that_of_its_number_costs_the_row_and_says_both(session, plan, silent):
    names = {school.fase: school.display_name for school in session.scalars(select(School))}
    (one, two), header = silent[:2], f"{HEADER};Nom de l’école"
    lines = [f"{one};1;oui;10/05/2021;;;{names[one].upper()}", f"{two};1;oui;10/05/2021;;;Institut de la Lune"]
    planned = plan(*lines, header=header)
    assert [line.school_fase for line in planned.changes] == [one]
    (rejection,) = planned.rejected
    assert (rejection.row, rejection.column) == (3, "Nom de l’école")
    assert f"loin de « {names[two][:20]}" in rejection.message
    assert f"le nom du numéro FASE {two} : corrigez le numéro, ou videz ce nom." in rejection.message
    assert len(plan(lines[0], f"{two};1;oui;10/05/2021;;;12", header=header).changes) == 2, "a number is no name"


def test_the_same_school_strand_and_day_twice_is_a_fault(plan, silent):
    found = plan(f"{silent[0]};1;adhéré;10/05/2021;;", f"{silent[0]};1;refus;10/05/2021;;")
    assert "la ligne 2" in found.rejected[0].message


def test_words_are_read_as_people_write_them(plan, silent):
    strands = ("1", "1.0", "Volet 1", "v1", "premier volet", "1er volet")
    written = [f"{strand};adhéré" for strand in strands] + ["1;A ADHÉRÉ", "1;Adhere", "1;oui"]
    found = plan(*(f"{fase};{words};10/05/2021;;" for fase, words in zip(silent, written, strict=False)))
    assert [(line.strand_number, line.status) for line in found.changes] == [(1, Status.JOINED)] * len(written)


@pytest.mark.parametrize(
    "header",
    [
        "N° FASE de l'établissement;Volet;État;Date d'adhésion;Origine;Remarque",
        " FASE ;VOLET;Statut;Date;erreur;motif",
        "Matricule;V.;Réponse;Depuis;x;y",
        "Numéro;Lequel;Ils disent;Le;x;y",
        "Volet;Statut;FASE;Remarque;x;y",
    ],
)
def test_other_headers_are_recognised_and_columns_are_by_what_they_hold(plan, silent, header):
    rows = (("1", "adhéré", "10/05/2021"), ("V2", "oui", "2021-05-11"), ("volet 1", "refus", "12 mai 2021"))
    lines = [";".join((str(fase), *row, "a", "b")) for fase, row in zip(silent, rows, strict=False)]
    found = plan(*lines, header=header)
    assert found.rejected == []
    assert [(line.school_fase, line.strand_number, line.day.day) for line in found.changes] == [
        (silent[0], 1, 10),
        (silent[1], 2, 11),
        (silent[2], 1, 12),
    ]


def test_of_two_columns_of_days_the_title_says_which_and_without_one_both_are_named(plan, silent):
    line = f"9300;{silent[0]};1;oui;11/05/2021;10/05/2021"
    assert [line.day.day for line in plan(line, header="FASE;École n°;V.;Réponse;Encodé le;Depuis").changes] == [10]
    with pytest.raises(InputError, match="« date » : « Du » et « Au »"):
        plan(line, header="PO;Fase école;V.;Réponse;Du;Au")


def test_a_workbook_is_read_with_its_dates_and_its_own_row_numbers(session, receive, silent):
    content = workbook(
        HEADER.split(";"),
        [silent[0], 1, "adhéré", date(2021, 5, 10), "Formulaire", ""],
        [],
        [silent[1], "Volet 1", "adhéré", 44326, "", ""],
        [silent[2], 1, "adhéré", "demain", "", ""],
    )
    found = judge(session, receive(content)).plan
    assert [(line.row, line.day) for line in found.changes] == [(2, date(2021, 5, 10)), (4, date(2021, 5, 10))]
    assert [r.row for r in found.rejected] == [5]


@pytest.mark.long
def test_a_correction_of_the_same_day_can_be_corrected_again(session, receive, silent, now, apply):
    line = f"{silent[0]};1;%s;10/05/2021;;"
    for step, (status, expected) in enumerate((("adhéré", 49), ("refus", 48), ("adhéré", 49))):
        received = receive(sheet(line % status), at=now + timedelta(hours=step))
        apply(received, at=now + timedelta(hours=step))
        assert joined(session) == expected


def test_a_list_that_says_nothing_new_is_not_applied(session, receive, silent, apply, undo):
    content = sheet(f"{silent[0]};1;adhéré;10/05/2021;;")
    apply(receive(content))
    again = receive(content)
    assert judge(session, again).plan.unchanged == 1
    with pytest.raises(Refused, match="rien de nouveau"):
        apply(again)
    undo()
    assert joined(session) == 48


def test_a_list_is_refused_when_what_is_known_changed_after_it_was_judged(session, receive, silent, apply, undo):
    first, second = (receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;{source};")) for source in ("a", "b"))
    judged = judge(session, second)
    assert len(judged.plan.changes) == 1
    apply(first)
    with pytest.raises(Refused, match="changé entre-temps"):
        apply(second, judged)
    again = judge(session, second)
    assert again.plan.changes == []
    undo()
    with pytest.raises(Refused, match="changé entre-temps"):
        apply(second, again)
    assert len(apply(second).changes) == 1


def test_a_list_is_applied_only_as_it_was_seen(session, receive, silent, now):
    received, other = (receive(sheet(f"{silent[0]};1;{status};10/05/2021;;")) for status in ("adhéré", "refus"))
    judged, seen = judge(session, received), judge(session, other).plan.version
    with pytest.raises(Refused, match="regardez à nouveau"):
        tables.apply_import(session, KIND, received, judged, now=now, actor="nadia", seen=seen)
    tables.apply_import(session, KIND, received, judged, now=now, actor="nadia", seen=judged.plan.version)


def test_a_list_that_was_judged_is_not_compared_again_in_the_transaction_that_writes(
    session, receive, silent, apply, monkeypatch
):
    received = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;"))
    judged = judge(session, received)
    monkeypatch.delattr(JoiningLists, "plan")
    assert apply(received, judged) is judged.plan


def test_a_school_that_left_the_required_strand_lacks_it(plan, silent):
    # Joined strand 1 on the 16th, left it on the 18th, joined strand 2 on the 20th.
    found = plan(
        f"{silent[0]};1;adhéré;16/01/2021;;", f"{silent[0]};1;refus;18/01/2021;;", f"{silent[0]};2;adhéré;20/01/2021;;"
    )
    assert [line.row for line in found.without_prerequisite] == [4]


def test_what_was_rejected_is_kept_with_the_list_and_nothing_else_of_it(receive, silent, apply):
    received = receive(sheet(f"{silent[0]};1;adhéré;10/05/2021;;", "x;1;adhéré;10/05/2021;;"))
    apply(received)
    (kept,) = received.rejected
    assert (kept.row, kept.column) == (3, "fase")
    assert [number for number, _ in grid_of(received).records] == [3]


def test_what_looks_like_a_formula_is_kept_as_text(plan, silent):
    cells = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)"]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    lines = (f"{fase};1;adhéré;10/05/2021;{cell};{cell}" for fase, cell in zip(silent, quoted, strict=False))
    assert [(line.source, line.reason) for line in plan(*lines).changes] == [(cell, cell) for cell in cells]
