"""Composing apart: the same letters, and none the fewer when the other process is gone."""

import os
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text

from outreach.delivery.models import Batch
from outreach.delivery.sending import LetterSource
from outreach.delivery.sending import _composer as composer
from tests.delivery.conftest import addresses, compose, mail_to


@pytest.fixture
def here(database, clock):
    database.dispose()
    return LetterSource(database, compose, clock)


def batch_of(database):
    mail_to(database, addresses(3))
    with database.reading() as session:
        number = session.scalars(select(Batch.id)).one()
    database.dispose()
    return (number,)


def test_a_batch_composed_apart_says_the_same(database, here):
    batch = batch_of(database)
    with composer.forked_source(here, url_of(database)) as beside:
        beside.begin(batch, set())
        written = beside.finish(batch, set())
        assert written == here.finish(batch, set())
        first = written[0].id
        beside.begin(batch, {first})
        assert [one.id for one in beside.finish(batch, set())] == [one.id for one in written[1:]]
        beside.begin(batch, set())
        assert [one.id for one in beside.finish(batch, {first})] == [one.id for one in written[1:]]


def test_what_was_begun_and_never_asked_for_is_not_mistaken_for_another(database, here):
    batch, empty = batch_of(database), (10**6,)
    with composer.forked_source(here, url_of(database)) as beside:
        beside.begin(batch, set())
        beside.begin(empty, set())
        assert beside.finish(empty, set()) == []
        beside.begin(batch, set())
        beside.begin(empty, set())
        assert len(beside.finish(batch, set())) == 3


def test_an_answer_read_by_half_is_not_taken_for_the_next(database, here, monkeypatch):
    batch, empty = batch_of(database), (10**6,)
    monkeypatch.setattr(composer, "PIECE", 1)
    with composer.forked_source(here, url_of(database)) as beside:
        with monkeypatch.context() as failing:
            failing.setattr(composer.Composed, "_make", failed)
            failing.setattr(composer.signal, "pidfd_send_signal", lambda *_: None)  # as if it took its time to die
            beside.begin(batch, set())
            assert len(beside.finish(batch, set())) == 3
        database.dispose()
        beside.begin(empty, set())
        assert beside.finish(empty, set()) == []
        beside.begin(batch, set())
        assert len(beside.finish(batch, set())) == 3


def failed(_some):
    raise MemoryError


def test_a_batch_begun_anew_is_composed_anew(database, here):
    batch = batch_of(database)
    first = here.finish(batch, set())[0].id
    database.dispose()
    with composer.forked_source(here, url_of(database)) as beside:
        beside.begin(batch, set())
        beside.begin(batch, {first})
        assert first not in [one.id for one in beside.finish(batch, set())]


def test_a_process_that_is_killed_is_reaped_and_replaced_and_the_log_says_so_once(database, here, caplog, monkeypatch):
    batch, killed = batch_of(database), []
    with composer.forked_source(here, url_of(database)) as beside:
        for _ in range(2):
            killed.append(beside.process)
            os.kill(beside.process, signal.SIGKILL)
            beside.begin(batch, set())
            assert len(beside.finish(batch, set())) == 3  # composed here
            database.dispose()
            with monkeypatch.context() as elsewhere:
                elsewhere.setattr(beside, "compose", None)
                composed_apart(beside, batch)
        assert beside.process not in killed
        wait_until_gone(killed)
    (record,) = caplog.records
    assert f"process {killed[0]}, which composed letters, is lost (" in record.getMessage()


def test_where_no_process_can_take_its_place_letters_are_composed_here(database, here, caplog):
    batch = batch_of(database)
    with composer.forked_source(here, url_of(database)) as beside:
        os.kill(beside._keeper.process, signal.SIGKILL)
        os.waitpid(beside._keeper.process, 0)
        os.kill(beside.process, signal.SIGKILL)
        for _ in range(3):
            beside.begin(batch, set())
            assert len(beside.finish(batch, set())) == 3
            database.dispose()
    assert len(caplog.records) == 1


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_process_that_a_frozen_database_holds_is_replaced(database, here, clock, monkeypatch):
    """Frozen for it alone, by a lock. A reader of SQLite waits for nobody."""
    batch = batch_of(database)
    with composer.forked_source(here, url_of(database)) as beside:
        held = beside.process
        with database.writing() as session, monkeypatch.context() as meanwhile:
            meanwhile.setattr(composer, "PATIENCE_SECONDS", 0.5)
            session.execute(text("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE"))
            beside.begin(batch, set())
            assert beside._awaited(beside._begun[1]) is None
        monkeypatch.setattr(composer, "PATIENCE_SECONDS", 30)
        monkeypatch.setattr(beside, "compose", None)  # it is not composed here
        composed_apart(beside, batch)
        assert beside.process != held
        wait_until_gone([held])


def composed_apart(beside, batch):
    beside.begin(batch, set())
    assert len(beside.finish(batch, set())) == 3


def wait_until_gone(processes):
    """Wait until they are reaped: a zombie still has its number."""
    end = time.monotonic() + 30
    while any(Path(f"/proc/{process}").exists() for process in processes):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_nothing_is_said_of_a_source_that_ends_with_the_postman(database, here, caplog):
    batch = batch_of(database)
    with composer.forked_source(here, url_of(database)) as beside:
        beside.begin(batch, set())
    assert not caplog.records


def test_what_cannot_be_composed_apart_is_tried_here_and_says_why(database, clock):
    batch = batch_of(database)

    def fail(*_):
        raise ValueError("no such field")

    with composer.forked_source(LetterSource(database, fail, clock), url_of(database)) as beside:
        beside.begin(batch, set())
        with pytest.raises(ValueError, match="no such field"):
            beside.finish(batch, set())


def test_a_stop_is_for_the_postman_alone(database, here, monkeypatch):
    batch = batch_of(database)
    with composer.forked_source(here, url_of(database)) as beside:
        child = beside.process
        os.kill(child, signal.SIGTERM)
        monkeypatch.setattr(beside, "compose", None)  # it is not composed here
        beside.begin(batch, set())
        assert len(beside.finish(batch, set())) == 3
    wait_until_gone([child])


def test_who_is_frozen_is_waited_for_no_longer_than_that(database, here, monkeypatch, caplog):
    batch = batch_of(database)
    with composer.forked_source(here, url_of(database)) as beside:
        os.kill(beside.process, signal.SIGSTOP)
        with monkeypatch.context() as meanwhile:  # another one that takes its place may take its time to begin
            meanwhile.setattr(composer, "PATIENCE_SECONDS", 0.3)
            beside.begin(batch, set())
            assert len(beside.finish(batch, set())) == 3
        database.dispose()
        beside.begin(batch, set())
        assert len(beside.finish(batch, set())) == 3
    assert ["no answer within 0.3 seconds" in one.getMessage() for one in caplog.records] == [True]


def test_who_is_frozen_keeps_nobody_from_ending(database, here):
    batch = batch_of(database)
    with composer.forked_source(here, url_of(database)) as beside:
        child = beside.process
        os.kill(child, signal.SIGSTOP)
        beside.begin(batch, set())
    wait_until_gone([child])


def test_the_postman_has_his_letters_from_there(database, relay, dispatcher, here):
    sink = relay()
    mailing = mail_to(database, addresses(3))
    database.dispose()
    with composer.forked_source(here, url_of(database)) as beside:
        one = dispatcher(sink)
        one.source = beside
        one.deliver(mailing)
    assert len(sink.accepted) == 3


def url_of(database):
    return database.engine.url.render_as_string(hide_password=False)
