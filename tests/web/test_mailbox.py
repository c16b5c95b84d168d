"""The demonstration's mailbox: its page, and how it takes letters."""

import smtplib

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.core.settings import read
from outreach.core.text.links import ACCOUNT_LIST
from outreach.delivery.received import ReceivedMail
from outreach.delivery.smtp import Guard, Parcel, Pool, Relay, State
from outreach.directory.models import Contact
from outreach.operations.demo import mailbox, people
from outreach.web.app import create_app
from tests.conftest import NOW
from tests.delivery.letters.test_mime import whole, wire
from tests.machine import free_port
from tests.pages import PageClient, links


@pytest.fixture
def folder(app, tmp_path):
    """A mailbox that holds one letter, put there by SMTP."""
    place = mailbox.folder_of(app.extensions["outreach.settings"].data)
    port = free_port()
    with mailbox.serving(f"127.0.0.1:{port}", place), smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("b@x.example", ["po@adm.fwb.example"], wire("Une lettre pour vous", **whole()))
    yield place
    for path in (place / "new").iterdir():
        path.unlink()


def test_a_letter_with_a_link_to_choose_a_password_is_shown_to_administrators_only(signed_in, app):
    place, port = mailbox.folder_of(app.extensions["outreach.settings"].data), free_port()
    named = {**whole(), "list_id": f"<{ACCOUNT_LIST}.courriel.example>"}
    with mailbox.serving(f"127.0.0.1:{port}", place), smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("b@x.example", ["lea@adm.fwb.example"], wire("Votre compte", **named))
    (path,) = mailbox.letters_in(place, of_accounts=True)
    seen = {}
    for role in ("administrator", "reader", "author"):
        person = signed_in(role)
        listed = "Votre compte" in person.get("/mailbox").text
        opened = [FlaskClient.open(person, f"/mailbox/{path.name}{part}").status_code for part in ("", "/html")]
        seen[role] = listed, *opened
    path.unlink()
    assert seen == {"administrator": (True, 200, 200), "reader": (False, 404, 404), "author": (False, 404, 404)}


@pytest.mark.one_example
@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_a_letter_in_a_charset_nobody_knows_is_shown_as_far_as_it_goes(author, folder, kind):
    head = f"From: a@x.example\r\nTo: b@x.example\r\nSubject: x\r\nContent-Type: {kind}; charset=x-martien\r\n\r\n"
    path = folder / "new" / "martien"
    path.write_bytes(head.encode() + b"Bonjour \xff\r\n")
    assert author.get("/mailbox").status_code == 200
    for view in ("html", "text", "source"):
        assert author.get(f"/mailbox/{path.name}?view={view}").status_code == 200
    letter = mailbox.letter(folder, path.name)
    assert "Bonjour" in (letter.text or letter.html)


@pytest.mark.long
def test_a_letter_is_shown_as_a_mail_program_would_and_as_text_and_as_source(author, folder):
    index = author.get("/mailbox")
    assert "Une lettre" in index.text
    (path,) = (folder / "new").iterdir()
    for view, words in (("html", "<iframe"), ("text", "Bonjour nadia.lambert"), ("source", "List-Unsubscribe-Post")):
        page = author.get(f"/mailbox/{path.name}?view={view}")
        assert words in page.text
    whole_letter = f"/mailbox/{path.name}/html"
    assert whole_letter in [place for place, _ in links(author.get(f"/mailbox/{path.name}"))], "beside its frame"
    assert "nadia.lambert@fwb.example" in FlaskClient.open(author, whole_letter).text
    assert author.get(f"/mailbox/{path.name}?view=x").status_code == 404


def test_the_letter_s_own_page_runs_nothing_and_loads_nothing(author, folder):
    (path,) = (folder / "new").iterdir()
    shown = FlaskClient.open(author, f"/mailbox/{path.name}/html")
    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "script" not in policy


