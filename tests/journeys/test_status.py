"""What `campaign status` says of a wave, beside its counts, as its page does."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.campaigns import planning, waves
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.waves import finish_waves
from outreach.delivery import outbox
from outreach.delivery.models import Message, MessageState, SuppressionReason
from tests.campaigns.conftest import approved, launch, move, people, settle, strand
from tests.conftest import NOW, state_from
from tests.journeys.test_operator import run

__all__ = ["people", "run", "strand"]
S = MessageState


@state_from("programmed")
def waiting_wave(database, _settings):
    """A wave of 120 letters that wait."""
    settle(database, 120)
    launch(database, approved(database))


@pytest.fixture
def wave(waiting_wave):
    """The key of the only wave."""
    with waiting_wave.reading() as session:
        return session.scalars(select(Wave.id)).one()


@pytest.fixture
def status(run, wave):
    """What the command says, as text and as the only wave of its JSON."""

    def both():
        told, counted = run("campaign", "status", 1), run("campaign", "status", 1, "--json")
        assert (told.returncode, counted.returncode) == (0, 0), told.stderr + counted.stderr
        found = json.loads(counted.stdout)
        return told.stdout.replace("\u00a0", " ").replace("\u202f", " "), found, found["waves"][0]

    return both


def become(database, count, state, **details):
    """Give so many waiting letters, never tried, a state."""
    with database.writing() as session:
        waiting = select(Message.id).where(Message.state == S.QUEUED, Message.attempts == 0).order_by(Message.id)
        keys = session.scalars(waiting.limit(count)).all()
        fields = {"fence_id": "f", "worker_id": "w", "settled_at": NOW + timedelta(hours=1), "state": state, **details}
        session.execute(update(Message).where(Message.id.in_(keys)).values(**fields))


def test_letters_put_off_say_how_often_they_were_tried_and_when_they_are_next(database, status):
    assert status()[2]["next_try_at"] is None
    again = NOW + timedelta(minutes=35)
    become(database, 2, S.QUEUED, attempts=1, due_at=again + timedelta(minutes=1), settled_at=None)
    become(database, 1, S.QUEUED, attempts=2, due_at=again, settled_at=None)
    told, _, counted = status()
    assert "Reportés : 2 essais au plus, prochain vers 11 h 35." in told
    assert (counted["deferred"], counted["next_try_at"]) == (3, again.isoformat())


def test_what_may_leave_again_is_counted_among_all(database, status):
    become(database, 4, S.REFUSED, fenced_at=NOW)
    become(database, 3, S.IN_DOUBT, fenced_at=NOW)
    told, _, counted = status()
    assert "Échecs qui" not in told
    assert "En doute qui peuvent repartir, quitte à arriver deux fois : 3 sur 3." in told
    become(database, 200, S.ACCEPTED)
    with database.writing() as session:
        first = session.scalars(select(Message).where(Message.state == S.REFUSED).order_by(Message.id)).first()
        outbox.suppress_address(session, first.address_key, SuppressionReason.HARD_BOUNCE, now=NOW, actor="automatique")
        finish_waves(session, now=NOW + timedelta(hours=1))
    told, _, counted = status()
    assert "Échecs qui peuvent repartir : 3 sur 4." in told
    assert counted["retriable"] == {"failed": 3, "in_doubt": 3}


def test_a_wave_that_fails_too_often_warns_and_then_says_why_it_paused(database, status):
    become(database, 95, S.ACCEPTED)
    become(database, 5, S.REFUSED, reply_status="5.1.1")
    told, _, counted = status()
    warning = "5 adresses sur 100 n’existent pas ; la vague se met en pause d’elle-même à une sur dix"
    assert f"Attention : {warning}." in told
    assert (counted["warning"], counted["paused_because"]) == (warning, "")
    become(database, 10, S.REFUSED, reply_status="5.1.1")
    with database.writing() as session:
        assert waves.pause_failing_waves(session, now=NOW + timedelta(hours=1)) == 1
    told, _, counted = status()
    why = "15 adresses sur 110 n’existent pas"
    assert f"En pause d’elle-même : {why}." in told
    assert (counted["warning"], counted["paused_because"]) == ("", why)


def test_a_pause_of_the_clock_says_why_and_a_person_s_says_nothing(database, status, wave):
    move(database, 1, planning.pause_campaign)
    told, _, counted = status()
    assert ("En pause" in told, "En pause :" in told, counted["paused_because"]) == (True, False, "")
    move(database, 1, planning.resume_campaign)
    why = "le public est passé de 10 à 20 PO depuis la validation"
    with database.writing() as session:
        found = session.get_one(Wave, wave)
        planning.move_wave(session, found, WaveState.PAUSED, now=NOW, actor="automatique", note=why)
    told, _, counted = status()
    assert f"En pause : {why}." in told
    assert counted["paused_because"] == why


def test_a_campaign_stands_where_its_page_says(database, status, run):
    told, found, _ = status()
    assert told.splitlines()[0].endswith(" : En cours.")
    assert (found["state"], found["stage"]) == ("approved", "running")
    move(database, 1, planning.pause_campaign)
    told, found, _ = status()
    assert told.splitlines()[0].endswith(" : En pause.")
    assert (found["state"], found["stage"]) == ("approved", "paused")
    assert run("campaign", "list").stdout.startswith("1  En pause\u00a0: ")
    (listed,) = json.loads(run("campaign", "list", "--json").stdout)["items"]
    assert (listed["campaign"], listed["state"], listed["stage"]) == (1, "approved", "paused")
