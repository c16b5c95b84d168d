"""Killed at any moment: nobody lost, nobody written twice, every doubt listed."""

import os
import random
import signal
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from benchmarks.faults.decisions import joining
from benchmarks.faults.processes import which_time
from outreach.campaigns import planning
from outreach.campaigns.models import Campaign, WaveState
from outreach.delivery import outbox
from outreach.delivery.models import Batch, Message, MessageState, MessageSubject, Reason, SuppressionReason, Worker
from outreach.delivery.sending import Failpoint
from tests.chaos.harness import Field, is_stopped
from tests.servers.relays import Relays

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def field(database, fresh_url, tmp_path):
    made = []

    def make(recipients, *options, **changes):
        relay = Relays(tmp_path / "sink", "--lint-every", "50", *options)
        made.append(Field(database, fresh_url, relay, tmp_path / "data", recipients=recipients, **changes))
        return made[-1]

    yield make
    for one in made:
        one.clear()
        one.relay.stop()


def test_kills_at_every_stage_and_at_random_lose_nobody_and_write_to_nobody_twice(field, request):
    seed = request.config.getoption("randomly_seed", default=None) or 7
    chance = random.Random(seed)
    ground = field(1500)
    for stage in Failpoint:
        ground.wait_for_death(ground.start(stage, which_time(stage, chance)))
    for _ in range(5):
        worker, before = ground.start(), ground.taken()
        wanted = chance.randint(1, 50)
        ground.wait_until(lambda: ground.taken() - before >= wanted or not worker.is_alive())  # noqa: B023
        ground.kill(worker)
    assert not ground.is_finished(), "the wave ended before the last kill: nothing was proved"
    ground.finish()
    assert ground.kills == len(Failpoint) + 5
    ground.reckon(1500)


def test_a_stop_in_order_leaves_nothing_in_doubt(field):
    ground = field(400)
    for _ in range(2):
        worker, before = ground.start(), ground.taken()
        ground.wait_until(lambda: ground.taken() - before >= 60)  # noqa: B023
        ground.stop(worker)
        tally = ground.tally()
        assert (tally.in_doubt, tally.deferred, tally.refused) == (0, 0, 0)
        assert tally.accepted == ground.taken()
    ground.finish()
    assert ground.reckon(400) == 0


def test_three_workers_with_a_clock_each_write_to_everybody_once(field):
    ground, compose = field(1000), (Failpoint.AFTER_COMPOSE, 1, 0)
    workers = [ground.start(*compose), ground.start_beside(*compose), ground.start_beside(*compose)]
    # Who is first takes two of the three batches: it waits for who comes later.
    ground.wait_until(lambda: len(holders(ground)) > 1)
    (ground.folder / "goes").touch()
    ground.wait_until(ground.is_finished)
    for worker in workers:
        ground.stop(worker)
    assert ground.reckon(1000) == 0
    with ground.database.reading() as session:
        left = Message.worker_id.is_not(None)  # what staff are told of the wave may still wait
        hands = set(session.scalars(select(Message.worker_id).where(left).distinct()))
        assert hands <= set(session.scalars(select(Worker.id)))
    assert len(hands) > 1, "one worker did it all"


def holders(ground):
    with ground.database.reading() as session:
        return set(session.scalars(select(Batch.worker_id).where(Batch.worker_id.is_not(None))))


def test_a_pause_is_honoured_within_a_second_and_the_rest_leaves_once_resumed(field):
    ground = field(500)
    worker = ground.start()
    ground.wait_until(lambda: ground.taken() > 100)
    with ground.database.writing() as session:
        campaign = planning.in_turn(session, ground.campaign)
        planning.pause_campaign(session, campaign, now=ground.now, actor="nadia.lambert@fwb.example")
    paused = ground.now
    ground.wait_until(lambda: not fenced(ground, Message.state == MessageState.HANDING))
    held = ground.taken()
    time.sleep(1)
    assert held == ground.taken() < 500
    assert max(fenced(ground)) <= paused + timedelta(seconds=1)
    with ground.database.writing() as session:
        campaign = planning.in_turn(session, ground.campaign)
        planning.resume_campaign(session, campaign, now=ground.now, actor="nadia.lambert@fwb.example")
    ground.wait_until(ground.is_finished)
    ground.stop(worker)
    assert ground.reckon(500) == 0


