"""Files as people have them, with titles, headers of their own and cells to mend, from the page to what they change."""

import csv
import io

import pytest
from sqlalchemy import delete, select

from outreach.adherence import programmes, situation
from outreach.adherence.situation import Bucket, Selection
from outreach.core.tables import ColumnMatching
from outreach.directory.models import Authority, Contact, School
from tests.conftest import STORY_DAY
from tests.core.tables.books import workbook
from tests.directory.editions import HEADER, edition, row
from tests.pages import elements, form_of, text_of

TITLES = (["Direction générale de l’enseignement"], [], ["Situation au 30/06/2021", "", "", "version 2"])


def send(author, place, *rows, **fields):
    """Send a workbook with titles above its rows; the page to which that leads."""
    sent = author.send(place, {"file": (io.BytesIO(workbook(*TITLES, *rows)), "Classeur1.xlsx"), **fields})
    assert sent.status_code == 302, text_of(sent)
    return sent.location


def match(author, place, said):
    """Say what the columns at some places are, the others as the page takes them; what the page answers."""
    form = form_of(author.get(f"{place}/columns"), f"{place}/columns")
    return author.post(f"{place}/columns", data=form | {f"column-{at}": word for at, word in said.items()})


def apply(author, place):
    shown = author.get(place)
    assert author.post(f"{place}/application", data=form_of(shown, f"{place}/application")).status_code == 302
    return text_of(shown)


@pytest.mark.journey
@pytest.mark.long
def test_contacts_are_matched_once_mended_and_applied(author, sample_database, while_writing):
    rows = [
        ["Matricule", "Boîte élec.", "Portable", "Ancien"],
        [9300.0, "<mailto:a@ec.be>", "à voir", 9303],
        ["PO 9301", "b@ec.be et c@ec.be.", "", 9304],
    ]
    place = send(author, "/directory/contact-lists", *rows)
    assert author.get(place).location == f"{place}/columns"
    asks = text_of(author.get(f"{place}/columns"))
    assert (
        "1 colonne requise n’est pas reconnue : numéro FASE du PO. Dites quelle colonne du fichier la contient" in asks
    )
    offered = {tag.text for tag in elements(author.get(f"{place}/columns"), "select[@name='column-3']/option")}
    assert {"numéro FASE du PO (requise)", "adresse e-mail (requise)", "nom du PO", "Ne pas lire"} <= offered
    refused = match(author, place, {})
    assert refused.status_code == 422
    assert "Colonnes manquantes : numéro FASE du PO." in text_of(refused)
    assert match(author, place, {0: "authority", 2: "phone"}).location == place
    said = apply(author, place)
    assert "en-tête à la ligne 4" in said
    assert "4 cellules réparées" in said
    assert "B5 Boîte élec. « <mailto:a@ec.be> » est lu « a@ec.be »." in said
    with sample_database.reading() as session:
        added = select(Contact.address).where(Contact.address.endswith("@ec.be"), Contact.retired_at.is_(None))
        assert set(session.scalars(added)) == {"a@ec.be", "b@ec.be", "c@ec.be"}
        (kept,) = session.scalars(select(ColumnMatching)).all()
        assert (kept.kind, kept.matched_by) == ("contact-lists", "nadia.lambert@fwb.example")
    again = send(
        author,
        "/directory/contact-lists",
        ["MATRICULE", "boite élec", "portable", "ancien"],
        [9302, "d@ec.be", "", 9305],
    )
    assert "Nouvelles 1" in text_of(author.get(again)), "what was said holds for the next file with this header"


def test_of_two_columns_of_addresses_the_page_says_that_it_reads_both_and_lets_say_otherwise(author):
    rows = ["PO", "E-mail direction", "E-mail secrétariat"], ["Erezée (9300)", "a@ec.be", "b@ec.be"], [9301, "c@ec.be"]
    place = send(author, "/directory/contact-lists", *rows)
    said = text_of(author.get(place))
    assert "les colonnes « E-mail direction » et « E-mail secrétariat » sont lues" in said
    assert "A5 PO « Erezée (9300) » est lu « 9300 »." in said
    assert "Nouvelles 3" in said
    assert match(author, place, {1: "", 2: "address"}).location == place
    assert "Nouvelles 1" in text_of(author.get(place))


