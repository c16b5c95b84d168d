"""The pages of administrators about a person: what is known of an address, shown and exported, with a second look."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.access.accounts import AccessLogEntry, TrailKind
from outreach.campaigns.correspondence import ServiceReply
from outreach.cli.running import job_child
from outreach.core import jobs
from outreach.core.erasure import _digests as digests
from outreach.core.jobs import Job, JobWork
from outreach.core.settings import Settings
from outreach.core.text.errors import TookTooLong
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Contact
from outreach.operations import retention
from outreach.web.pages.administration import persons as pages_of_persons
from outreach.web.sign_in.access_log_queue import EXTENSION
from tests.conftest import NOW
from tests.pages import form_of, links, text_of
from tests.web.test_replies import TEXT, helped
from tests.web.test_responses import letters, wbe

__all__ = ["helped", "letters", "wbe"]

PLACE = "/administration/persons"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """No page leaves an erasure to a job because the machine is slow."""
    monkeypatch.setattr(pages_of_persons, "PAGE_SECONDS", 60)


@pytest.fixture
def chief(signed_in):
    return signed_in("administrator")


@pytest.fixture
def address(launched_sample):
    with launched_sample.reading() as session:
        return session.scalars(select(Message.address).where(Message.reason.is_(None)).order_by(Message.id)).first()


def asked(chief, address, password):
    return chief.post(PLACE, data=form_of(chief.get(PLACE), PLACE) | {"address": address, "password": password})


def noted(app, database):
    assert app.extensions[EXTENSION].flush()
    with database.reading() as session:
        return [
            (line.kind, line.detail) for line in session.scalars(select(AccessLogEntry).order_by(AccessLogEntry.id))
        ]


@pytest.mark.long
def test_what_is_known_of_an_address_is_shown_and_exported_and_the_trail_has_no_address(
    app, chief, address, password, launched_sample
):
    assert (PLACE, "Personnes") in links(chief.get("/administration"))
    shown = asked(chief, f" {address.upper()} ", password)
    assert shown.status_code == 200
    assert "Courriels envoyés" in text_of(shown)
    typed = form_of(shown, f"{PLACE}/export.json")
    exported = chief.post(f"{PLACE}/export.json", data=typed)
    with launched_sample.reading() as session:
        known = retention.known_of(session, address)
    content = json.loads(exported.data)
    assert (content["address"].lower(), content["tables"].keys()) == (address, known.keys())
    read = chief.post(f"{PLACE}/export.pdf", data=typed)
    assert (read.mimetype, read.data[:4]) == ("application/pdf", b"%PDF")
    assert address not in read.headers["Content-Disposition"]
    boxes = f"boîte {', '.join(str(row['id']) for row in known['contacts'])}"
    lines = noted(app, launched_sample)
    assert lines == [
        (TrailKind.EXPORTED, f"à l’écran, données de : {boxes}"),
        (TrailKind.EXPORTED, f"données de : {boxes} (JSON)"),
        (TrailKind.EXPORTED, f"données de : {boxes} (PDF)"),
    ]
    assert "à l’écran, données de" in text_of(chief.get("/trail"))


@pytest.mark.long
def test_no_link_of_a_letter_works_in_what_is_shown_or_exported(app, chief, address, password, launched_sample):
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    token = keys.make(TokenKind.UNSUBSCRIBE, b"12345678")
    with launched_sample.writing() as session:
        session.execute(update(Contact).where(Contact.address_key == address).values(usage=f"voir /u/{token}"))
    shown = asked(chief, address, password)
    exported = chief.post(f"{PLACE}/export.json", data=form_of(shown, f"{PLACE}/export.json"))
    assert ("voir /u/" in shown.text, "voir /u/" in exported.text) == (True, True)
    assert token not in shown.text + exported.text


@pytest.mark.journey
@pytest.mark.long
def test_the_password_is_asked_once_in_ten_minutes_and_a_wrong_one_shows_nothing(
    app, chief, address, password, launched_sample
):
    refused = asked(chief, address, "faux")
    assert (refused.status_code, "Courriels envoyés" in text_of(refused)) == (422, False)
    assert f'value="{address}"' in refused.text
    without = form_of(chief.get(PLACE), PLACE) | {"address": address}
    assert chief.post(f"{PLACE}/export.json", data=without).status_code == 422
    assert asked(chief, "personne", password).status_code == 422
    assert asked(chief, address, password).status_code == 200
    assert "password" not in form_of(chief.get(PLACE), PLACE)
    settings = app.extensions["outreach.settings"]
    later = settings.clock_offset + timedelta(minutes=11).total_seconds()
    app.extensions["outreach.settings"] = settings.model_copy(update={"clock_offset": later})
    assert "password" in form_of(chief.get(PLACE), PLACE)
    assert chief.post(f"{PLACE}/export.pdf", data=without).status_code == 422


@pytest.mark.long
def test_only_administrators_open_it(signed_in):
    for role in ("reader", "author", "approver"):
        client = signed_in(role)
        assert client.get(PLACE).status_code == 403
        assert client.post(f"{PLACE}/export.json", data={"address": "x@ecole.example"}).status_code in {400, 403}


def test_an_address_that_nobody_knows_is_said_to_be_unknown(chief, password, sample_database):
    shown = asked(chief, "personne@ecole.example", password)
    assert "Le service ne sait rien de cette adresse." in text_of(shown)


def test_what_takes_too_long_for_a_page_is_offered_as_a_job(chief, address, password, launched_sample, monkeypatch):
    def slow(*_arguments):
        raise TookTooLong("trop long")

    monkeypatch.setattr(retention, "known_of", slow)
    shown = asked(chief, address, password)
    assert "Préparer le PDF" in text_of(shown)
    begun = chief.post(f"{PLACE}/export.pdf", data=form_of(shown, f"{PLACE}/export.pdf"))
    assert begun.location.startswith("/jobs/")
    with launched_sample.reading() as session:
        (job,) = session.scalars(select(Job))
    assert (job.address, json.loads(job.form)) == (f"{PLACE}/export.pdf", [["address", address]])


@pytest.mark.journey
@pytest.mark.long
def test_a_prepared_file_about_a_person_is_handed_over_for_a_proof_alone(
    app, chief, address, password, launched_sample, settings, monkeypatch
):
    known_of = retention.known_of
    monkeypatch.setattr(retention, "known_of", lambda *_: (_ for _ in ()).throw(TookTooLong("trop long")))
    shown = asked(chief, address, password)
    page = chief.post(f"{PLACE}/export.json", data=form_of(shown, f"{PLACE}/export.json")).location
    monkeypatch.setattr(retention, "known_of", known_of)
    with launched_sample.writing() as session:
        number, lease = jobs.claim_job(session, now=settings.instant())
    job_child.do(settings, launched_sample, JobWork(launched_sample, number, lease, settings.instant))
    assert address in chief.get(f"{page}/file").text, "proved a moment ago"
    for later in (timedelta(minutes=11), timedelta(minutes=22)):
        monkeypatch.setattr(Settings, "instant", lambda _, later=later: NOW + later)
        asks = chief.get(f"{page}/file")
        assert "Confirmez que c’est vous" in text_of(asks)
        assert address not in asks.text
        typed = form_of(asks, f"{page}/file")
        assert chief.post(f"{page}/file", data=typed | {"password": "faux"}).status_code == 422
        assert address in chief.post(f"{page}/file", data=typed | {"password": password}).text


@pytest.fixture
def erasable(launched_sample, address):
    """The address of a person, whose letter has left, in a database with a key for erasures."""
    launched_sample.info |= {digests.INFO: "a key that only this installation has, 4f1c"}
    with launched_sample.writing() as session:
        session.execute(update(Contact).where(Contact.address_key == address).values(mailbox_kind="personal"))
        left = {"state": MessageState.ACCEPTED, "fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}
        session.execute(update(Message).where(Message.address_key == address).values(left))
        return session.scalars(select(Message.id).where(Message.address_key == address)).first()


def erased(chief, address, password, again=""):
    page = chief.post(f"{PLACE}/erasure", data=form_of(asked(chief, address, password), f"{PLACE}/erasure"))
    typed = form_of(page, f"{PLACE}/erasure/confirmation")
    return page, typed, chief.post(f"{PLACE}/erasure/confirmation", data=typed | {"again": again or address})


@pytest.mark.long
def test_an_administrator_erases_an_address_that_was_typed_twice(chief, address, password, erasable, launched_sample):
    page = chief.post(f"{PLACE}/erasure", data=form_of(asked(chief, address, password), f"{PLACE}/erasure"))
    assert "Restent les notes signées" in text_of(page)
    assert "Adresses de l’annuaire" in text_of(page)
    typed = form_of(page, f"{PLACE}/erasure/confirmation")
    wrong = chief.post(f"{PLACE}/erasure/confirmation", data=typed | {"again": "autre@ecole.example"})
    assert (wrong.status_code, "Ce n’est pas la même adresse" in text_of(wrong)) == (422, True)
    with launched_sample.reading() as session:
        assert retention.known_of(session, address)["contacts"]
    done = chief.post(f"{PLACE}/erasure/confirmation", data=typed | {"again": address.upper()})
    assert "C’est fait" in text_of(done)
    with launched_sample.reading() as session:
        assert retention.known_of(session, address) == {}
    assert "Le service ne sait rien de cette adresse." in text_of(asked(chief, address, password))


@pytest.mark.long
def test_an_erasure_that_takes_long_is_a_job_which_keeps_no_address(
    chief, address, password, erasable, launched_sample, settings, monkeypatch
):
    monkeypatch.setattr(pages_of_persons, "PAGE_SECONDS", -1)
    before, _, begun = erased(chief, address, password)
    assert "une tâche les trouve et les efface" in text_of(before)
    assert "Adresses de l’annuaire" not in text_of(before)
    assert begun.location.startswith("/jobs/")
    with launched_sample.reading() as session:
        assert retention.known_of(session, address)["contacts"]
    with launched_sample.writing() as session:
        number, lease = jobs.claim_job(session, now=settings.instant())
    job_child.do(settings, launched_sample, JobWork(launched_sample, number, lease, settings.instant))
    assert "La personne est effacée" in text_of(chief.get(begun.location))
    with launched_sample.reading() as session:
        assert retention.known_of(session, address) == {}
        assert address not in session.get_one(Job, number).form


@pytest.mark.long
def test_a_name_that_others_bear_is_left_to_them(chief, address, password, erasable, launched_sample):
    with launched_sample.writing() as session:
        theirs = session.scalars(select(Contact).where(Contact.address_key == address)).first()
        other = session.scalars(select(Contact).where(Contact.address_key != address)).first()
        theirs.name = other.name = "Le Directeur"
        numbers = theirs.id, other.id
    page, typed, _ = erased(chief, address, password, again="autre@ecole.example")
    assert "Partent aussi, partout où ils se lisent : Le Directeur." in text_of(page)
    wrong = chief.post(f"{PLACE}/erasure/confirmation", data=typed | {"again": "", "kept": "Le Directeur"})
    assert "Reste ailleurs, comme vous le demandez : Le Directeur." in text_of(wrong)
    again = form_of(wrong, f"{PLACE}/erasure/confirmation")
    assert again["kept"] == "Le Directeur"
    chief.post(f"{PLACE}/erasure/confirmation", data=again | {"again": address})
    with launched_sample.reading() as session:
        assert [session.get(Contact, number).name for number in numbers] == ["", "Le Directeur"]


@pytest.mark.long
def test_without_a_fresh_proof_nothing_is_planned_or_erased(signed_in, address, erasable, launched_sample):
    stranger = signed_in("administrator")
    typed = form_of(stranger.get(PLACE), PLACE) | {"address": address, "again": address}
    for place in (f"{PLACE}/erasure", f"{PLACE}/erasure/confirmation"):
        refused = stranger.post(place, data=typed)
        assert (refused.status_code, "Restent" in text_of(refused)) == (422, False)
    with launched_sample.reading() as session:
        assert retention.known_of(session, address)["contacts"]


@pytest.mark.journey
@pytest.mark.long
def test_a_letter_to_an_erased_address_is_opened_by_administrators_alone_and_noted(
    app, chief, signed_in, address, password, erasable, launched_sample
):
    letter = f"/campaigns/1/letters/{erasable}"
    assert signed_in("author").get(letter).status_code == 200
    erased(chief, address, password)
    for role in ("reader", "author", "approver"):
        for page in (letter, f"{letter}/html"):
            refused = signed_in(role).get(page)
            assert (refused.status_code, "Seule l’administration" in text_of(refused)) == (409, True)
    assert chief.get(letter).status_code == 200
    assert noted(app, launched_sample)[-1] == (TrailKind.LETTER_OPENED, f"campagne 1, courriel {erasable}")


@pytest.mark.long
def test_what_was_written_back_to_an_erased_address_is_read_by_administrators_alone_and_noted(
    app, author, chief, helped, sample_database
):
    read = author.send("/responses/1/reply/preview", {"letter": TEXT}, page="/responses/1/reply")
    author.post("/responses/1/reply/sending", data=form_of(read, "/responses/1/reply/sending"))
    with sample_database.writing() as session:
        reply = session.scalars(select(ServiceReply)).one()
        theirs = update(Message).where(Message.id == reply.message_id)
        session.execute(theirs.values(address_key=digests.mark_of("0" * 64)))
        letter = reply.message_id
    for page in ("/responses/1", "/directory/9001/history"):
        text = text_of(author.get(page))
        assert ("Appelez-moi" in text, "Seule l’administration" in text) == (False, True), page
    assert "Appelez-moi" in text_of(chief.get("/responses/1"))
    assert noted(app, sample_database)[-1] == (TrailKind.LETTER_OPENED, f"réponse 1, courriel {letter}")
