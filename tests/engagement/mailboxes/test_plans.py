"""What a list of contacts says, whatever its headers, and what it would change."""

import pytest
from sqlalchemy import select

from outreach.core.erasure import Erasure
from outreach.core.erasure import _digests as digests
from outreach.core.text.errors import InputError
from outreach.directory.models import Authority, Contact, MailboxKind
from tests.core.tables.books import workbook

DERIVED = "po009300@adm.fwb.example"


@pytest.mark.long
def test_headers_of_other_exports_are_read_in_any_order_case_and_encoding(sent, own):
    rows = [
        ["Courriel", "Remarques", "Prénom", "NOM", "N° FASE de l'établissement", "Ndeg_FASE_du_PO", "Téléphone"],
        ["direction@ecole.be", "?", "Zoé", "Lemaître", str(own[0]), "009300", "02/555.12.34"],
    ]
    text = "\r\n".join("\t".join(row) for row in rows)
    for content in (text.encode("cp1252"), text.encode("utf-16"), workbook(*rows)):
        planned = sent.plan(content)
        assert planned.unknown_columns == ("Remarques",)
        (stated,) = planned.new
        assert stated.said.known() == {"name": "Zoé Lemaître", "phone": "02/555.12.34"}
        assert len(stated.schools) == 1


def test_the_surest_header_names_a_column_where_two_could(sent):
    (stated,) = sent.plan("FASE;Adresse;E-mail;Nom;Nom du contact\n9300;Rue 1;a@ecole.be;Institut;Anne\n").new
    assert stated.judged.address == "a@ecole.be"
    assert stated.said.known() == {"name": "Anne"}


def test_rows_of_one_address_are_one_contact(sent, own):
    first, second, *_ = own
    content = f"fase;adresse;ecole;nom\n9300;a@ecole.be;{first};Anne\n9300;A@ECOLE.be;{second};\n9301;a@ecole.be;;\n"
    planned = sent.plan(content)
    assert [(stated.fase, len(stated.schools)) for stated in planned.new] == [(9300, 2), (9301, 0)]
    assert (planned.merged, planned.rejected) == (1, [])


def test_a_new_address_is_judged_against_the_directory_as_one_that_is_typed_is(sent):
    shared, slip, _ = sent.plan("fase;adresse\n9300;po009302@adm.fwb.example\n9300;a@gmial.com\n9301;a@ecole.be\n").new
    assert shared.judged.warnings == ("Déjà utilisée par PO 9302.",)
    assert "« gmail.com » ?" in slip.judged.warnings[0]


@pytest.mark.long
def test_what_is_known_is_unchanged_and_an_empty_cell_says_nothing(sent):
    sent.apply(f"fase;adresse;nom;fonction;type\n9300;{DERIVED};Anne;Directrice;personne\n")
    planned = sent.plan(f"fase;adresse;nom;fonction;type\n9300;{DERIVED};Anne;;\n")
    assert planned.counts == (0, 0, 1, 0)
    (change,) = sent.plan(f"fase;adresse;nom\n9300;{DERIVED};Paul\n").changed
    assert change.before == {"name": "Anne"}
    assert sent.held(Contact.function, Contact.mailbox_kind) == [(DERIVED, "Directrice", MailboxKind.PERSONAL)]


