"""The public page of a note: nothing before it is published, then its counts, its corrections and how to check it."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event

from outreach.reports import notes
from outreach.reports.notes import Correction, TableKind
from outreach.reports.notes._content import FigureChange
from tests.conftest import NOW
from tests.factories import APPROVER
from tests.pages import links
from tests.reports.notes.contents import HOSTILE, content, zones
from tests.reports.notes.published import approved, published

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_how_figures_are_revised_is_said_to_everybody(client, sample_database, full):
    number = published(sample_database, full, KEY)
    (address,) = [
        one for one, words in links(client.get(f"/n/{number}")) if words == "Comment nos chiffres se révisent"
    ]
    assert "Ce qui peut changer un chiffre du passé" in client.get(address).text


@pytest.fixture
def full():
    """A note with a map, a table by federation and an author's text."""
    federations = replace(zones(), kind=TableKind.FEDERATION, title="Volet 1, par fédération")
    return replace(content(), tables=(*content().tables, zones(), federations), text=HOSTILE)


def test_a_note_has_no_page_until_it_is_published(client, sample_database, full):
    number = approved(sample_database, full, KEY)
    before = client.get(f"/n/{number}")
    assert before.status_code == 404
    assert full.title not in before.text
    with sample_database.writing() as session:
        notes.publish_note(session, number, now=NOW, actor=APPROVER)
    assert client.get(f"/n/{number}").status_code == 200


def test_an_unpublished_number_costs_what_a_free_one_does(client, sample_database, full):
    number, statements = approved(sample_database, full, KEY), []
    client.get("/n/2021-999")  # the first connection has statements of its own
    event.listen(sample_database._reader, "before_cursor_execute", lambda *told: statements.append(told[2]))
    client.get(f"/n/{number}")
    of_a_given_one = list(statements)
    statements.clear()
    client.get("/n/2021-999")
    assert of_a_given_one == statements
    assert statements


@pytest.mark.parametrize("number", ["2021-999", "x", "é" * 40, "x" * 5000, "%00", "2021-001 or 1"])
def test_any_other_number_is_a_page_that_says_so(client, number):
    page = client.get(f"/n/{number}")
    assert page.status_code == 404
    assert "Aucune note publiée" in page.text


def test_the_page_has_the_counts_and_how_to_check_them_and_nothing_of_the_authors(client, sample_database, full):
    number = published(sample_database, full, KEY)
    page = client.get(f"/n/{number}")
    assert "Non\u00a0: 14 des 147 écoles du réseau WBE ont adhéré." in page.text
    assert page.text.count('stroke="#767884"/>') == 10, "a zone each, on the map"
    assert "Aucune vague n’est partie à cette date." in page.text
    assert full.sha256() in page.text
    with sample_database.reading() as session:
        note = notes.by_number(session, number)
        assert note.approval.signature in page.text
        (file,) = notes.files_of(session, note)
        assert file.sha256 in page.text
    for absent in ("reçu", "set text", "fédération", "près de 100", "Connexions", APPROVER):
        assert absent not in page.text.split("<main")[1].split("Vérifier cette note")[0], absent


def test_the_page_sets_no_cookie_and_runs_nothing(client, sample_database, full):
    for address in (f"/n/{published(sample_database, full, KEY)}", "/n/key"):
        answer = client.get(address)
        assert "Set-Cookie" not in answer.headers
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script" not in policy
        assert "style=" not in answer.text
        assert "<script" not in answer.text


def test_a_correction_is_shown_on_both_pages_once_it_is_published(client, sample_database, full):
    old = published(sample_database, full, KEY)
    hidden = ("Connexions", "Volet 1, par fédération, CPEONS : Adhéré")
    labels = ("Volet 1, par réseau, WBE : Adhéré", *hidden)
    changes = tuple(FigureChange(label, "13", "14") for label in labels)
    told = Correction(old, full.sha256(), "Une liste est arrivée tard.", changes)
    new = approved(sample_database, replace(full, correction=told), KEY, corrects=old)
    assert new not in client.get(f"/n/{old}").text
    with sample_database.writing() as session:
        notes.publish_note(session, new, now=NOW, actor=APPROVER)
    before, after = client.get(f"/n/{old}").text, client.get(f"/n/{new}").text
    assert f'href="/n/{new}"' in before
    assert f'href="/n/{old}"' in after
    for page in (before, after):
        assert "Une liste est arrivée tard." in page
        assert f"Chiffres de la note {old} qui changent" in page
        assert labels[0].replace(" :", "\u00a0:") in page
        assert [label for label in hidden if label.split(" :")[0] in page] == [], "no page shows these figures"


def test_every_key_that_signed_a_note_stays_readable(client, sample_database, full, app):
    former = Ed25519PrivateKey.generate()
    approved(sample_database, full, former)
    page = client.get("/n/key").text
    current = notes.signing_key(app.extensions["outreach.settings"])
    for key in (former, current):
        public = notes.public_key_of(key)
        assert notes.pem(public).splitlines()[1] in page.replace("&#43;", "+")
        assert notes.key_fingerprint(public) in page
