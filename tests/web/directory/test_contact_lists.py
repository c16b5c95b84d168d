"""Contacts by file on the pages: four screens, from the file to undoing it."""

import io

import pytest
from sqlalchemy import select

from outreach.directory import authorities, contacts
from outreach.engagement.mailboxes import ContactList
from tests.core.tables.books import BOMB, changed, workbook
from tests.pages import cells, elements, form_of, text_of

PLACE = "/directory/contact-lists"
BOMBED = changed(workbook(["a"]), "xl/sharedStrings.xml", lambda text: BOMB + text.replace("<t>a", "<t>&h;"))
DERIVED = "po009300@adm.fwb.example"


def upload(author, content, name="contacts.csv", **fields):
    return author.send(PLACE, {"file": (io.BytesIO(content), name), **fields})


def addresses(database, fase=9300):
    with database.reading() as session:
        known = contacts.contacts_of(session, authorities.authority_by_fase(session, fase))
        return {held.address for held in known if held.retired_at is None}


@pytest.mark.journey
@pytest.mark.long
def test_a_list_is_seen_applied_corrected_and_undone(author, sample_database, while_writing):
    assert "Importer des contacts" in text_of(author.get("/directory"))
    rows = "9300;a@ecole.be;Anne;Directrice", "9301;b@;;", f"9300;{DERIVED};Paul;", "9300;abuse@ecole.be;;"
    place = upload(author, "\n".join(("FASE;Courriel;Nom;Fonction;Couleur", *rows)).encode(), complete="y").location
    shown = author.get(place)
    said = text_of(shown)
    assert "Nouvelles 2 Précisées 1 Inchangées 0" in said
    assert "Colonnes lues : FASE, Courriel, Nom, Fonction." in said
    assert "Colonnes inconnues, non lues : Couleur." in said
    assert "B3 Courriel" in said
    assert "Adresses à relire" in said
    assert "pouvoirs organisateurs n’auront plus aucune adresse" in said
    assert addresses(sample_database) == {DERIVED}, "a list that was received changes nothing"
    application = form_of(shown, f"{place}/application")
    assert author.post(f"{place}/application", data={**application, "version": "9-9-9-9"}).status_code == 409
    assert author.post(f"{place}/application", data=application).status_code == 302
    assert addresses(sample_database) == {DERIVED, "a@ecole.be", "abuse@ecole.be"}
    assert addresses(sample_database, 9302) == set()
    applied = author.get(place)
    assert "Ajoutées 2 Précisées 1" in text_of(applied)
    faults = author.get(f"{place}/rejected.csv").data.decode("utf-8-sig").splitlines()
    assert faults[0] == "FASE;Courriel;Nom;Fonction;Couleur;erreur"
    assert len(faults) == 2
    assert "Paul" not in faults[1]
    author.post(f"{place}/withdrawal", data=form_of(author.get(f"{place}/withdrawal"), f"{place}/withdrawal"))
    assert addresses(sample_database) == {DERIVED}
    assert addresses(sample_database, 9302) == {"po009302@adm.fwb.example"}
    assert [tag.text for tag in elements(author.get(place), "span[@data-color]")][:1] == ["Annulée"]


@pytest.mark.journey
@pytest.mark.long
def test_names_far_from_their_number_are_shown_and_applied_only_when_ticked(author, sample_database):
    name = "Administration communale de Namur"
    rows = (f"{name};9300;{letter}@ecole.be;Rue" for letter in "abc")
    content = "\n".join(("Nom du PO;FASE;Courriel;Rue", *rows)).encode()
    with sample_database.reading() as session:
        known = authorities.authority_by_fase(session, 9300).display_name
    place = upload(author, content).location
    shown = author.get(place)
    said = text_of(shown)
    assert "Nouvelles 0" in said
    assert "À confirmer 3" in said
    assert "3 lignes rejetées, dont 3 à confirmer" in said
    assert f"{name} {known} ( PO 9300 )" in said
    assert "Colonnes connues, laissées de côté : Rue." in said
    form = form_of(shown, f"{place}/application")
    assert author.post(f"{place}/application", data=form).status_code == 409
    assert author.post(f"{place}/application", data={**form, "confirmed": "2"}).status_code == 302
    assert addresses(sample_database) == {DERIVED, "a@ecole.be"}
    faults = author.get(f"{place}/rejected.csv").data.decode("utf-8-sig").splitlines()
    assert [line.split(";")[2] for line in faults] == ["Courriel", "b@ecole.be", "c@ecole.be"]
    place = upload(author, content).location
    form = {"csrf_token": form["csrf_token"], "version": "0-0-1-0", "seen": ["3", "4"], "all": "y"}
    assert author.post(f"{place}/application", data=form).status_code == 302
    assert addresses(sample_database) == {DERIVED, "a@ecole.be", "b@ecole.be", "c@ecole.be"}


@pytest.mark.long
def test_two_addresses_of_a_cell_wait_for_one_word(author, sample_database):
    name = "Administration communale de Namur"
    place = upload(author, f"nom_po;fase;courriel\n{name};9300;a@ecole.be et b@ecole.be\n".encode()).location
    shown = author.get(place)
    assert "À confirmer 2" in text_of(shown)
    form = {**form_of(shown, f"{place}/application"), "confirmed": "2"}
    assert author.post(f"{place}/application", data=form).status_code == 302
    assert addresses(sample_database) == {DERIVED, "a@ecole.be", "b@ecole.be"}


@pytest.mark.long
def test_the_example_is_a_list_that_can_be_read(author):
    content = author.get(f"{PLACE}/example.csv").data
    shown = cells(elements(author.get(PLACE), "table")[0])
    assert [";".join(row) for row in shown] == content.decode("utf-8-sig").splitlines(), "as the page shows it"
    assert "Nouvelles" in text_of(author.get(upload(author, content).location))


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"fase;zone\n80001;1", 422, "Colonnes manquantes : adresse e-mail."),
        (b"fase;adresse" + b"\n1;a" * 100_001, 422, "plus de 100 000 lignes"),
        (b"fase;adresse\n" + b"x" * 16_000_000, 413, "s’importe entière"),
        (BOMBED, 422, "Fichier illisible"),
        (b"\x7fELF\x02\x01\x01;\x00", 422, "Fichier illisible"),
    ],
    ids=["no address", "100,001 rows", "16 MB", "a bomb", "no table"],
)
def test_a_file_that_cannot_be_taken_is_refused_by_a_sentence_and_nothing_is_kept(
    author, sample_database, content, status, said
):
    refused = upload(author, content)
    assert refused.status_code == status
    assert said in text_of(refused)
    with sample_database.reading() as session:
        assert session.scalars(select(ContactList.id)).all() == []


def test_a_reader_imports_nothing(signed_in):
    reader = signed_in("reader")
    assert [reader.get(place).status_code for place in (PLACE, f"{PLACE}/1")] == [403, 403]
