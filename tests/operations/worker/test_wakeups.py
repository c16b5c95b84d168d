"""Wake-ups over a broker that processes share: who gets them, which are dropped, what a silent broker costs."""

import socket
import sys
import threading
import time

import pytest
from sqlalchemy import select

from outreach.core import jobs
from outreach.core.db import Database
from outreach.core.jobs import AskedJob
from outreach.delivery.models import Message
from outreach.delivery.outbox import _recipients as recipients
from outreach.delivery.sending import Lane
from outreach.operations.worker import brokers, due
from outreach.operations.worker.clock import ask
from outreach.operations.worker.job_room import JobRoom
from outreach.operations.worker.wakeups import LISTEN_MILLISECONDS, Wakeups, queue_of
from tests.operations.worker.test_process import accepted, environment, plan, sink, until  # noqa: F401 - two are fixtures
from tests.operations.worker.test_process import begin as begin_alone  # noqa: F401
from tests.servers.brokers import Redis, running

QUEUE = "wakeups-1-2"
on_postgresql = pytest.mark.parametrize("backend", ["postgresql"])
A_WHILE = 3 * LISTEN_MILLISECONDS / 1000


@pytest.fixture
def redis():
    yield from running(Redis)


class Listener:
    """A process that gets wake-ups, and is busy with each until it is told to go on."""

    def __init__(self, url):
        self.woken_for, self.goes_on = [], threading.Event()
        self.wakeups = Wakeups(url, QUEUE, self.work)

    def work(self, mailing):
        self.woken_for.append(mailing)
        self.goes_on.wait(20)


@pytest.fixture
def listener(redis):
    made = []

    def make():
        made.append(Listener(redis.url))
        return made[-1]

    yield make
    for one in made:
        one.goes_on.set()
        one.wakeups.close()


def waiting(wakeups):
    return wakeups._broker.client.llen(f"outreach:{wakeups._queue}")


def test_only_an_idle_process_gets_a_wake_up_and_one_at_a_time(listener):
    first, second = listener(), listener()
    first.wakeups.open()
    assert [first.wakeups.wake(number) for number in (1, 2, 3)] == [True] * 3
    assert until(lambda: first.woken_for == [1])
    second.wakeups._worker.start()
    assert until(lambda: second.woken_for == [2])
    time.sleep(A_WHILE)
    assert (first.woken_for, second.woken_for, waiting(first.wakeups)) == ([1], [2], 1)
    first.goes_on.set()
    assert until(lambda: first.woken_for == [1, 3])


def test_wake_ups_that_no_process_took_are_dropped_at_the_next_pass_of_a_clock(listener):
    absent, late = listener(), listener()
    for number in range(100):
        absent.wakeups.wake(number)
    assert waiting(absent.wakeups) == 100
    absent.wakeups.clear()
    assert waiting(absent.wakeups) == 0
    late.wakeups._worker.start()
    absent.wakeups.wake(7)
    assert until(lambda: late.woken_for == [7])


def test_a_wake_up_is_passed_on_once_between_two_passes_of_the_clock(listener):
    wakeups = listener().wakeups
    for number in (1, 1, 2, 1):
        wakeups.pass_on(number)
    assert waiting(wakeups) == 2
    wakeups.clear()
    wakeups.pass_on(1)
    assert waiting(wakeups) == 1


def test_a_broker_that_does_not_answer_is_asked_once_a_pass_and_used_again_once_it_is_back(listener, redis, caplog):
    one = listener()
    one.wakeups.open()
    redis.kill()
    for _ in range(2):
        one.wakeups.clear()
        assert not one.wakeups.wake(1)
    redis.start()
    assert not one.wakeups.wake(1), "it is not asked before the next pass"
    one.wakeups.clear()
    assert one.wakeups.wake(1)
    assert until(lambda: one.woken_for == [1])
    said = [record.getMessage() for record in caplog.records if record.name == "outreach.operations.worker.wakeups"]
    assert [line.partition(":")[0] for line in said] == [
        "the broker of wake-ups is silent, this process wakes itself",
        "the broker of wake-ups answers again",
    ]
    assert "s3cret" not in caplog.text


@pytest.fixture
def silent_port():
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_broker_that_accepts_a_connection_and_never_answers_blocks_no_process(silent_port, caplog, monkeypatch):
    monkeypatch.setattr(brokers, "PATIENCE_SECONDS", 1)
    wakeups = Wakeups(f"redis://user:s3cret@127.0.0.1:{silent_port}/base", QUEUE, lambda _mailing: None)
    started = time.monotonic()
    wakeups.clear()
    assert not wakeups.wake(1)
    assert time.monotonic() - started < 20  # not for ever
    wakeups.close()
    assert "s3cret" not in caplog.text


@pytest.fixture
def begin(redis, begin_alone):  # noqa: F811
    """Makes processes that share a broker, which is there until the last of them is closed."""
    return lambda **changes: begin_alone(**{"OUTREACH_BROKER_URL": redis.url, **changes})


@on_postgresql
def test_a_wake_up_over_the_broker_sends_letters_and_nothing_else_goes_over_it(database, begin):
    works = begin()
    plan(database, works, 20)
    ask(works.due)
    assert until(lambda: accepted(database) == 20)
    assert not works.mail_room.turns.others(0)
    assert works.mail_room.wakeups._broker.get_declared_actors() == {"wake"}