FAULTS = {
    "fase": ("99;a@ecole.be;;;;", "fase", "Aucun pouvoir organisateur ne porte le numéro FASE « 99 »."),
    "no fase": (";a@ecole.be;;;;", "fase", "Le numéro FASE manque."),
    "address": ("9300;a@;;;;", "adresse", ""),
    "no address": ("9300;;;;;", "adresse", "L’adresse manque."),
    "two": ("9300;Dupont, Anne <a@ecole.be>, b@ecole.be;;;;", "adresse", "Ce champ contient 2 adresses"),
    "kind": ("9300;a@ecole.be;;robot;;", "type", "Le type « robot » est inconnu"),
    "foreign school": ("9301;a@ecole.be;{school};;;", "ecole", "n’est pas du pouvoir organisateur 9301."),
    "no school": ("9300;a@ecole.be;1;;;", "ecole", "Aucune école ne porte le numéro FASE « 1 »."),
    "control": ("9300;a@ecole.be;;;\x00;", "", "Caractère interdit dans une cellule."),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_row_is_rejected_with_its_cell_and_the_others_stand(sent, own, fault):
    row, column, said = FAULTS[fault]
    header = "fase;adresse;ecole;type;telephone"
    planned = sent.plan(f"{header}\n9300;b@ecole.be\n{row.format(school=own[0])}\n")
    (rejection,) = planned.rejected
    assert (rejection.row, rejection.column) == (3, column)
    assert said in rejection.message
    assert [stated.judged.address for stated in planned.new] == ["b@ecole.be"]


@pytest.mark.long
def test_a_bad_phone_number_costs_the_number_and_not_the_row(sent):
    sent.apply(f"fase;adresse;telephone\n9300;{DERIVED};02 555 12 34\n")
    planned = sent.plan(f"fase;adresse;nom;telephone\n9300;{DERIVED};Anne;demain\n9300;a@ecole.be;;à voir\n")
    assert planned.counts == (1, 1, 0, 0)
    assert planned.changed[0].before == {"name": ""}
    told = [(mended.row, mended.column, mended.message) for mended in planned.mended]
    assert told == [
        (2, "telephone", "« demain » est laissé de côté."),
        (3, "telephone", "« à voir » est laissé de côté."),
    ]


def test_cells_are_mended_as_they_are_probably_meant_and_said(sent):
    planned = sent.plan("fase;adresse;nom\nPO 9300;mailto:a@ecole.be;\n9301.0;b@ec.be et c @ ec.be.;Anne\n")
    assert [(stated.fase, stated.judged.address, stated.said.name) for stated in planned.new] == [
        (9300, "a@ecole.be", ""),
        (9301, "b@ec.be", "Anne"),
        (9301, "c@ec.be", "Anne"),
    ]
    assert planned.mended_count == 4
    assert planned.mended[-1].message == "« b@ec.be et c @ ec.be. » est lu « b@ec.be et c@ec.be »."


def test_of_a_cell_with_two_addresses_both_are_left_out_where_one_is_wrong(sent):
    planned = sent.plan("fase;adresse\n9300;a@ecole.be\n9300;a@ecole.be; b@ecole\n")
    assert [rejection.row for rejection in planned.rejected] == [3]
    assert [stated.judged.address for stated in planned.new] == ["a@ecole.be"]


def test_of_an_address_with_a_rejected_row_every_row_is(sent, own):
    planned = sent.plan(f"fase;adresse;ecole\n9300;a@ecole.be;{own[0]}\n9300;a@ecole.be;1\n")
    assert planned.counts == (0, 0, 0, 0)
    assert [rejection.row for rejection in planned.rejected] == [2, 3]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"fase;zone\n80001;1\n", "Colonnes manquantes : adresse e-mail."),
        (b"\x7fELF\x02\x01\x01\x00;\x00\x01\nsecret", "Fichier illisible"),
        (b"\x81\x8d\x8f\x90secret\n", "Fichier illisible"),
        (b"<!DOCTYPE html><title>secret</title>\n<p>a\n", "Fichier illisible"),
        (b"", "Le fichier est vide."),
        (b"fase;adresse\n", "aucune ligne à lire"),
    ],
)
def test_what_is_no_list_of_contacts_is_refused_by_a_sentence(sent, content, said):
    with pytest.raises(InputError) as refused:
        sent.plan(content)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.long
def test_a_complete_list_retires_what_it_does_not_name_but_nothing_it_is_unclear_about(sent):
    sent.apply("fase;adresse\n9300;old@ecole.be\n9301;old@ecole.be\n9302;old@ecole.be\n")
    known = sum(sent.plan("fase;adresse\n9300;a@ecole.be\n", complete=True).counts[2:])
    planned = sent.plan(f"fase;adresse\n9300;{DERIVED}\n9301;a@\n99;old@ecole.be\n", complete=True)
    retired = {(withdrawal.fase, withdrawal.address) for withdrawal in planned.withdrawn}
    # 9301 has a row that cannot be read, and the row of the unknown authority may mean any "old@ecole.be".
    assert (9301, "old@ecole.be") not in retired
    assert (9300, "old@ecole.be") not in retired
    assert len(retired) == known - 5
    assert 9303 in planned.silenced
    assert not {9300, 9301, 9302} & set(planned.silenced)


