"""A person's calendar for calendar programs: its secret address, what stands in it, what changes keep."""

from datetime import date, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import select

from outreach.access import accounts
from outreach.access.accounts import AccessLogEntry, TrailKind, second_factors
from outreach.access.accounts import _calendar_keys as calendar_keys
from outreach.campaigns import planning
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.planning import ClosedPart, Spares
from outreach.core.settings import Settings
from outreach.core.text.roles import RoleName
from outreach.delivery import deliverability
from outreach.delivery.models import Message
from outreach.directory.models import Authority
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given, Response
from outreach.operations import tasks
from outreach.operations.tasks._calendar_feed import FeedEvent
from tests.application import planned
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import text_of

PATH = "/calendar.ics"


@pytest.fixture(autouse=True)
def in_spring(app, monkeypatch):
    """The clock of pages stands at the moment of the sample."""
    monkeypatch.setattr(Settings, "instant", lambda _settings: NOW)


@pytest.fixture
def subscribed(signed_in, app, password):
    """Makes the address of a role's calendar, and reads it as a program does, without a session."""

    def made(role):
        client = signed_in(role)
        page = client.send("/account/calendar", {"password": password}, page="/account")
        address = page.text.partition('value="')[2].partition('"')[0]
        assert address.startswith("http"), text_of(page)
        return address[address.index(PATH) :]

    return made


def read(app, address):
    response = app.test_client().get(address)
    assert (response.status_code, response.mimetype) == (200, "text/calendar")
    return {str(event["uid"]).partition("@")[0]: event for event in Calendar.from_ical(response.data).walk("VEVENT")}


@pytest.mark.long
def test_a_program_reads_sendings_last_days_and_closed_days_without_signing_in(app, subscribed, sample_database):
    planned(sample_database, NOW + timedelta(days=3))
    found = read(app, subscribed("reader"))
    first = found["wave-1"]
    assert str(first["summary"]) == "Envoi : Invitation au premier volet – volet 1 (première vague)"
    assert str(first["url"]).endswith("/campaigns/1")
    with sample_database.reading() as session:
        wave = session.get_one(Wave, 1)
        assert first.decoded("dtstart") == wave.due_at
        assert found["deadline-1"].decoded("dtstart") == wave.answer_by
    closed = found["closed-2021-05-13"]
    assert (str(closed["summary"]), closed.decoded("dtstart")) == ("Fermé : Ascension", date(2021, 5, 13))
    assert str(closed["transp"]) == "TRANSPARENT", "it takes nobody's time"


@pytest.mark.long
def test_a_cancelled_sending_stays_says_so_and_its_revision_grows(app, subscribed, sample_database):
    planned(sample_database, NOW + timedelta(days=3))
    address = subscribed("reader")
    before = read(app, address)["wave-1"]
    with sample_database.writing() as session:
        wave = session.get_one(Wave, 1)
        planning.move_wave(session, wave, WaveState.CANCELLED, now=NOW, actor="ada@fwb.example", note="annulée")
    after = read(app, address)["wave-1"]
    assert (str(before["status"]), str(after["status"])) == ("CONFIRMED", "CANCELLED")
    assert after["sequence"] > before["sequence"]
    assert after["uid"] == before["uid"]


@pytest.mark.long
def test_a_closure_taken_back_is_cancelled(app, subscribed, sample_database):
    with sample_database.writing() as session:
        day = date(2021, 5, 20)
        made = planning.add_blackout_date(
            session,
            first=day,
            last=day,
            part=ClosedPart.DAY,
            spares=Spares.NOBODY,
            name="inventaire",
            now=NOW,
            actor="a",
        )
        number = made.id
    address = subscribed("reader")
    assert str(read(app, address)[f"closure-{number}"]["status"]) == "CONFIRMED"
    with sample_database.writing() as session:
        planning.withdraw_blackout_date(session, number, now=NOW, actor="a")
    assert str(read(app, address)[f"closure-{number}"]["status"]) == "CANCELLED"


@pytest.mark.long
def test_only_the_person_who_is_to_call_back_sees_the_day(app, subscribed, sample_database):
    with sample_database.writing() as session:
        owner = AUTHOR
        authority = session.scalars(select(Authority).order_by(Authority.id)).first()
        deliverability.hand_over(session, authority, to=owner, now=NOW, actor=owner)
        deliverability.set_recall(session, authority, day=NOW.date() + timedelta(days=5), now=NOW, actor=owner)
        key = f"recall-{authority.id}"
    recall = read(app, subscribed("author"))[key]
    assert recall.decoded("dtstart") == NOW.date() + timedelta(days=5)
    assert key not in read(app, subscribed("reader"))


@pytest.mark.long
def test_an_answer_to_come_back_to_is_in_the_calendar_until_it_is_handled(app, subscribed, launched_sample):
    with launched_sample.writing() as session:
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).first()
        (response,) = replies.give_answers(session, letter, Given({}, request=Answer.HELP), now=NOW)
        replies.recall_response(session, response, day=NOW.date() + timedelta(days=5), now=NOW, actor=AUTHOR)
        number, name = response.id, response.authority.display_name
    key = f"recall-answer-{number}"
    address = subscribed("author")
    recall = read(app, address)[key]
    assert (recall.decoded("dtstart"), str(recall["summary"])) == (date(2021, 5, 20), f"À rappeler : {name}")
    with launched_sample.writing() as session:
        replies.set_response_aside(session, session.get_one(Response, number), now=NOW, actor=AUTHOR)
    assert key not in read(app, address)


