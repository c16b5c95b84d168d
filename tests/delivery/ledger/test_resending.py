"""Letters sent again because somebody asks, through a real relay: what failed once, what may have arrived once more."""

import pytest
from sqlalchemy import func, literal, select, true

from outreach.core.audit import entries_about
from outreach.delivery import outbox
from outreach.delivery.models import Composition, Mailing, Message, MessageState, SuppressionReason
from outreach.delivery.outbox import Spared
from tests.delivery.conftest import addresses, mail_to, states
from tests.delivery.sending.test_doubts import at_random

S = MessageState
NOBODY = Spared(select(literal(0)).where(~true()))


def retry(database, mailing, clock, without=NOBODY):
    with database.writing() as session:
        found = session.get_one(Mailing, mailing)
        counted = outbox.count_failed(session, [mailing], without=without).get(mailing, (0, 0))[0]
        done = outbox.retry_failed(session, found, without=without, now=clock())
        assert done == counted
        return done


def resend(database, mailing, clock, **details):
    with database.writing() as session:
        found = session.get_one(Mailing, mailing)
        return outbox.resend_rested(session, found, without=NOBODY, now=clock(), actor="nadia@fwb.example", **details)


def test_what_was_refused_leaves_again_under_its_name_and_what_was_accepted_never(database, relay, dispatcher, clock):
    sink, (first, second) = relay(), addresses(2)
    sink.script({"stage": "dot", "match": first, "reply": "550 5.7.1 policy", "times": 1})
    mailing = mail_to(database, [first, second])
    dispatcher(sink).deliver(mailing)
    before = states(database, mailing)
    assert [before[one].state for one in (first, second)] == [S.REFUSED, S.ACCEPTED]
    clock.forward(hours=1)
    assert retry(database, mailing, clock) == 1
    dispatcher(sink).deliver(mailing)
    after = states(database, mailing)
    assert [after[one].state for one in (first, second)] == [S.ACCEPTED, S.ACCEPTED]
    assert (after[first].public_id, after[first].dated_at) == (before[first].public_id, before[first].dated_at)
    assert sorted(entry["to"] for entry in sink.accepted) == [first, second]
    assert retry(database, mailing, clock) == 0


@pytest.mark.long
def test_what_expired_has_a_day_again(database, relay, dispatcher, clock):
    sink = relay()
    sink.script({"stage": "rcpt", "reply": "450 4.2.0 greylisted"})
    mailing, (only,) = mail_to(database, addresses(1)), addresses(1)
    for _ in range(40):
        dispatcher(sink).deliver(mailing)
        clock.forward(hours=1)
    assert states(database, mailing)[only].state is S.EXPIRED
    assert retry(database, mailing, clock) == 1
    dispatcher(sink).deliver(mailing)
    row = states(database, mailing)[only]
    assert (row.state, row.attempts) == (S.QUEUED, 1)


def test_a_mailbox_that_does_not_exist_is_not_asked_again(database, relay, dispatcher, clock):
    sink = relay()
    sink.script({"stage": "rcpt", "reply": "550 5.1.1 unknown"})
    mailing, (only,) = mail_to(database, addresses(1)), addresses(1)
    dispatcher(sink).deliver(mailing)
    sink.script()
    assert retry(database, mailing, clock) == 0
    assert states(database, mailing)[only].state is S.REFUSED


def test_who_unsubscribed_in_between_is_left_alone(database, relay, dispatcher, clock):
    sink, (only,) = relay(), addresses(1)
    sink.script({"stage": "dot", "reply": "550 5.7.1 policy", "times": 1})
    mailing = mail_to(database, [only])
    dispatcher(sink).deliver(mailing)
    with database.writing() as session:
        details = {"now": clock(), "actor": "x", "detail": ""}
        outbox.suppress_address(session, only, SuppressionReason.UNSUBSCRIBED, **details)
    assert retry(database, mailing, clock) == 0
    assert states(database, mailing)[only].state is S.REFUSED


def test_a_doubt_stays_one_when_its_address_is_written_to_no_more(database, relay, dispatcher, clock):
    sink, (only,) = relay(), addresses(1)
    sink.script({"stage": "dot", "reply": "accept:close"})
    mailing = mail_to(database, [only])
    dispatcher(sink).deliver(mailing)
    with database.writing() as session:
        outbox.suppress_address(session, only, SuppressionReason.COMPLAINT, now=clock(), actor="x")
    clock.forward(minutes=16)
    assert resend(database, mailing, clock) == 0
    assert states(database, mailing)[only].state is S.IN_DOUBT


def test_those_left_out_stay_as_they_are(database, relay, dispatcher, clock):
    sink, (only,) = relay(), addresses(1)
    sink.script({"stage": "dot", "reply": "550 5.7.1 policy"})
    mailing = mail_to(database, [only])
    dispatcher(sink).deliver(mailing)
    assert retry(database, mailing, clock, without=Spared(select(Message.authority_id))) == 0
    assert states(database, mailing)[only].state is S.REFUSED


def test_a_doubt_leaves_once_more_after_15_minutes_the_same_to_the_byte(database, relay, dispatcher, clock):
    sink, (first, second) = relay(), addresses(2)
    sink.script({"stage": "dot", "reply": "accept:close"})
    mailing = mail_to(database, [first, second])
    dispatcher(sink, compose=at_random).deliver(mailing)
    dispatcher(sink, compose=at_random).deliver(mailing)
    sink.script()
    key = states(database, mailing)[first].id
    clock.forward(minutes=14)
    assert resend(database, mailing, clock) == 0
    clock.forward(minutes=2)
    assert resend(database, mailing, clock, only=key) == 1
    dispatcher(sink, compose=at_random).deliver(mailing)
    rows = states(database, mailing)
    assert [rows[one].state for one in (first, second)] == [S.ACCEPTED, S.IN_DOUBT]
    digests = [entry["sha"] for entry in sink.accepted if entry["to"] == first]
    assert len(digests) == 2
    assert len(set(digests)) == 1
    with database.reading() as session:
        assert [one.actor for one in entries_about(session, f"message:{key}")] == ["nadia@fwb.example"]
    clock.forward(hours=1)
    assert resend(database, mailing, clock) == 1


def test_a_doubt_sent_again_is_never_sent_a_third_time(database, relay, dispatcher, clock):
    sink = relay()
    sink.script({"stage": "dot", "reply": "accept:close", "times": 1}, {"stage": "dot", "reply": "550 5.7.1 no"})
    mailing, (only,) = mail_to(database, addresses(1)), addresses(1)
    dispatcher(sink).deliver(mailing)
    clock.forward(minutes=16)
    assert resend(database, mailing, clock) == 1
    dispatcher(sink).deliver(mailing)
    assert states(database, mailing)[only].state is S.REFUSED
    clock.forward(hours=1)
    assert resend(database, mailing, clock) == 0
    assert retry(database, mailing, clock) == 0
    assert len(sink.accepted) == 1


def test_a_letter_tried_again_keeps_no_words_of_the_first_attempt(database, relay, dispatcher, clock):
    sink = relay()
    sink.script({"stage": "dot", "reply": "550 5.7.1 policy"})
    mailing = mail_to(database, addresses(1))
    dispatcher(sink).deliver(mailing)
    retry(database, mailing, clock)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Composition)) == 0
        assert outbox.tally_mailings(session, [mailing])[mailing].pending == 1
