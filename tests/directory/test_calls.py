from datetime import date, timedelta

import pytest
from sqlalchemy import select

from outreach.core import audit
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.directory import authorities
from outreach.directory.authorities import Call
from outreach.directory.models import LONGEST_NOTE, CallKind

TODAY = date(2021, 5, 15)
WHO = "nadia.lambert@fwb.example"


@pytest.fixture
def authority(session):
    return authorities.authority_by_fase(session, 9300)


@pytest.fixture
def note(session, authority, now):
    def noted(text="Rappeler en juin.", day=TODAY, **details):
        details = {"kind": CallKind.PHONE, "now": now, "today": TODAY, "actor": WHO, **details}
        return authorities.record_call(session, authority, text, day=day, **details)

    return noted


def test_a_call_is_told_with_whom_and_what_was_said(session, authority, note, now):
    noted = note(" La directrice est absente.\nRappeler en juin. ", person=" Mme Petit ")
    (told,) = authorities.call_events(session, authority)
    assert (told.at, told.day, told.actor, told.call) == (now, TODAY, WHO, noted.id)
    assert told.sentence == "Appel téléphonique avec Mme Petit."
    assert told.details == ["La directrice est absente.", "Rappeler en juin."]
    assert authorities.call_events(session, authorities.authority_by_fase(session, 9001)) == []
    (entry,) = audit.entries_about(session, f"call:{noted.id}")
    assert entry.sentence == "Appel téléphonique du 15/05/2021, PO 9300 : noté."


def test_a_call_noted_later_stands_at_the_end_of_its_day(session, authority, note, now):
    note(day=TODAY - timedelta(days=3))
    (told,) = authorities.call_events(session, authority)
    assert now - timedelta(days=3) < told.at < now - timedelta(days=2)


@pytest.mark.parametrize(
    "details",
    [{"day": TODAY + timedelta(days=1)}, {"text": " \n"}, {"text": "x" * (LONGEST_NOTE + 1)}, {"person": "x" * 201}],
    ids=["a day to come", "nothing", "too much", "too long a name"],
)
def test_what_cannot_be_noted_is_refused_and_leaves_nothing(session, note, details):
    with pytest.raises(InputError):
        note(**details)
    assert session.scalars(select(Call)).all() == []


def test_a_note_is_taken_back_once_and_stays_in_sight(session, authority, note, now):
    noted = note()
    authorities.withdraw_recorded_call(session, authority, noted.id, now=now + timedelta(days=1), actor=WHO)
    (told,) = authorities.call_events(session, authority)
    assert told.details == [f"Noté par erreur : repris le 16/05/2021 par {WHO}.", "Rappeler en juin."]
    assert told.call is None
    assert len(audit.entries_about(session, f"call:{noted.id}")) == 2
    with pytest.raises(Refused):
        authorities.withdraw_recorded_call(session, authority, noted.id, now=now, actor=WHO)


def test_a_call_of_another_authority_is_not_taken_back(session, note, now):
    noted = note()
    with pytest.raises(NotFound):
        authorities.withdraw_recorded_call(
            session, authorities.authority_by_fase(session, 9001), noted.id, now=now, actor=WHO
        )
    assert noted.withdrawn_at is None
