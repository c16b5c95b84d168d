"""What is known of an address in words that people read: every table and column is named, every value is said."""

import json

import pytest
from sqlalchemy import Enum, LargeBinary, select, update

from outreach.core import erasure
from outreach.core.db import Base
from outreach.core.sandbox.pdf import settable
from outreach.core.tables import ListState
from outreach.delivery.models import Composition, Message
from outreach.directory.models import Contact
from outreach.engagement.mailboxes import ContactList
from outreach.operations.retention import _person_data as person_data
from outreach.operations.retention import _person_report as person_report
from outreach.web import app
from tests.conftest import NOW


def told(database, address, most=100):
    """The tables about an address, by their names."""
    with database.reading() as session:
        known = person_data.known_of(session, address)
        return {table.name: table for table in person_report.readable_tables(session, known, most=most)}


@pytest.fixture
def address(three_answered):
    with three_answered.reading() as session:
        return session.scalars(select(Message.address).order_by(Message.id)).first()


def told_columns():
    """The tables of which something may be told, and their columns."""
    assert app, "with it every table is known"
    of = Base.metadata.sorted_tables
    told = [
        table
        for table in of
        if erasure.texts_of(table, person_data.SECRETS.get(table.name, ())) or [*person_data._links(table)]
    ]
    shown = [
        column
        for table in told
        for column in table.columns
        if not isinstance(column.type, LargeBinary) and column.name not in person_data.SECRETS.get(table.name, set())
    ]
    return told, shown


def test_every_table_and_column_that_may_be_told_has_its_words_and_every_choice_too():
    told, shown = told_columns()
    assert {table.name for table in told} - set(person_report.TITLES) == set(), "give these a title in labels.toml"
    unnamed = {column.name for column in shown if person_report.label(column.table.name, column.name) == column.name}
    assert unnamed == set(), "give these a label in labels.toml"
    choices = {
        type(member): member for column in shown if isinstance(column.type, Enum) for member in column.type.enum_class
    }
    unlabelled = [kind.__name__ for kind, member in choices.items() if not hasattr(member, "label")]
    unsaid = [name for name in unlabelled if name not in person_report._CHOICES]
    assert unsaid == [], "say these in labels.toml"


def test_rows_say_names_days_and_letters_as_they_left(three_answered, address):
    read = told(three_answered, address)
    assert [*read] == [name for name in person_report.TITLES if name in read], "in the order of reading"
    (response,) = map(dict, read["responses"].rows)
    assert (response["Réponse"], response["Commentaire"]) == ("Besoin d’aide", "Appelez Ondine Vif.")
    assert response["Pouvoir organisateur"].endswith(")")
    assert "(FASE " in response["Pouvoir organisateur"]
    (letter,) = map(dict, read["compositions"].rows)
    assert letter["Objet"]
    assert len(letter["Texte"].splitlines()) > 3
    assert dict(read["messages"].rows[0])["Issue"] == "parti, accepté par le serveur d’envoi"
    (contact,) = map(dict, read["contacts"].rows)
    assert contact["Adresse de courriel"] == address
    assert "T09:" not in json.dumps([table.rows for table in read.values()]), "no moment as a program writes it"


def test_a_letter_that_was_emptied_says_so(three_answered, address):
    with three_answered.writing() as session:
        session.execute(update(Composition).values(content=""))
    assert [dict(row)["Texte"] for row in told(three_answered, address)["compositions"].rows] == ["plus conservé"]


def test_rows_beyond_the_most_are_counted(three_answered, address):
    table = told(three_answered, address, most=0)["messages"]
    assert (table.rows, table.count, table.left_out) == ([], 2, 2)


@pytest.mark.long
def test_of_a_list_that_was_sent_the_rows_of_others_are_not_handed_over(three_answered, address):
    rows = [[2, [address, "Ondine Vif"]], [3, ["autre@ecole.example", "Marc Roche"]]]
    rejected = [{"row": 3, "column": "", "message": "autre@ecole.example : inconnue"}]
    with three_answered.writing() as session:
        sent = {"sha256": "", "received_at": NOW, "received_by": "x@fwb.example", "complete": False}
        grid = json.dumps({"label": "", "header": ["adresse", "nom"], "records": rows})
        outcome = json.dumps({"added": 1, "rejected": rejected})
        session.add(ContactList(state=ListState.RECEIVED, grid=grid, outcome=outcome, **sent))
    with three_answered.reading() as session:
        (found,) = person_data.known_of(session, address)["contact_lists"]
    assert json.loads(found["grid"])["records"] == rows[:1]
    assert json.loads(found["outcome"]) == {"added": 1, "rejected": []}


@pytest.mark.parametrize(
    ("known", "named"),
    [
        (
            {"contacts": [{"id": 4}, {"id": 9}], "users": [{"id": 2}], "suppressions": [{"id": 1}]},
            "boîte 4, 9; compte 2",
        ),
        ({"suppressions": [{"id": 1}]}, "exclusion 1"),
        ({"audit_entries": [{"id": 1}]}, "aucune boîte de l’annuaire, aucun compte"),
    ],
)
def test_the_trail_names_a_person_by_numbers(known, named):
    assert person_data.named_by_number(known) == named


@pytest.mark.long
def test_the_pdf_takes_words_in_any_script(three_answered, address):
    with three_answered.writing() as session:
        session.execute(update(Contact).where(Contact.address == address).values(name="Ondine 😀 中\u200b"))
    shown = [*told(three_answered, address).values()]
    content = person_report.pdf_of(address, shown, "https://outreach.example", now=NOW)
    assert content.startswith(b"%PDF")
    assert b"/Lang(fr-BE)" in content
    assert content.count(b"/S/Table") > 1


def test_characters_that_no_font_has_are_said_by_their_number():
    assert settable("Élève 😀, Ђ\u0007\n中") == "Élève [U+1F600], Ђ\n[U+4E2D]"
