"""What `campaign status` says of a wave, beside its counts, as its page does."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.delivery.models import Message, MessageState
from tests.campaigns.conftest import approved, launch, people, settle, strand
from tests.conftest import NOW
from tests.journeys.test_operator import run

__all__ = ["people", "run", "strand"]
S = MessageState


@pytest.fixture
def wave(database, people, strand):
    """A wave of 120 letters that wait; returns its key."""
    settle(database, 120)
    return launch(database, approved(database))


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
        told = {"fence_id": "f", "worker_id": "w", "settled_at": NOW + timedelta(hours=1), "state": state, **details}
        session.execute(update(Message).where(Message.id.in_(keys)).values(**told))


def test_letters_put_off_say_how_often_they_were_tried_and_when_they_are_next(database, status):
    assert status()[2]["next_try_at"] is None
    again = NOW + timedelta(minutes=35)
    become(database, 2, S.QUEUED, attempts=1, due_at=again + timedelta(minutes=1), settled_at=None)
    become(database, 1, S.QUEUED, attempts=2, due_at=again, settled_at=None)
    told, _, counted = status()
    assert "Reportés : 2 essais au plus, prochain vers 11 h 35." in told
    assert (counted["deferred"], counted["next_try_at"]) == (3, again.isoformat())