@pytest.mark.long
def test_the_same_events_are_not_sent_twice(app, subscribed):
    address, client = subscribed("reader"), app.test_client()
    tag = client.get(address).headers["ETag"]
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.one_example
@pytest.mark.parametrize("key", ["", "x", "é", "x" * 5000], ids=["none", "wrong", "accent", "long"])
def test_another_key_opens_nothing_and_the_answer_says_what_to_do(app, key):
    refused = app.test_client().get(PATH, query_string={"key": key})
    assert refused.status_code == 404
    assert "Mon compte" in refused.text


@pytest.mark.journey
@pytest.mark.long
def test_an_address_ends_when_its_person_ends_it_makes_another_or_leaves(app, subscribed, signed_in, sample_database):
    first = subscribed("reader")
    second = subscribed("reader")
    client = app.test_client()
    assert client.get(first).status_code == 404, "the newer one took its place"
    assert client.get(second).status_code == 200
    signed_in("reader").send("/account/calendar/end", {}, page="/account")
    assert client.get(second).status_code == 404


def owner_of_the_only_one(session):
    (user,) = [one for one in session.scalars(select(accounts.User)) if calendar_keys.made_at(session, one.id)]
    return user


@pytest.mark.long
def test_an_address_is_made_with_the_password_again_and_a_line_of_the_trail(signed_in, sample_database, password):
    def lines():
        with sample_database.reading() as session:
            return session.scalars(
                select(AccessLogEntry.person).where(AccessLogEntry.kind == TrailKind.FEED_MADE)
            ).all()

    reader = signed_in("reader")
    response = reader.send("/account/calendar", {}, page="/account")
    assert "Confirmez que c’est vous" in text_of(response)
    wrong = reader.send("/account/calendar", {"password": "x"}, page="/account")
    assert wrong.status_code == 422
    assert PATH not in response.text + wrong.text
    assert lines() == []
    assert PATH in reader.send("/account/calendar", {"password": password}, page="/account").text
    assert len(lines()) == 1
    assert "adresse d’agenda faite" in text_of(signed_in("administrator").get("/trail"))


def change_password(session, user):
    accounts.change_password(session, user.id, "digest", now=NOW)


def end_sessions(session, user):
    accounts.end_all_sessions(session, user, now=NOW, actor=AUTHOR)


def close_and_reopen(session, user):
    accounts.close_account(session, user, now=NOW, actor=AUTHOR)
    accounts.reopen_account(session, user, now=NOW, actor=AUTHOR)


def set_up_a_factor(session, user):
    second_factors.set_up(session, user.id, user.email, "sealed", 1, replacing=False, now=NOW)


def change_scope(session, user):
    accounts.set_roles(session, user, [RoleName.NETWORK], scope="WBE", now=NOW, actor=AUTHOR)


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.parametrize("happens", [change_password, end_sessions, close_and_reopen, set_up_a_factor, change_scope])
def test_an_address_ends_with_the_sessions_of_its_person_and_does_not_come_back(
    app, subscribed, sample_database, happens
):
    address = subscribed("reader")
    with sample_database.writing() as session:
        happens(session, owner_of_the_only_one(session))
    assert app.test_client().get(address).status_code == 404


@pytest.mark.journey
@pytest.mark.long
def test_whoever_ends_the_other_sessions_ends_the_address_and_reads_so(app, subscribed, signed_in):
    address = subscribed("reader")
    client = signed_in("reader")
    client.send("/account/sessions/end", {}, page="/account")
    assert app.test_client().get(address).status_code == 404
    assert "Votre adresse d’agenda ne vaut plus" in text_of(client.get("/account"))
    client.send("/account/sessions/end", {}, page="/account")
    assert "adresse d’agenda ne vaut plus" not in text_of(client.get("/account"))


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.parametrize("lost", ["account", "role"])
def test_the_account_and_a_role_are_asked_for_at_each_reading(app, subscribed, sample_database, lost):
    address, client = subscribed("author"), app.test_client()
    assert client.get(address).status_code == 200
    with sample_database.writing() as session:
        user = owner_of_the_only_one(session)
        number, had = user.id, accounts.roles_of(user)
        if lost == "account":
            user.active = False
        else:
            user.roles = []
    assert client.get(address).status_code == 404
    with sample_database.writing() as session:
        user = accounts.account_numbered(session, number)
        if lost == "account":
            accounts.reopen_account(session, user, now=NOW, actor=AUTHOR)
        else:
            accounts.set_roles(session, user, had, now=NOW, actor=AUTHOR)
    assert client.get(address).status_code == 404, "nor when these come back"


def test_the_key_lies_nowhere_in_the_database(subscribed, sample_database):
    key = subscribed("reader").partition("key=")[2]
    with sample_database.reading() as session:
        assert key.encode() not in session.scalars(select(calendar_keys.CalendarKey.digest)).one()


def test_the_file_is_what_a_calendar_program_takes(sample_database):
    event = FeedEvent("wave-1", "Envoi : é, « ; \\ »" + "x" * 100, NOW, None, "/campaigns/1")
    raw = tasks.write_feed([event], "https://campagnes.example")
    assert all(len(line) <= 75 for line in raw.split(b"\r\n")), "RFC 5545, §3.1"
    (read_back,) = Calendar.from_ical(raw).walk("VEVENT")
    assert str(read_back["summary"]) == event.title
    assert str(read_back["uid"]) == "wave-1@campagnes.example"
