"""Mailings of one letter: one stands for all of its lane, and they are taken and handed over together."""

import time
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update

from outreach.delivery.models import Batch, Mailing, Message, Purpose
from outreach.delivery.models import MessageState as S
from outreach.delivery.sending import DueMailing, Failpoint, Lane, due_by_lane
from outreach.delivery.sending._rounds import lane_of
from tests.delivery.conftest import addresses, compose, mail_to, states

pytestmark = pytest.mark.postgresql


def mailings_of(database, purpose, count):
    """So many mailings of one letter."""
    made = [mail_to(database, [one]) for one in addresses(count, purpose.value)]
    with database.writing() as session:
        session.execute(update(Mailing).where(Mailing.id.in_(made)).values(purpose=purpose))
    return made


def test_each_wave_is_woken_for_and_one_mailing_for_each_other_lane(database, clock):
    receipts = mailings_of(database, Purpose.CONFIRMATION, 3)
    waves = mailings_of(database, Purpose.CAMPAIGN, 2)
    replies = mailings_of(database, Purpose.REPLY, 1)
    staff = mailings_of(database, Purpose.STAFF, 2)
    with database.reading() as session:
        assert due_by_lane(session, now=clock()) == [
            DueMailing(staff[0], Lane.STAFF),
            *(DueMailing(wave, Lane.WAVE) for wave in waves),
            DueMailing(receipts[0], Lane.SINGLE),
        ]
        assert lane_of(session, replies[0]) is Lane.SINGLE


@pytest.mark.long
def test_mailings_of_one_letter_leave_together(database, relay, dispatcher):
    receipts, waves = mailings_of(database, Purpose.CONFIRMATION, 60), mailings_of(database, Purpose.CAMPAIGN, 2)
    sink = relay("--lint-every", "0")
    worker = dispatcher(sink, connections=20)
    worker.deliver(receipts[0])
    assert len(sink.accepted) == 60
    worker.deliver(receipts[1])
    worker.deliver(waves[0])
    assert {entry["to"] for entry in sink.accepted[60:]} == set(addresses(1, "campaign"))
    with database.reading() as session:
        of_receipts = select(func.count(Message.fence_id.distinct())).where(Message.mailing_id.in_(receipts))
        assert session.scalar(of_receipts) < 30
        assert session.scalars(select(Batch.id).where(Batch.worker_id.is_not(None))).all() == []


def test_mail_to_staff_waits_for_no_turn_to_end(database, relay, dispatcher):
    sink, wave = relay("--lint-every", "0"), mail_to(database, addresses(100))
    worker = dispatcher(sink, connections=4)
    worker.staff_wait = lambda: True
    assert worker.deliver(wave)
    assert 0 < len(sink.accepted) < 100
    worker.staff_wait = lambda: False
    worker.deliver(wave)
    assert {row.state for row in states(database, wave).values()} == {S.ACCEPTED}


def test_composing_does_not_use_up_a_turn(database, relay, dispatcher, monkeypatch):
    left, ahead = [], [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead[0])
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.time", clock)

    def look(stage=Failpoint.AFTER_COMPOSE):
        if stage is Failpoint.AFTER_COMPOSE:
            left.append(worker._shares_until - clock.monotonic())

    def slowly(*given):
        look()
        ahead[0] += 1000
        return compose(*given)

    worker = dispatcher(relay(), compose=slowly, on_failpoint=look)
    worker.deliver(mail_to(database, addresses(1)))
    before, after = left[:2]
    assert after > before - 500
