"""Lists of contacts as secretaries keep them, given to the command as they are."""

from datetime import date

import pytest

from outreach.contact_lists.columns import HEADERS
from outreach.contact_lists.lists import ContactLists
from outreach.errors import InputError
from outreach.mail.addresses import judge
from outreach.sent_lists import steps
from outreach.sent_lists.grids import opened_file
from tests.spreadsheets.books import workbook

A, B, C = "direction@a.ecole.be", "secretariat@b.ecole.be", "info@c.ecole.be"
THREE = {(9300, A), (9301, B), (9302, C)}


def text(*rows, sign=";", encoding="utf-8"):
    """The bytes of a CSV."""
    return "\r\n".join(sign.join(map(str, row)) for row in rows).encode(encoding)


TITLED = (["Service des écoles – adresses de contact"], [], ["Mis à jour le 3 mai", "", "version 2"])
PLAIN = ([9300, A], [9301, B], [9302, C])
NAMED = (["Alpha", 9300, A], ["Bêta", 9301, B], ["Gamma", 9302, C])
FILES = {
    "odd titles": text(["PO n°", "E-mail de contact"], *PLAIN),
    "titles that say nothing": workbook(["Matricule", "Où écrire"], *PLAIN),
    "titles that say something else": workbook(["Commune", "Contact"], *PLAIN),
    "a postal address under Adresse": workbook(
        ["FASE", "Adresse", "Joindre"], *([fase, f"Rue Haute {fase}", sent] for fase, sent in PLAIN)
    ),
    "names under PO, numbers elsewhere": workbook(["PO", "Matricule", "Courriel"], *NAMED),
    "a column without a title": workbook(["FASE", "", "Tél."], *([fase, sent, "02 555 12 34"] for fase, sent in PLAIN)),
    "a last column without a title": text(["FASE"], *PLAIN),
    "no header at all": text(*PLAIN),
    "a title, then no header": workbook(["Liste des PO"], *PLAIN),
    "title lines in a workbook": workbook(*TITLED, ["PO n°", "E-mail de contact"], *PLAIN),
    "title lines in a CSV": text(*TITLED, ["N° du PO", "Mails"], *PLAIN),
    "tabs, Windows-1252": text(*TITLED, ["Numéro P.O.", "Boîte générale"], *PLAIN, sign="\t", encoding="cp1252"),
    "semicolons, Windows-1252": text(["Pouvoir organisateur (FASE)", "Adrèsse"], *PLAIN, encoding="cp1252"),
    "UTF-16": text(["Matricule", "Où écrire"], *PLAIN, sign="\t", encoding="utf-16"),
    "a header on two lines": workbook(["N° FASE\ndu PO", "Adresse\nélectronique"], *PLAIN),
    "numbers in words, addresses in brackets": workbook(
        ["Qui", "Comment"], ["PO 9300", f"<{A}>"], ["n° 9301", f"mailto:{B}"], ["009302", f" {C}. "]
    ),
    "notes under the table": workbook(
        ["PO n°", "E-mail"],
        *PLAIN,
        [],
        ["Total :", 3],
        ["N.B. : liste à compléter en juin"],
        ["Source : le secrétariat"],
    ),
    "lines between the rows": workbook(
        ["PO n°", "E-mail"], ["Réseau communal"], PLAIN[0], ["Réseau libre"], PLAIN[1], ["PO n°", "E-mail"], PLAIN[2]
    ),
    "rows and columns that are empty": workbook(
        [], ["", "PO n°", "", "E-mail"], *(["", fase, "", sent] for fase, sent in PLAIN[:2]), [], ["", 9302, "", C]
    ),
    "schools beside authorities": None,  # in the test, which knows numbers of schools
    "the name of a PO between its number and its address": workbook(
        ["Code", "Intitulé", "Personne", "Écrire à"],
        *([fase, "", "Anne Petit", sent] for fase, sent in PLAIN),
    ),
}


@pytest.fixture
def planned(session, tmp_path):
    """What the command would do with a file."""
    kind = ContactLists(judge, date(2021, 5, 15))

    def plan(content):
        file = tmp_path / "contacts"
        file.write_bytes(content)
        sent = opened_file(file, HEADERS)
        return steps.judge(session, kind, steps.drafted(kind, sent, complete=False), sent.cells).plan

    return plan


def stated(plan):
    """The authorities and addresses that a list would add, and its rejected rows."""
    contacts = [*plan.new, *(waiting.stated for waiting in plan.waiting)]
    return {(each.fase, each.judged.address) for each in contacts}, plan.rejected


