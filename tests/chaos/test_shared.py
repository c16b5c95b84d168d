"""Work processes that share a wave over a broker, one of them killed, then the broker itself."""

import threading

import pytest
from sqlalchemy import select

from outreach.delivery.models import Message
from outreach.operations.worker.wakeups import Wakeups
from tests.chaos.harness import Field
from tests.servers.brokers import Redis, running
from tests.servers.relays import Relays

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.long,
    pytest.mark.timeout(120),
    pytest.mark.parametrize("backend", ["postgresql"]),
]


@pytest.fixture
def broker():
    yield from running(Redis)


@pytest.fixture
def field(database, fresh_url, broker, tmp_path):
    relay = Relays(tmp_path / "sink", "--lint-every", "50")
    relay.script({"stage": "dot", "reply": "accept:slow:0.05:250 2.0.0 taken"})
    ground = Field(database, fresh_url, relay, tmp_path / "data", recipients=1000)
    ground.environment["OUTREACH_BROKER_URL"] = broker.url
    yield ground
    ground.clear()
    relay.stop()


def hands(ground):
    with ground.database.reading() as session:
        return set(session.scalars(select(Message.worker_id).where(Message.worker_id.is_not(None)).distinct()))


def carries(url):
    """Whether a wake-up from one process reaches another over the broker."""
    arrived = threading.Event()
    here, there = Wakeups(url, "test", lambda _mailing: None), Wakeups(url, "test", lambda _mailing: arrived.set())
    there.open()
    here.clear()
    is_sent = here.wake(1)
    has_arrived = arrived.wait(60)
    here.close()
    there.close()
    return is_sent and has_arrived


def test_two_processes_share_a_wave_and_neither_dies_of_the_other_nor_of_the_broker(field, broker):
    assert carries(broker.url)
    victim, other = field.start(), field.start_beside()
    field.wait_until(lambda: len(hands(field)) == 2 and field.taken() > 50)
    field.kill(victim)
    broker.kill()
    taken = field.taken()
    field.wait_until(lambda: field.taken() > taken + 20)
    field.stop(other)
    assert not field.is_finished(), "the wave ended before its last worker: nothing was proved"
    field.finish()
    field.reckon(1000)
