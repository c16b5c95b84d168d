"""Doubts: who leaves them, what settles them, and what is sent once more, the same to the byte."""

import secrets

import pytest
from sqlalchemy.exc import OperationalError

from outreach.delivery import outbox, workers
from outreach.delivery.models import DoubtPolicy, Gate, Mailing, MessageClass, MessageState
from outreach.delivery.sending import Failpoint
from outreach.delivery.sending import _rounds as rounds
from outreach.delivery.smtp import State
from tests.delivery.conftest import addresses, attend_until, letter, mail_to, schools
from tests.delivery.sending.test_fence import at, due, ends, hold, in_full_rounds, record

pytestmark = pytest.mark.postgresql

S = MessageState


def test_a_worker_that_is_seen_keeps_its_letters_and_an_unseen_one_leaves_doubts(database, relay, dispatcher, clock):
    sink = relay()
    sink.script({"stage": "dot", "reply": "stall"})
    mailing = mail_to(database, addresses(2))
    worker = dispatcher(sink, patient=False)
    worker.deliver(mailing)
    attend_until(worker, lambda: worker.pool.count(State.VERDICT) == 2)
    clock.forward(seconds=29)
    with database.writing() as session:
        assert outbox.doubt_the_abandoned(session, now=clock()) == 0
        workers.give_sign(session, worker.writer.worker_id, now=clock())
    clock.forward(seconds=29)
    with database.writing() as session:
        assert outbox.doubt_the_abandoned(session, now=clock()) == 0
        workers.leave(session, worker.writer.worker_id, now=clock())
        assert outbox.doubt_the_abandoned(session, now=clock()) == 2
        assert len(outbox.doubtful_letters(session, session.get_one(Mailing, mailing))) == 2


@in_full_rounds
def test_a_fence_that_lands_after_its_worker_looked_for_it_is_a_doubt_in_the_end(
    unreliable, relay, dispatcher, clock, monkeypatch
):
    """The server ends a commit whose answer was lost only after the worker has found nothing to take back."""
    database, sink = unreliable(True), relay()
    mailing = mail_to(database, addresses(1))
    worker = dispatcher(sink, on_failpoint=at(Failpoint.BEFORE_FENCE, lambda: setattr(database, "failing", True)))
    worker.writer.database = database
    with pytest.raises(OperationalError):
        worker.deliver(mailing)
    monkeypatch.setattr(rounds, "take_back", lambda *_, **__: None)
    worker.attend()
    assert (sink.accepted, set(ends(database, mailing))) == ([], {(S.HANDING, None)})
    for minutes, doubted in ((14, 0), (1, 1), (1, 0)):
        clock.forward(minutes=minutes)
        with database.writing() as session:
            workers.give_sign(session, worker.writer.worker_id, now=clock())
            assert outbox.doubt_the_abandoned(session, now=clock()) == doubted
            assert outbox.under_way(session, [mailing]) == (set() if minutes == 1 else {mailing})
    assert set(ends(database, mailing)) == {(S.IN_DOUBT, None)}


def test_a_statutory_notice_in_doubt_is_sent_once_more_byte_for_byte(database, relay, dispatcher, clock, strand):
    sink, (first, second) = relay(), schools(database, 2)
    sink.script({"stage": "dot", "reply": "accept:close"})
    listed = {addresses(1)[0]: (first, second)}
    mailing = mail_to(
        database, addresses(1), kind=MessageClass.STATUTORY, policy=DoubtPolicy.RESEND, strand=strand, listed=listed
    )

    for minutes, expected in ((0, 0), (14, 0), (2, 1), (30, 0)):
        clock.forward(minutes=minutes)
        dispatcher(sink, compose=at_random).deliver(mailing)
        with database.writing() as session:
            assert outbox.resend_the_doubtful(session, now=clock()) == expected
    assert ends(database, mailing) == [(S.IN_DOUBT, None)]
    once, twice = sink.accepted
    assert once["sha"] == twice["sha"]
    assert once["session"] != twice["session"]


def in_doubt_and_queued_again(database, sink, dispatcher, clock, **details):
    """A statutory notice that was taken without an answer, and is to be sent once more; returns its mailing."""
    sink.script({"stage": "dot", "reply": "accept:close", "times": 1})
    details = {"kind": MessageClass.STATUTORY, "policy": DoubtPolicy.RESEND, **details}
    mailing = mail_to(database, addresses(1), **details)
    dispatcher(sink).deliver(mailing)
    clock.forward(minutes=16)
    with database.writing() as session:
        assert outbox.resend_the_doubtful(session, now=clock()) == 1
    return mailing


def at_random(_session, _mailing, due):
    """What is composed anew never reads the same; what is kept does."""
    return {one.id: letter(one) if one.kept else never_the_same(one) for one in due}


def never_the_same(one):
    said = secrets.token_hex(8)
    return letter(one._replace(kept=said))._replace(content=said)


def test_a_resend_held_at_its_fence_still_says_the_same_later(database, relay, dispatcher, clock):
    sink = relay()
    mailing = in_doubt_and_queued_again(database, sink, dispatcher, clock)
    dispatcher(
        sink, compose=at_random, on_failpoint=at(Failpoint.BEFORE_FENCE, lambda: hold(database, mailing))
    ).deliver(mailing)
    assert ends(database, mailing) == [(S.QUEUED, None)]
    hold(database, mailing, Gate.OPEN)
    dispatcher(sink, compose=at_random).deliver(mailing)
    assert ends(database, mailing) == [(S.ACCEPTED, None)]
    assert len({entry["sha"] for entry in sink.accepted}) == 1 < len(sink.accepted)


def test_a_resend_whose_commit_is_lost_still_says_the_same_later(unreliable, relay, dispatcher, clock):
    database, sink = unreliable(True), relay()
    mailing = in_doubt_and_queued_again(database, sink, dispatcher, clock)
    watch = at(Failpoint.BEFORE_FENCE, lambda: setattr(database, "failing", True))
    worker = dispatcher(sink, compose=at_random, on_failpoint=watch)
    worker.writer.database = database
    with pytest.raises(OperationalError):
        worker.deliver(mailing)
    worker.attend()
    clock.forward(seconds=21)
    worker.deliver(mailing)
    assert ends(database, mailing) == [(S.ACCEPTED, None)]
    assert len({entry["sha"] for entry in sink.accepted}) == 1 < len(sink.accepted)


def test_a_resend_lists_no_school_that_joined_since(database, relay, dispatcher, clock, strand):
    sink, (first, second) = relay("--keep"), schools(database, 2)
    listed = {addresses(1)[0]: (first, second)}
    mailing = in_doubt_and_queued_again(database, sink, dispatcher, clock, strand=strand, listed=listed)
    record(database, second, strand)
    dispatcher(sink).deliver(mailing)
    assert ends(database, mailing) == [(S.ACCEPTED, None)]
    said = (sink.folder / f"{sink.accepted[-1]['id'].strip('<>')}.eml").read_text()
    assert f"coles : {first}." in said


def test_awareness_mail_in_doubt_is_held_for_a_person(database, relay, dispatcher, clock):
    sink = relay()
    sink.script({"stage": "dot", "reply": "close"})
    mailing = mail_to(database, addresses(1))
    dispatcher(sink).deliver(mailing)
    clock.forward(hours=2)
    with database.writing() as session:
        assert outbox.resend_the_doubtful(session, now=clock()) == 0
    assert due(database, clock) == []
