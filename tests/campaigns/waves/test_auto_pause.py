"""A wave that fails too often pauses by itself, says why, and counts anew once a person lets it go on."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.campaigns import planning, waves
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.delivery import bounces
from outreach.delivery.models import Gate, Mailing, Message, MessageState
from outreach.delivery.sending import Rates
from tests.campaigns.conftest import AUTHOR, approved, launch, settle
from tests.conftest import NOW, state_from
from tests.delivery.bounces.returns import KEYS, notice

LATER = NOW + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("found", "stops", "warns"),
    [
        (Rates(49, bad=49, policy=49, complaints=9), "", ""),
        (Rates(100, bad=4), "", ""),
        (Rates(100, bad=5), "", "5 adresses sur 100 n’existent pas"),
        (Rates(100, bad=10), "10 adresses sur 100 n’existent pas", "10 adresses sur 100 n’existent pas"),
        (Rates(100, policy=4), "", ""),
        (Rates(100, policy=5), "le serveur d’envoi refuse 5 courriels sur 100 au nom de ses règles (5.7)", ""),
        (Rates(100, complaints=2), "", ""),
        (Rates(100, complaints=3), "3 plaintes pour 100 courriels", ""),
        (Rates(4000, complaints=3), "", ""),
    ],
)
def test_a_share_of_at_least_fifty_ends_stops_or_warns(found, stops, warns):
    assert (found.stops, found.warns) == (stops, warns)


@state_from("programmed")
def wave_to_120(database, _settings):
    settle(database, 120)
    launch(database, approved(database))


@pytest.fixture
def wave(wave_to_120):
    with wave_to_120.reading() as session:
        return session.scalars(select(Wave.id)).one()


def end(database, count, state, status, at):
    """Give so many waiting letters an end."""
    with database.writing() as session:
        waiting = select(Message.id).where(Message.state == MessageState.QUEUED).order_by(Message.id).limit(count)
        keys = session.scalars(waiting).all()
        fields = {"state": state, "reply_status": status, "settled_at": at, "fence_id": "f", "worker_id": "w"}
        session.execute(update(Message).where(Message.id.in_(keys)).values(**fields))


def pause_failing(database, at):
    with database.writing() as session:
        return waves.pause_failing_waves(session, now=at)


@pytest.mark.long
def test_a_wave_pauses_with_its_reason_and_counts_anew_once_it_goes_on(database, wave):
    end(database, 46, MessageState.ACCEPTED, "2.0.0", LATER)
    end(database, 3, MessageState.REFUSED, "5.1.1", LATER)
    assert pause_failing(database, LATER) == 0
    end(database, 3, MessageState.REFUSED, "5.1.10", LATER)
    assert pause_failing(database, LATER) == 1
    assert pause_failing(database, LATER) == 0
    with database.reading() as session:
        found = session.get_one(Wave, wave)
        assert (found.state, session.get_one(Mailing, found.mailing_id).gate) == (WaveState.PAUSED, Gate.HELD)
        assert waves.why_paused(session, found) == "6 adresses sur 52 n’existent pas"
    with database.writing() as session:
        planning.resume_campaign(session, session.get_one(Campaign, 1), now=LATER, actor=AUTHOR)
    assert pause_failing(database, LATER) == 0
    with database.reading() as session:
        assert waves.why_paused(session, session.get_one(Wave, wave)) == ""
    again = LATER + timedelta(minutes=5)
    end(database, 45, MessageState.ACCEPTED, "2.0.0", again)
    assert pause_failing(database, again) == 0
    end(database, 5, MessageState.REFUSED, "5.1.1", again)
    assert pause_failing(database, again) == 1


def test_refusals_of_policy_pause_it_and_full_mailboxes_do_not(database, wave):
    end(database, 40, MessageState.ACCEPTED, "2.0.0", LATER)
    end(database, 20, MessageState.REFUSED, "5.2.2", LATER)
    assert pause_failing(database, LATER) == 0
    end(database, 4, MessageState.REFUSED, "5.7.1", LATER)
    assert pause_failing(database, LATER) == 1
    with database.reading() as session:
        assert waves.held_waves(session) == [
            (session.get_one(Wave, wave), "le serveur d’envoi refuse 4 courriels sur 64 au nom de ses règles (5.7)")
        ]


def comes_back(database, name, addresses, at):
    """A notice about each of these addresses' letters, as it comes by mail."""
    with database.writing() as session:
        for letter in session.scalars(select(Message).where(Message.address.in_(addresses))).all():
            content = notice(name, identity=letter.public_id, address=letter.address)
            own = content.replace(b"@relais.example>", f"{letter.public_id}@relais.example>".encode())
            own = own.replace(b"7f3d-arf", letter.public_id.encode())
            assert bounces.take_notice(session, bounces.read_notice(own, KEYS), now=at) is not None


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("name", "few", "more", "why"),
    [
        ("postfix", 5, 1, "6 adresses sur 60 n’existent pas"),
        ("arf", 2, 1, "3 plaintes pour 60 courriels"),
        ("postfix-delayed", 30, 30, ""),
        ("absence-fr", 30, 30, ""),
    ],
)
def test_what_comes_back_by_mail_pauses_a_wave_as_what_the_relay_says_and_once(database, wave, name, few, more, why):
    """D8, D12."""
    end(database, 60, MessageState.ACCEPTED, "2.0.0", LATER)
    with database.reading() as session:
        taken = session.scalars(select(Message.address).where(Message.state == MessageState.ACCEPTED)).all()
    comes_back(database, name, taken[:few], LATER)
    assert pause_failing(database, LATER) == 0
    comes_back(database, name, taken[few : few + more], LATER)
    assert pause_failing(database, LATER) == bool(why)
    with database.reading() as session:
        assert waves.why_paused(session, session.get_one(Wave, wave)) == why
    if not why:
        return
    again = LATER + timedelta(minutes=5)
    with database.writing() as session:
        planning.resume_campaign(session, session.get_one(Campaign, 1), now=LATER, actor=AUTHOR)
    end(database, 60, MessageState.ACCEPTED, "2.0.0", again)
    assert pause_failing(database, again) == 0
    comes_back(database, name, taken[10:20], again)
    assert pause_failing(database, again) == 1


def test_what_a_person_paused_was_not_paused_automatically(database, wave):
    with database.writing() as session:
        planning.pause_campaign(session, session.get_one(Campaign, 1), now=LATER, actor=AUTHOR)
    end(database, 60, MessageState.REFUSED, "5.1.1", LATER)
    assert pause_failing(database, LATER) == 0
    with database.reading() as session:
        assert waves.held_waves(session) == []