def test_letters_are_searched_by_subject_recipient_authority_and_programme(author, folder):
    assert "1\u00a0courriel" in author.get("/mailbox?q=LETTRE").text.replace("\u202f", "\u00a0").replace(" ", "\u00a0")
    assert "po@adm" not in author.get("/mailbox?q=introuvable").text
    sentence = "Athénée d’Uccle : il porte sur Plan lecture, volet 2."
    mailbox.keep(folder, wire("Une lettre", **{**whole(), "text": sentence}), NOW)
    found = {
        words: len(mailbox.letters_in(folder, words))
        for words in ("une lettre", "athenee UCCLE", "volet lecture", "ecture")
    }
    assert found == {"une lettre": 2, "athenee UCCLE": 1, "volet lecture": 1, "ecture": 0}
    assert author.get("/mailbox/..%2f..%2fsecret").status_code == 404


@pytest.mark.one_example
@pytest.mark.parametrize("key", ["x" * 300, "%00", "..", "%2e%2e%2fx"])
def test_a_name_that_no_file_has_is_a_missing_letter(author, folder, key):
    assert author.get(f"/mailbox/{key}").status_code == 404


def test_a_letter_is_answered_where_it_arrived_once_and_only_by_who_writes(author, signed_in, folder, sample_database):
    with sample_database.reading() as session:
        contact = session.scalars(select(Contact).where(Contact.retired_at.is_(None)).order_by(Contact.id)).first()
        address, owner = contact.address, contact.authority_id
    head = f"From: S\u00e9 <s@x.example>\r\nTo: {address}\r\nSubject: Volet\r\nMessage-ID: <1@x>\r\n\r\nBonjour\r\n"
    (folder / "new" / "une").write_bytes(head.encode())
    place = "/mailbox/une"
    assert author.send(f"{place}/reply", {"text": " "}, page=place).status_code == 422
    for _ in range(2):
        assert author.send(f"{place}/reply", {"text": "Oui.\nX: y"}, page=place).location == "/responses/mails"
    with sample_database.reading() as session:
        (kept,) = session.scalars(select(ReceivedMail)).all()
        assert (kept.authority_id, kept.text, kept.subject) == (owner, "Oui.\nX: y", "Re: Volet")
        assert "> Bonjour" in kept.folded
    assert "Répondre" not in signed_in("reader").get(place).text


@pytest.mark.long
def test_outside_a_demonstration_there_is_no_such_mailbox(sample_database, templates, password):
    settings = read({"OUTREACH_DATA": str(templates.data), "OUTREACH_SMTP_URL": "smtp://relay"})
    app = create_app(settings, sample_database)
    app.test_client_class = PageClient
    client = app.test_client()
    client.sign_in(people.person_for("author").email, password)
    assert client.get("/mailbox").status_code == 404
    assert "/mailbox" not in client.get("/directory").text


def test_a_closed_socket_without_a_dot_is_not_accepted(tmp_path):
    """By a mail server that is not ours. Once it has taken the second letter it has seen the first socket close."""
    port = free_port()
    relay = Relay.at(f"smtp://127.0.0.1:{port}", "x.example")
    with mailbox.serving(f"127.0.0.1:{port}", tmp_path / "box"):
        for subject in ("Sans point", "Avec point"):
            pool, results = Pool([relay], Guard(anybody=True)), []
            pool.open(1)
            pool.wait(20, lambda pool=pool: pool.count(State.READY) == 1)
            pool.hand(Parcel(1, "b@x.example", "po@adm.fwb.example", wire(subject, **whole())))
            pool.wait(20, lambda pool=pool: len(pool.at_dot()) == 1)
            if subject == "Avec point":
                pool.release({1})
                pool.wait(20, lambda pool=pool, results=results: results.extend(pool.collect()) or results)
            pool.abandon({1})
            pool.close()
    kept = mailbox.page(mailbox.letters_in(tmp_path / "box"))
    assert [letter.subject for letter in kept] == ["Avec point"]
