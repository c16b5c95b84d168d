"""A note that somebody asks for: it awaits those who write, comes back to who asked, and each is told by mail."""

from dataclasses import replace
from datetime import timedelta

import pytest

from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import RoleName
from outreach.reports import notes
from outreach.reports.notes import AskedState, NoteRequest
from outreach.reports.notes import _requests as requests
from tests.campaigns.conftest import add_colleague, people, strand
from tests.conftest import NOW, STORY_DAY
from tests.factories import APPROVER, AUTHOR
from tests.reports.notes.conftest import approve_in
from tests.staff.notifications.test_notices import begun, tell

__all__ = ["begun", "people", "strand"]
QUESTION = "Toutes les écoles de WBE ont-elles adhéré ?"
ASKED = NoteRequest(STORY_DAY, "Situation", question=QUESTION)


@pytest.fixture
def reader(database, begun):
    return add_colleague(database, "lea", RoleName.READER)


def ask(database, reader, **changes):
    with database.writing() as session:
        return requests.ask_for_note(session, replace(ASKED, **changes), now=NOW, actor=reader).id


def freeze(database, key):
    with database.reading() as session:
        asked = requests.get_request(session, key, AUTHOR, {RoleName.AUTHOR})
        gathered = notes.gather_note(session, requests.request_of(asked), now=NOW)
    with database.writing() as session:
        return notes.freeze_note(session, gathered, now=NOW, actor=AUTHOR).id


def state(database, key):
    with database.reading() as session:
        asked = requests.get_request(session, key, AUTHOR, {RoleName.AUTHOR})
        waiting = [one.id for one in session.scalars(requests.waiting_requests())]
        assert (key in waiting) == (requests.state_of(session, asked) is AskedState.WAITING)
        return requests.state_of(session, asked)


@pytest.mark.long
def test_a_question_awaits_an_author_and_comes_back_when_its_note_is_approved(database, reader):
    key = ask(database, reader)
    assert state(database, key) is AskedState.WAITING
    ((to, subject, text),) = tell(database)
    assert (to, subject) == (AUTHOR, f"{QUESTION} : note demandée")
    assert f"/notes/requests/{key}" in text
    note = freeze(database, key)
    assert state(database, key) is AskedState.FROZEN
    tell(database)
    approve_in(database, note)
    assert state(database, key) is AskedState.ANSWERED
    mails = {to: (subject, text) for to, subject, text in tell(database)}
    assert "votre note est prête" in mails[reader][0]
    assert "validée sous le numéro 2021-001" in mails[reader][1]
    with database.reading() as session:
        asked = notes.read_request(requests.get_request(session, key, reader, {RoleName.READER}).request)
    assert asked.networks == ("WBE",), "the network that the question names"


def test_a_question_whose_note_is_refused_awaits_an_author_again(database, reader):
    key = ask(database, reader)
    note = freeze(database, key)
    with pytest.raises(Refused, match="n’attend plus la rédaction"):
        freeze(database, key)
    with database.writing() as session:
        notes.refuse_note(session, note, "Un chiffre manque.", now=NOW, actor=APPROVER)
    assert state(database, key) is AskedState.WAITING
    approve_in(database, freeze(database, key))
    assert state(database, key) is AskedState.ANSWERED


def test_a_question_is_sent_back_with_a_reason_or_taken_back_by_who_asked(database, reader):
    key = ask(database, reader)
    tell(database)
    with database.writing() as session:
        asked = requests.get_request(session, key, AUTHOR, {RoleName.AUTHOR})
        with pytest.raises(InputError, match="Dites pourquoi"):
            requests.send_back(session, asked, " ", now=NOW, actor=AUTHOR)
        requests.send_back(session, asked, "Pour quel jour ?", now=NOW, actor=AUTHOR)
    ((to, _, text),) = tell(database)
    assert (to, "vous est renvoyée par Nadia Lambert : Pour quel jour ?" in text) == (reader, True)
    assert state(database, key) is AskedState.SENT_BACK
    other = ask(database, reader)
    with database.writing() as session:
        asked = requests.get_request(session, other, reader, {RoleName.READER})
        with pytest.raises(NotFound):
            requests.withdraw_request(session, asked, now=NOW, actor=AUTHOR)
        requests.withdraw_request(session, asked, now=NOW, actor=reader)
    assert state(database, other) is AskedState.WITHDRAWN


def test_a_question_is_read_by_who_asked_and_by_those_who_write_or_approve(database, reader):
    key, curious = ask(database, reader), add_colleague(database, "max", RoleName.READER)
    with database.reading() as session:
        for person, role in ((reader, RoleName.READER), (AUTHOR, RoleName.AUTHOR), (APPROVER, RoleName.APPROVER)):
            assert requests.get_request(session, key, person, {role}).id == key
        with pytest.raises(NotFound):
            requests.get_request(session, key, curious, {RoleName.READER})


def test_what_cannot_be_asked_is_refused(database, reader, monkeypatch):
    with pytest.raises(InputError, match="Écrivez la question"):
        ask(database, reader, question="")
    with pytest.raises(InputError, match="avenir"):
        ask(database, reader, as_of=STORY_DAY.replace(year=2022))
    monkeypatch.setattr(requests, "MOST_WAITING", 1)
    ask(database, reader)
    with pytest.raises(Refused, match="retirez-en une"):
        ask(database, reader)


def test_who_asks_and_takes_back_all_day_tells_those_who_write_no_more(database, reader, monkeypatch):
    monkeypatch.setattr(requests, "MOST_A_DAY", 2)
    for _ in range(2):
        key = ask(database, reader)
        with database.writing() as session:
            asked = requests.get_request(session, key, reader, {RoleName.READER})
            requests.withdraw_request(session, asked, now=NOW, actor=reader)
    with pytest.raises(Refused, match="en un jour"):
        ask(database, reader)
    with database.writing() as session:
        assert requests.ask_for_note(session, ASKED, now=NOW + timedelta(days=1), actor=reader)