OTHER = "Administration communale de Namur"  # its number is not 9300


@pytest.mark.one_example
@pytest.mark.parametrize("header", ["Nom du PO", "Pouvoir organisateur", "Dénomination", "Établissement", "Nom"])
def test_a_row_with_the_name_of_another_waits_for_a_person_s_word_with_both_names(sent, session, header):
    known = session.scalars(select(Authority).where(Authority.fase == 9300)).one().display_name
    content = f"{header};FASE;N° FASE école;Courriel\n{OTHER};9300;;a@ecole.be\n{known};9300;;b@ecole.be\n"
    planned = sent.plan(content)
    assert [stated.judged.address for stated in planned.new] == ["b@ecole.be"]
    ((stated, far),) = planned.waiting
    assert (stated.row, far.stated, far.known) == (2, OTHER, known)
    assert planned.summary()["waiting"] == 1
    assert planned.summary()["far_names"] == [
        {"row": 2, "fase": 9300, "address": "a@ecole.be", "stated": OTHER, "known": known}
    ]
    (left,) = planned.left_out
    assert (left.row, left.column) == (2, header)
    assert OTHER in left.message
    assert known in left.message
    for confirmed in ({2}, None):
        assert len(sent.plan(content, confirmed=confirmed).new) == 2


@pytest.mark.long
def test_while_a_name_waits_a_complete_list_retires_nothing_that_may_be_meant(sent):
    sent.apply("fase;adresse\n9300;old@ecole.be\n9301;a@ecole.be\n9301;old@ecole.be\n")
    content = f"nom_po;fase;adresse\n{OTHER};9300;a@ecole.be\n"
    retired = {(each.fase, each.address) for each in sent.plan(content, complete=True).withdrawn}
    assert (9301, "old@ecole.be") in retired
    assert not {(9300, "old@ecole.be"), (9301, "a@ecole.be")} & retired
    planned = sent.plan(content, complete=True, confirmed={2})
    assert {(9300, "old@ecole.be"), (9301, "a@ecole.be")} <= {(each.fase, each.address) for each in planned.withdrawn}


@pytest.mark.long
def test_an_address_in_use_of_which_nothing_changes_waits_for_nothing(sent):
    content = f"nom_po;fase;adresse;fonction\n{OTHER};9300;{DERIVED};"
    assert sent.plan(f"{content}\n").waiting == []
    assert len(sent.plan(f"{content}Direction\n").waiting) == 1


def test_every_column_is_read_set_aside_or_unknown(sent):
    planned = sent.plan("FASE;Courriel;Nom du contact;Nom;École;N° FASE école;Rue;Couleur\n9300;a@ecole.be\n")
    assert planned.summary()["columns"] == {
        "read": {
            "authority": "FASE",
            "address": "Courriel",
            "name": "Nom du contact",
            "organisation": "Nom",
            "school_name": "École",
            "school": "N° FASE école",
        },
        "chosen": [],
        "set_aside": ["Rue"],
        "unknown": ["Couleur"],
    }


def test_a_list_that_brings_an_erased_address_back_says_so_at_its_line(session, sent, now):
    key = "a key that was drawn at random, 61f0"
    session.info[digests.INFO] = key
    digest = digests.digest_of(key, "zoe.marquee@ecole.example")
    session.add(Erasure(digest=digest, key=digests.sign_of(key), erased_at=now, erased_by="ada@fwb.example"))
    plan = sent.plan("FASE;Adresse\n9300;Zoe.Marquee@ecole.example\n9300;direction@ecole.example\n")
    (rejected,) = plan.rejected
    assert (rejected.row, "on ne lui écrit plus" in rejected.message) == (2, True)
    assert [stated.judged.address for stated in plan.new] == ["direction@ecole.example"]
