"""Lists of contacts as secretaries keep them, given to the command as they are."""

import pytest
from sqlalchemy import select

from outreach.core import tables
from outreach.core.tables import opened_file
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError
from outreach.directory.models import School
from outreach.engagement.mailboxes import HEADERS, ContactLists
from tests.core.tables.books import book_of, ods, workbook

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
    "a title merged over the table": workbook(
        [],
        [],
        [],
        ["", "PO n°", "E-mail(s) de contact"],
        *(["", *row] for row in PLAIN),
        merged=[("A1:C1", "Pouvoirs organisateurs – contacts 2026"), ("B2:C2", "Service général")],
    ),
    "titles on two lines, the first merged": workbook(
        ["", "", "", ""],
        ["PO n°", "Nom", "E-mail", "Tél."],
        *([fase, "", sent, "02 555 12 34"] for fase, sent in PLAIN),
        merged=[("A1:B1", "Pouvoir organisateur"), ("C1:D1", "Contact")],
    ),
    "a page of words above the header": workbook(*([f"Consigne {line}"] for line in range(14)), ["PO", "Mail"], *PLAIN),
    "the name of the PO around its number": workbook(
        ["PO", "E-mail"], ["Erezée (9300)", A], ["9301 – Notre-Dame de Molenbeek", B], ["PO n° 9302 (La Bruyère)", C]
    ),
    "the name around the number, under a title of names": workbook(
        ["Organisme", "E-mail"], ["Erezée (9300)", A], ["9301 / Notre-Dame Molenbeek", B], ["FASE 9302 - La Bruyère", C]
    ),
    "numbers as spreadsheets write them": workbook(["FASE", "E-mail"], [9300.0, A], ["9301,0", B], ["9 302", C]),
    "a cover sheet": book_of(
        {"Lisez-moi": [["Auteur", "Marie"], ["Version", "mai"]], "Contacts": [["PO n°", "E-mail"], *PLAIN]}
    ),
    "an empty first sheet": book_of({"Feuil1": [], "Feuil2": [["PO n°", "E-mail"], *PLAIN]}),
    "a hidden sheet of choices": book_of(
        {"Choix": [["PO n°", "E-mail"], [9303, "x@y.be"]], "Contacts": [["PO n°", "E-mail"], *PLAIN]}, hidden=["Choix"]
    ),
    "a sheet of LibreOffice": ods(
        {
            "Notes": [["À relire"]],
            "PO": [["Liste des PO"], [], ["", "PO n°", "E-mails"], *(["", *row] for row in PLAIN)],
        }
    ),
    "a private address beside": workbook(
        ["PO n°", "E-mail privé", "E-mail service"], *([fase, f"x{sent}", sent] for fase, sent in PLAIN)
    ),
    "the addresses of schools beside": workbook(
        ["PO", "Mail école", "Mail PO"], *([fase, f"x{sent}", sent] for fase, sent in PLAIN)
    ),
    "the head of a school beside": workbook(
        ["PO n°", "Courriel direction de l’école", "Mél", "E-mail (implantation)"],
        *([fase, f"x{sent}", sent, f"y{sent}"] for fase, sent in PLAIN),
    ),
    "an old address beside": workbook(
        ["PO n°", "Ancien courriel", "Courriel"], *([fase, f"x{sent}", sent] for fase, sent in PLAIN)
    ),
    "two columns that complete each other": workbook(
        ["PO n°", "Courriel 1", "Courriel 2"], [9300, A, ""], [9301, "néant", B], [9302, C, C.upper()]
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
    kind = ContactLists(judge)

    def plan(content, **said):
        file = tmp_path / "contacts"
        file.write_bytes(content)
        sent = opened_file(file, HEADERS, said)
        return tables.judge_import(session, kind, tables.draft_import(kind, sent, complete=False), sent.cells).plan

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


TOWNS = ("Administration communale de Liège", "Adm. comm. de Charleroi", "COLLÈGE COMMUNAL DE BRUXELLES")
PEOPLE = ("Marie Dupont", "Jean Liège", "Anne-Sophie Petit")
NUMBERED = ((9002, *TOWNS[:1], A), (9003, *TOWNS[1:2], B), (9004, *TOWNS[2:], C))


@pytest.mark.parametrize(
    ("titles", "rows", "field", "column"),
    [
        (["Nr", "Nom", "Adr. él."], NUMBERED, "organisation", "Nom"),
        (["FASE", "Contact", "Mail"], NUMBERED, "organisation", "Contact"),
        (["FASE", "Titre", "Mail"], NUMBERED, "organisation", "Titre"),
        (["FASE", "", "Mail"], NUMBERED, "organisation", "colonne B"),
        (
            ["Nr", "Nom", "Adr. él."],
            [(row[0], one, row[2]) for row, one in zip(NUMBERED, PEOPLE, strict=True)],
            "name",
            "Nom",
        ),
        (["N° PO", "Dénomination", "Nom"], [(*row[:2], row[2]) for row in NUMBERED], "organisation", "Dénomination"),
    ],
)
def test_a_column_of_known_names_is_their_organisation_whatever_its_title(planned, titles, rows, field, column):
    plan = planned(workbook(titles, *rows))
    assert plan.columns[field] == column
    assert f"{column} (nom du PO)" in plan.columns_told or titles[1] == "Dénomination" or field != "organisation"
    assert len(plan.new) == 3
    assert {stated.said.name for stated in plan.new} == ({*PEOPLE} if field == "name" else {""})


def test_a_column_of_known_schools_is_no_number_and_no_person(planned, session, own):
    names = session.scalars(select(School.name).where(School.fase.in_(own))).all()
    for title in ("École", "Nom"):
        plan = planned(workbook(["PO", title, "Mail"], *([9300, name, f"x{at}@a.be"] for at, name in enumerate(names))))
        assert (plan.columns["school_name"], len(plan.new), plan.rejected) == (title, len(names), [])


def test_a_municipality_alone_is_no_name_of_its_authority(planned):
    plan = planned(workbook(["FASE", "Siège", "Mail"], [9002, "Liège", A], [9003, "Charleroi", B]))
    assert plan.summary()["columns"]["unknown"] == ["Siège"]


def test_the_lines_that_are_no_rows_are_said(planned):
    plan = planned(FILES["notes under the table"])
    assert [line["row"] for line in plan.summary()["lines_aside"]] == [6, 7, 8]
    assert plan.lines_aside[1].message == "« N.B. : liste à compléter en juin »"


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


@pytest.mark.parametrize("make", [workbook, text])
def test_of_two_columns_of_numbers_none_is_guessed_both_are_named_and_a_person_says_which(planned, make):
    content = make(["Ancien", "Nouveau", "E-mail"], *([fase + 1, fase, sent] for fase, sent in PLAIN))
    with pytest.raises(InputError, match="« numéro FASE du PO » : « Ancien » et « Nouveau »"):
        planned(content)
    assert stated(planned(content, Nouveau="numéro FASE du PO")) == (THREE, [])
    with pytest.raises(InputError, match=r"Aucune colonne n’a le titre « Neuf ». Les titres sont : Ancien, Nouveau"):
        planned(content, Neuf="numéro FASE du PO")
    with pytest.raises(InputError, match=r"« numéro » n’est pas .* : numéro FASE du PO, adresse e-mail"):
        planned(content, Nouveau="numéro")


def test_what_a_person_says_of_columns_of_addresses_counts_alone(planned):
    rows = ([fase, f"x{sent}", sent, sent] for fase, sent in PLAIN)
    content = workbook(["FASE", "Mail PO", "E-mail [école]", "Courriel"], *rows)
    assert stated(planned(content, **{"e-mail [école]": "Adresse e-mail"})) == (THREE, [])


TWICE = THREE | {(fase, f"x{address}") for fase, address in THREE}


@pytest.mark.parametrize(
    ("titles", "column", "further", "others"),
    [
        (("Courriel 1", "Courriel 2", "Mail privé"), "Courriel 1", ["Courriel 2"], ["Mail privé"]),
        (("Courriel", "E-mail", "Direction"), "Courriel", ["E-mail"], ["Direction"]),
        (("Mail 1", "Mail de secours", "Mél. de l’école"), "Mail 1", ["Mail de secours"], ["Mél. de l’école"]),
        ((), "colonne B", ["colonne C"], []),
    ],
)  # fmt: skip
def test_of_several_columns_of_addresses_no_title_of_which_decides_all_are_read_and_said(
    planned, titles, column, further, others
):
    rows = [[fase, sent, f"x{sent}", *([f"y{sent}"] if titles else [])] for fase, sent in PLAIN]
    plan = planned(workbook(*([["FASE", *titles]] if titles else []), *rows))
    assert stated(plan) == (TWICE, [])
    (chosen,) = plan.summary()["columns"]["chosen"]
    assert (chosen["column"], chosen["further"], chosen["others"]) == (column, further, others)
    assert f"les colonnes « {column} » et « {further[0]} » sont lues" in chosen["message"]
    assert ("ne compte que sans autre" in chosen["message"]) is bool(others)


def test_the_title_that_says_the_authority_decides_and_the_others_are_named(planned):
    plan = planned(FILES["the addresses of schools beside"])
    (chosen,) = plan.summary()["columns"]["chosen"]
    said = "Adresse e-mail : la colonne « Mail PO » est lue ; « Mail école » n’est pas lue."
    assert chosen["message"].startswith(said)


def test_the_address_of_a_school_is_its_authority_s_only_in_a_row_that_names_the_school(planned, own):
    rows = [[9300, A], [9300, B]]
    with pytest.raises(InputError, match="Colonnes manquantes : adresse e-mail"):
        planned(workbook(["PO n°", "Mail école"], *rows))
    listed = workbook(["PO n°", "N° école", "Mail école"], *([po, own[at], sent] for at, (po, sent) in enumerate(rows)))
    assert stated(planned(listed)) == ({(9300, A), (9300, B)}, [])


def test_a_cell_that_holds_no_address_is_left_aside_beside_one_that_does(planned):
    plan = planned(FILES["two columns that complete each other"])
    (mended,) = plan.mended
    assert (mended.row, mended.column) == (3, "Courriel 1, Courriel 2")
    assert mended.message == f"« néant; {B} » est lu « {B} »."


def test_a_column_of_names_is_no_number_whatever_its_title(planned):
    with pytest.raises(InputError, match="Colonnes manquantes : numéro FASE du PO"):
        planned(workbook(["Pouvoir organisateur", "E-mail"], ["Commune d’Alpha", A], ["ASBL Bêta", B]))
    assert [row.row for row in planned(workbook(["N° FASE", "E-mail"], ["x", A], ["y", B])).rejected] == [2, 3]


def test_what_the_file_of_rejected_lines_says_of_its_columns_is_not_chosen_anew(planned):
    lines = ["FASE", "Mail 1", "Mail 2 [adresse]"]
    assert stated(planned(workbook(lines, *([fase, f"x{sent}", sent] for fase, sent in PLAIN)))) == (THREE, [])


@pytest.mark.parametrize(
    ("titles", "sent", "rejected"),
    [
        (["PO n°", "E-mail(s) de contact"], [A, "voir le site", "à compléter"], [3, 4]),
        (["PO n°", "Adresse électronique du secrétariat"], ["néant", "?", C], [2, 3]),
        (["PO n°", "Courriels"], ["néant", "?", "direction(at)ecole.be"], [2, 3, 4]),
        (["PO n°", "Où écrire"], [A, B, "à demander"], [4]),
    ],
)
def test_cells_that_are_no_address_cost_their_lines_and_not_the_file(planned, titles, sent, rejected):
    plan = planned(workbook(titles, *([9300 + at, cell] for at, cell in enumerate(sent))))
    assert [rejection.row for rejection in plan.rejected] == rejected
    assert {rejection.column for rejection in plan.rejected} == {titles[1]}
    assert len(plan.new) == 3 - len(rejected)


def test_bad_addresses_beside_a_postal_one_are_read_under_their_own_title(planned):
    rows = [[9300, "Rue Haute 1", A], [9301, "Rue Haute 2", "néant"], [9302, "Rue Haute 3", "néant"]]
    plan = planned(workbook(["PO n°", "Adresse", "E-mail de la direction"], *rows))
    assert plan.columns["address"] == "E-mail de la direction"
    assert [rejection.row for rejection in plan.rejected] == [3, 4]


def test_a_column_without_a_title_is_named_by_its_letter_and_an_empty_one_not_at_all(planned):
    plan = planned(workbook(["", "PO n°", "E-mail", "", "Remarque"], ["", 9300, A, "urgent", "x"]))
    assert plan.summary()["columns"]["unknown"] == ["colonne D", "Remarque"]


def test_a_command_says_which_sheet_is_read_and_what_was_mended(planned):
    told = planned(book_of({"Notes": [["a"]], "PO": [["PO", "E-mail"], ["Erezée (9300)", A]]})).summary()
    assert told["file"] == "classeur, feuille « PO », sans lire « Notes »"
    assert told["mended"] == [{"row": 2, "column": "PO", "message": "« Erezée (9300) » est lu « 9300 »."}]


def test_a_cell_with_two_known_numbers_is_a_rejected_line_that_says_so(planned):
    (rejection,) = planned(workbook(["PO", "E-mail"], ["9300 et 9301", A])).rejected
    assert rejection.message == "« 9300 et 9301 » contient 2 numéros FASE, 9300 et 9301 : gardez-en un par ligne."


def test_a_name_beside_a_number_that_is_far_from_its_own_waits_for_a_word(planned):
    plan = planned(workbook(["PO", "E-mail"], ["Ville de Namur (9300)", A], ["Erezée (9300)", B]))
    assert [(waiting.far.row, waiting.far.stated) for waiting in plan.waiting] == [(2, "Ville de Namur")]
    assert [stated.judged.address for stated in plan.new] == [B]


def test_a_number_with_its_name_and_no_address_is_a_rejected_line_and_no_note(planned):
    plan = planned(workbook(["PO", "E-mail"], ["Erezée (9300)", A], ["Notre-Dame de Molenbeek (9301)"]))
    assert [(line.row, line.message) for line in plan.rejected] == [(3, "L’adresse manque.")]


def test_two_columns_that_hold_the_same_are_no_doubt(planned):
    assert stated(planned(workbook(["PO n°", "Un", "Deux"], *([fase, sent, sent] for fase, sent in PLAIN)))) == (
        THREE,
        [],
    )


def test_numbers_of_schools_are_not_those_of_authorities(planned, own):
    with pytest.raises(InputError, match="Colonnes manquantes : numéro FASE du PO"):
        planned(workbook(["Matricule", "E-mail"], [own[0], A], [own[1], B]))


def test_a_title_that_is_right_is_kept_though_many_cells_are_wrong(planned):
    plan = planned(workbook(["FASE", "Code", "E-mail"], [9300, "x", A], [1, "y", B], [9302, "z", C]))
    assert [rejection.row for rejection in plan.rejected] == [3]


def test_addresses_under_a_title_of_names_are_no_name(planned):
    (stated,) = planned(workbook(["FASE", "Contact", "Courriel"], [9300, B, A])).new
    assert (stated.judged.address, stated.said.name) == (A, "")
