"""Who answers may say so, and have one copy of the receipt sent: kept for staff, judged, and nothing typed is lost."""

import csv
import io

import pytest
from sqlalchemy import select

from outreach.delivery.models import Mailing, Message, Purpose
from outreach.engagement.replies import Respondent, Response
from tests.pages import text_of
from tests.web.test_responses import letters

__all__ = ["letters"]
BOX = "po009002@adm.fwb.example"
WHO = {"name": "Zoé Dubois", "function": "Préfète"}


@pytest.fixture
def few(letters, sample_database):
    """The answer address of the letter to BOX, which is about few schools."""
    with sample_database.reading() as session:
        return letters[session.scalars(select(Message.authority_id).where(Message.address == BOX)).first()]


@pytest.mark.long
def test_the_name_and_function_are_kept_with_the_response_and_shown_and_exported_to_staff(
    author, client, few, sample_database
):
    client.post(few, data={"answer": "help", **WHO})
    assert "Répondu par Zoé Dubois, Préfète" in text_of(author.get("/responses/1"))
    (row,) = csv.DictReader(io.StringIO(author.get("/responses/export.csv").text.removeprefix("\ufeff")), delimiter=";")
    assert (row["Répondu par"], row["Fonction"]) == ("Zoé Dubois", "Préfète")
    assert "Zoé" not in client.get(few).text
    client.post(few, data={"answer": "in_preparation", "name": " ", "function": ""})
    with sample_database.reading() as session:
        assert len(session.scalars(select(Respondent)).all()) == 1
        assert all("Zoé" not in letter for letter in session.scalars(select(Mailing.letter)))


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("name", "x" * 121, "Votre nom : 120 caractères au plus"),
        ("function", "a\u202eb", "Votre fonction : Le texte contient un caractère interdit"),
        ("copy_to", "pas une adresse", "il manque le signe @"),
        ("copy_to", BOX, "une autre adresse que celle qui a reçu le courriel"),
        ("copy_to", "\u0430nne@ecole.be", "plusieurs alphabets"),
        ("copy_to", "noreply@ecole.be", "un automate"),
    ],
)
def test_what_cannot_be_taken_says_so_at_its_field_and_loses_nothing(client, few, sample_database, field, typed, words):
    form = {"answer": "joined", "comment": "Bien.", **WHO, field: typed}
    page = client.post(few, data=form)
    assert page.status_code == 422
    said = page.text.replace("\u00a0", " ").replace("\u202f", " ")
    assert words in said
    assert f'href="#{field}"' in said
    assert page.text.count(f'id="{field}-error"') == 1
    assert "\nBien.</textarea>" in said
    assert 'value="joined" checked' in said
    with sample_database.reading() as session:
        assert session.scalars(select(Response)).all() == []


@pytest.mark.long
def test_a_copy_is_offered_once_and_its_page_says_where_it_goes(client, few, sample_database):
    page = client.post(few, data={"answer": "joined", "copy_to": " prefet@ecole.be "}, follow_redirects=True)
    assert "Une copie part vers prefet@ecole.be" in text_of(page)
    assert 'name="copy_to"' not in client.get(few).text
    again = client.post(few, data={"answer": "help", "copy_to": "autre@ecole.be"})
    assert (again.status_code, "est déjà partie pour ce courriel" in again.text) == (422, True)
    with sample_database.reading() as session:
        query = select(Message.address).join(Mailing).where(Mailing.purpose == Purpose.CONFIRMATION)
        assert session.scalars(query.order_by(Message.id)).all() == [BOX, "prefet@ecole.be"]