@pytest.mark.long
@on_postgresql
def test_one_clock_wakes_every_process_that_is_idle(database, begin, sink, monkeypatch):  # noqa: F811
    """Each process passes the wake-up on as it starts to work. Only one clock runs in this test."""
    monkeypatch.setattr(recipients, "BATCH", 10)
    sink.script({"stage": "dot", "reply": "accept:slow:0.3:250 2.0.0 taken"})
    processes = [begin(OUTREACH_SMTP_URL=f"smtp://127.0.0.1:{sink.port}?connections=1") for _ in range(3)]
    plan(database, processes[0], 60)
    ask(processes[0].due)

    def hands():
        with database.reading() as session:
            return set(session.scalars(select(Message.worker_id).where(Message.fenced_at.is_not(None))))

    assert until(lambda: hands() == {one.worker_id for one in processes})


@pytest.mark.long
@on_postgresql
def test_letters_leave_while_the_broker_is_down(database, begin, redis):
    works = begin()
    plan(database, works, 20)
    redis.kill()
    ask(works.due)
    assert until(lambda: accepted(database) == 20)


@on_postgresql
def test_the_postman_delivers_one_mailing_at_a_time_whichever_broker_asks(begin, monkeypatch):
    works, at_once, most = begin(), [], []

    def deliver(mailing):
        at_once.append(mailing)
        most.append(len(at_once))
        time.sleep(0.1)
        at_once.remove(mailing)

    monkeypatch.setattr(works.mail_room.dispatcher, "deliver", deliver)
    works.mail_room.wakeups.wake(1)
    works.mail_room.turns.add(2, Lane.WAVE)
    works.mail_room.turns.attend()
    assert until(lambda: len(most) >= 2)
    assert set(most) == {1}


@on_postgresql
def test_attending_is_not_queued_while_the_postman_is_busy(begin, monkeypatch):
    """A busy dispatcher attends to its connections itself. A request would wait, and each tick would add another."""
    works, asked = begin(), []
    monkeypatch.setattr(type(works.mail_room.dispatcher), "has_connections", True)
    with monkeypatch.context() as while_asked:
        while_asked.setattr(works.mail_room.turns, "attend", lambda: asked.append(None))
        with works.mail_room.in_turn():
            works.due.wake_due()
        assert asked == []
        works.due.wake_due()
        assert asked == [None]


@on_postgresql
def test_a_process_that_may_not_send_takes_one_wake_up_and_does_not_acknowledge_it(begin, monkeypatch):
    held, delivered = begin(OUTREACH_SENDING="off"), []
    monkeypatch.setattr(held.mail_room, "deliver", delivered.append)
    for number in (1, 2, 3):
        held.mail_room.wakeups.wake(number)
    assert until(lambda: waiting(held.mail_room.wakeups) == 2)
    time.sleep(A_WHILE)
    assert (waiting(held.mail_room.wakeups), delivered) == (2, [])


@on_postgresql
def test_a_wake_up_that_comes_while_a_pass_asks_what_is_due_is_kept(begin, monkeypatch):
    held = begin(OUTREACH_SENDING="off")
    wakeups = held.mail_room.wakeups
    wakeups.wake(1)
    assert until(lambda: waiting(wakeups) == 0), "the process holds it, and takes no other"
    monkeypatch.setattr(due, "due_by_lane", lambda _session, now: [] if wakeups.wake(2) else [now])
    held.due.wake_due()
    assert waiting(wakeups) == 1


@pytest.fixture
def broker():
    yield from running(Redis)


@pytest.fixture
def rooms(broker, settings, database):
    """Makes the job rooms of processes whose children never end; only the first listens to no wake-up."""
    stop, made = threading.Event(), []
    child = (sys.executable, "-c", "import time; time.sleep(60)")

    def make():
        made.append(JobRoom(settings, database, stop, (broker.url, "jobs-1-2"), child))
        if len(made) > 1:
            made[-1]._thread.start()
            made[-1].wakeups._worker.start()
        return made[-1]

    yield make
    stop.set()
    for one in made[1:]:
        one.close()
    for one in made[:1]:
        one.wakeups._broker.close()  # its sockets would be found open in whichever test the collector comes by


def test_a_job_wakes_an_idle_process_whatever_becomes_of_the_wake_ups_of_letters(database, settings, broker, rooms):
    clock, letters = rooms(), Wakeups(broker.url, QUEUE, lambda _mailing: None)

    def is_leased(number):
        with database.reading() as session:
            return jobs.job_numbered(session, number).lease

    def asked(number):
        with database.writing() as session:
            return jobs.ask_job(
                session, "ada@fwb.example", AskedJob("Fichier", f"/{number}"), now=settings.instant()
            ).id

    first = asked(1)
    clock.look()
    letters.wake(1)
    letters.clear()
    rooms()
    assert until(lambda: is_leased(first))
    second = asked(2)
    clock.look()
    time.sleep(A_WHILE)
    assert not is_leased(second), "a process that is busy gets no wake-up"
    rooms()
    assert until(lambda: is_leased(second))
    letters.close()


@on_postgresql
def test_installations_that_share_a_broker_do_not_wake_each_other(database, templates, tmp_path):
    copies = templates.copy("postgresql", "empty", tmp_path)
    other = Database(next(copies))
    with database.reading() as here, other.reading() as there:
        assert queue_of(here) != queue_of(there)
    other.dispose()
    next(copies, None)