def fenced(ground, *such):
    """When letters were fenced, for the last time each."""
    with ground.database.reading() as session:
        return session.scalars(select(Message.fenced_at).where(Message.fenced_at.is_not(None), *such)).all()


def test_an_unsubscription_and_a_joining_stop_the_letters_of_the_round_in_flight(field):
    """The bodies are out and only the commit gate is missing when the decisions are committed: no dot is written."""
    ground = field(300)
    worker = ground.start(Failpoint.BEFORE_FENCE, 5, 0)
    ground.wait_until((ground.folder / "waits").exists)
    with ground.database.writing() as session:
        waiting = select(Message).where(Message.state == MessageState.QUEUED).order_by(Message.id)
        in_flight = session.scalars(waiting.limit(ground.connections)).all()
        left, joined = in_flight[::2], in_flight[1::2]
        for row in left:
            outbox.suppress_address(
                session, row.address, SuppressionReason.UNSUBSCRIBED, now=ground.now, actor="destinataire"
            )
        listed = MessageSubject.message_id.in_([row.id for row in joined])
        session.add_all(
            joining(school, ground.now) for school in session.scalars(select(MessageSubject.school_id).where(listed))
        )
        stopped = {row.address for row in in_flight}
    (ground.folder / "goes").touch()
    ground.wait_until(ground.is_finished)
    ground.stop(worker)
    assert stopped.isdisjoint(entry["to"] for entry in ground.relay.accepted)
    with ground.database.reading() as session:
        ends = session.scalars(select(Message).where(Message.address.in_(stopped)).order_by(Message.id)).all()
        assert [row.reason for row in ends] == [Reason.SUPPRESSED, Reason.JOINED] * (ground.connections // 2)
    assert ground.tally().accepted == ground.taken() == 300 - len(stopped)


def test_a_process_frozen_between_fence_and_dot_writes_no_dot_when_it_wakes(field):
    """What was fenced before it froze leaves later, by another fence: others may have drawn their conclusions."""
    ground = field(100)
    worker = ground.start(Failpoint.AFTER_FENCE, 3, signal.SIGSTOP)
    ground.wait_until(lambda: is_stopped(worker))
    with ground.database.reading() as session:
        latest = select(func.max(Message.fenced_at)).scalar_subquery()
        frozen = dict(session.execute(select(Message.id, Message.fence_id).where(Message.fenced_at == latest)).all())
    time.sleep(6)
    before = ground.taken()
    os.kill(worker.pid, signal.SIGCONT)
    ground.wait_until(ground.is_finished)
    ground.stop(worker)
    assert before < 100
    assert ground.reckon(100) == 0
    with ground.database.reading() as session:
        rows = session.scalars(select(Message).where(Message.id.in_(frozen))).all()
    assert rows != []
    assert [row.id for row in rows if row.fence_id == frozen[row.id]] == []


def test_a_stop_in_order_waits_for_a_relay_that_answers_dots_after_seconds(field):
    ground = field(16)
    ground.relay.script({"stage": "dot", "reply": "accept:slow:3:250 2.0.0 at last"})
    worker = ground.start()
    ground.wait_until(lambda: ground.taken() > 0)
    ground.stop(worker)
    tally = ground.tally()
    assert (tally.in_doubt, tally.deferred, tally.refused) == (0, 0, 0)
    assert 0 < tally.accepted == ground.taken() < 16


def test_a_wave_that_is_due_leaves_within_seconds_and_ends_by_itself(field):
    ground = field(50)
    worker = ground.start()
    ground.wait_until(ground.is_finished)
    ground.stop(worker)
    with ground.database.reading() as session:
        (wave,) = session.get_one(Campaign, ground.campaign).waves
        assert wave.state is WaveState.FINISHED
        first = min(row.fenced_at for row in session.scalars(select(Message)))
        assert first - wave.due_at < timedelta(minutes=2)