@pytest.mark.long
def test_joinings_are_understood_mended_and_applied(author, sample_database):
    with sample_database.reading() as session:
        programme = programmes.get_programme(session)
        (found, *_) = situation.list_situation_schools(session, programme, STORY_DAY, Selection(1, Bucket.NONE)).page(
            1, 20
        )
        fase = found.School.fase
    place = send(
        author,
        "/adherence/lists",
        ["Matricule", "Volet", "Réponse", "Depuis"],
        [f"École {fase}", 1, "oui", "10/05/2021"],
    )
    said = apply(author, place)
    assert f"« École {fase} » est lu « {fase} »." in said
    assert "Colonnes lues : Matricule (numéro FASE de l’école), Volet, Réponse, Depuis." in said
    assert "1 statut enregistré" in text_of(author.get(place)).replace(
        "\u00a0", " "
    ) or "Statuts enregistrés 1" in text_of(author.get(place))


@pytest.mark.long
def test_an_edition_of_the_register_is_matched_mended_and_applied(author, sample_database):
    rows = [
        *csv.reader(
            io.StringIO(edition(row(authority="PO 9999", school="89998.0", site=79998)).decode().lstrip("\ufeff")),
            delimiter=";",
        )
    ]
    header = ["Matricule du PO" if name == "N° FASE du P.O." else name for name in HEADER.split(";")]
    place = send(author, "/directory/register", header, *rows[1:], day="2021-05-15")
    assert match(author, place, {header.index("Matricule du PO"): "authority"}).location == place
    said = apply(author, place)
    assert "« PO 9999 » est lu « 9999 »." in said
    with sample_database.reading() as session:
        assert 9999 in session.scalars(select(Authority.fase)).all()
        assert 89998 in session.scalars(select(School.fase)).all()


@pytest.mark.long
def test_an_applied_list_is_not_matched_anew(author):
    place = send(author, "/directory/contact-lists", ["fase", "courriel"], [9300, "a@ec.be"])
    apply(author, place)
    assert author.get(f"{place}/columns").status_code == 409


@pytest.mark.journey
@pytest.mark.long
def test_the_rejected_lines_are_understood_when_they_come_back_corrected(author, sample_database):
    """Titles of their own, which a person said: the file of rejected lines needs nobody, and no memory."""
    rows = ["Matricule", "Privé", "Service"], [9300, "x@ec.be", "a@ec.be"], [99999, "y@ec.be", "b@ec.be"]
    place = send(author, "/directory/contact-lists", *rows)
    match(author, place, {0: "authority", 2: "address"})
    apply(author, place)
    lines = author.get(f"{place}/rejected.csv").data.decode("utf-8-sig").splitlines()
    assert lines[0] == "Matricule [fase];Privé;Service [adresse];erreur"
    with sample_database.writing() as session:
        session.execute(delete(ColumnMatching))
    for fase, shown in ((99998, "Nouvelles 0"), (9301, "Nouvelles 1")):
        corrected = "\n".join(lines).replace("99999", str(fase), 1)
        sent = author.send("/directory/contact-lists", {"file": (io.BytesIO(corrected.encode()), "lignes.csv")})
        assert sent.status_code == 302, text_of(sent)
        assert shown in text_of(author.get(sent.location))
        again = author.get(f"{sent.location}/rejected.csv").data.decode("utf-8-sig").splitlines()
        assert again[0] == lines[0]


@pytest.mark.journey
@pytest.mark.long
def test_what_a_person_said_of_a_file_holds_for_its_rejected_lines(author, sample_database):
    rows = ["FASE", "Courriel", "Téléphone"], [9300, "a@ec.be", "02 555 12 34"], [99999, "b@ec.be", "02 555 12 35"]
    place = send(author, "/directory/contact-lists", *rows)
    match(author, place, {2: ""})
    apply(author, place)
    content = author.get(f"{place}/rejected.xlsx").data
    sent = author.send("/directory/contact-lists", {"file": (io.BytesIO(content), "lignes.xlsx")})
    assert sent.status_code == 302, text_of(sent)
    assert "Colonnes lues : FASE, Courriel." in text_of(author.get(sent.location))


def test_joinings_whose_schools_have_a_title_of_their_own_are_understood(author, sample_database):
    with sample_database.reading() as session:
        fases = session.scalars(select(School.fase).order_by(School.fase).limit(3)).all()
    rows = ["Matricule", "PO", "Volet", "Adhésion", "Date"], *([fase, 9300, 1, "oui", "10/05/2021"] for fase in fases)
    place = send(author, "/adherence/lists", *rows)
    assert f"FASE {fases[2]}" in text_of(author.get(place)), "no question is asked"