@pytest.mark.one_example
@pytest.mark.parametrize("name", FILES)
def test_a_messy_file_is_read_as_it_is(planned, own, name):
    listed = [["Matricule", "Code", "Où écrire"], [own[0], 9300, A], [own[1], 9300, B], [own[2], 9300, C]]
    content = FILES[name] or workbook(*listed)
    expected = THREE if FILES[name] else {(9300, A), (9300, B), (9300, C)}
    plan = planned(content)
    assert stated(plan) == (expected, [])


def test_the_lines_that_are_no_rows_are_said(planned):
    plan = planned(FILES["notes under the table"])
    assert [line["row"] for line in plan.summary()["lines_aside"]] == [6, 7, 8]
    assert plan.lines_aside[1].message == "« N.B. : liste à compléter en juin »"


def test_several_addresses_of_a_cell_are_as_many_contacts(planned):
    plan = planned(workbook(["PO n°", "E-mails"], [9300, f"{A}\n{B}"], [9301, f"{C} / {A} et {B}"]))
    assert stated(plan) == ({(9300, A), (9300, B), (9301, A), (9301, B), (9301, C)}, [])


def test_cells_that_were_merged_are_read_as_the_one_above_and_said(planned):
    plan = planned(workbook(["PO", "PO n°", "E-mail"], ["Alpha", 9300, A], ["", "", B], ["Gamma", 9302, C]))
    assert stated(plan) == ({(9300, A), (9300, B), (9302, C)}, [])
    told = [(line.row, line.column, line.message) for line in plan.mended]
    assert told == [
        (3, "PO", "Vide, lu « Alpha » comme au-dessus."),
        (3, "PO n°", "Vide, lu « 9300 » comme au-dessus."),
    ]


def test_a_number_that_is_missing_beside_a_name_of_its_own_is_not_read_as_the_one_above(planned):
    plan = planned(workbook(["PO", "PO n°", "E-mail"], ["", 9300, A], ["Commune de Namur", "", B]))
    assert [(rejection.row, rejection.message) for rejection in plan.rejected] == [(3, "Le numéro FASE manque.")]


UNCLEAR = {
    "two addresses": (
        workbook(
            ["PO n°", "E-mail direction", "E-mail secrétariat"], *([fase, sent, f"x{sent}"] for fase, sent in PLAIN)
        ),
        ("« E-mail direction » et « E-mail secrétariat »", "adresse e-mail"),
    ),
    "two known titles": (
        workbook(["PO n°", "Courriel", "E-mail"], *([fase, sent, f"x{sent}"] for fase, sent in PLAIN)),
        ("« Courriel » et « E-mail »", "adresse e-mail"),
    ),
    "two numbers": (
        workbook(["Ancien", "Nouveau", "E-mail"], *([fase, fase + 1, sent] for fase, sent in PLAIN)),
        ("« Ancien » et « Nouveau »", "numéro FASE du PO"),
    ),
    "without a header": (
        workbook(*([fase, sent, f"x{sent}"] for fase, sent in PLAIN)),
        ("« colonne B » et « colonne C »", "adresse e-mail"),
    ),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_of_two_columns_that_may_be_meant_none_is_guessed_and_both_are_named(planned, name):
    content, said = UNCLEAR[name]
    with pytest.raises(InputError) as refused:
        planned(content)
    assert [words for words in said if words not in str(refused.value)] == [], str(refused.value)


def test_two_columns_that_hold_the_same_are_no_doubt(planned):
    assert stated(planned(workbook(["PO n°", "Un", "Deux"], *([fase, sent, sent] for fase, sent in PLAIN)))) == (
        THREE,
        [],
    )


def test_numbers_of_schools_are_not_those_of_authorities(planned, own):
    with pytest.raises(InputError, match="Colonnes manquantes : fase"):
        planned(workbook(["Matricule", "E-mail"], [own[0], A], [own[1], B]))


def test_a_title_that_is_right_is_kept_though_many_cells_are_wrong(planned):
    plan = planned(workbook(["FASE", "Code", "E-mail"], [9300, "x", A], [1, "y", B], [9302, "z", C]))
    assert [rejection.row for rejection in plan.rejected] == [3]


def test_addresses_under_a_title_of_names_are_no_name(planned):
    (stated,) = planned(workbook(["FASE", "Contact", "Courriel"], [9300, B, A])).new
    assert (stated.judged.address, stated.said.name) == (A, "")
