"""Several relays: the first that serves is used, and no letter is handed to two of them."""

import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.core.settings import read
from outreach.delivery.models import MessageState, Reason, RelayState
from outreach.delivery.sending import Failpoint
from outreach.delivery.sending import _relay_health as relay_health
from outreach.delivery.smtp import Guard, State
from outreach.delivery.smtp._connection import Timeouts
from outreach.operations.worker.process import relays_of
from tests.conftest import NOW, PLACE
from tests.delivery.conftest import addresses, attend_until, mail_to, states

S = MessageState


@pytest.fixture
def both(relay):
    return relay(), relay()


def urls(*sinks, options=""):
    return " ".join(f"smtp://127.0.0.1:{sink.port}{options}" for sink in sinks)


def names(*sinks):
    return [f"127.0.0.1:{sink.port}" for sink in sinks]


def taken(sink):
    return [entry["to"] for entry in sink.accepted]


def hindrance(database, sinks, now=NOW):
    with database.reading() as session:
        return relay_health.relay_hindrance(session, names(*sinks), place=PLACE, now=now)


def test_relays_are_named_in_order_of_preference_each_with_its_own_measure(tmp_path):
    named = "smtp://a.example?rate=7, smtps://u:p@b.example\nsmtp://c.example:587?connections=3"
    settings = {"OUTREACH_SMTP_URL": named, "OUTREACH_DATA": str(tmp_path)}
    relays = relays_of(read(settings))
    assert [(one.name, one.connections, one.rate, one.starttls) for one in relays] == [
        ("a.example:25", 8, 7, True),
        ("b.example:465", 8, 0, False),
        ("c.example:587", 3, 0, True),
    ]


@pytest.mark.parametrize("reply", ["close", "554 5.7.1 go away", "421 4.3.2 busy"])
def test_the_next_relay_takes_over_at_once_and_hands_back_after_the_rest(database, both, dispatcher, clock, reply):
    first, second = both
    first.script({"stage": "connect", "reply": reply})
    worker = dispatcher(first, url=urls(*both))
    worker.deliver(mail_to(database, addresses(20, "a")))
    assert (len(taken(first)), len(taken(second))) == (0, 20)
    assert hindrance(database, both) == ""
    first.script()
    worker.deliver(mail_to(database, addresses(20, "b")))
    assert (len(taken(first)), len(taken(second))) == (0, 40)
    clock.forward(minutes=1, seconds=1)
    worker.deliver(mail_to(database, addresses(20, "c")))
    assert (sorted(taken(first)), len(taken(second))) == (addresses(20, "c"), 40)
    with database.reading() as session:
        assert {state.failures for state in session.scalars(select(RelayState))} == {0}


def test_a_relay_that_does_not_greet_is_left_for_the_next_sooner_than_one_that_is_alone(both, dispatcher):
    first, second = both
    assert dispatcher(first).pool.lateness.timeouts.greeting == 300
    assert dispatcher(first, url=urls(first, second)).pool.lateness.timeouts.greeting == 30


def test_a_silent_relay_holds_nothing_up_for_long(database, both, dispatcher):
    first, second = both
    first.script({"stage": "connect", "reply": "stall"})
    worker = dispatcher(first, url=urls(*both), timeouts=Timeouts(greeting=3))
    worker.deliver(mail_to(database, addresses(5)))
    assert sorted(taken(second)) == addresses(5)


def test_a_relay_in_alarm_is_told_and_the_others_are_at_work(database, both, dispatcher, clock):
    first, second = both
    alarming = f"smtp://facteur:faux@127.0.0.1:{first.port}"  # it offers no AUTH
    worker = dispatcher(first, url=f"{alarming} {urls(second)}")
    mailing = mail_to(database, addresses(20))
    worker.deliver(mailing)
    assert {row.state for row in states(database, mailing).values()} == {S.ACCEPTED}
    assert (taken(first), len(taken(second))) == ([], 20)
    clock.forward(days=1)
    with database.reading() as session:
        (alarm,) = relay_health.relay_alarms(relay_health.relay_states(session))
        assert f"127.0.0.1:{first.port} refuse de servir" in alarm
    assert hindrance(database, both, clock()) == ""
    worker.pool.leave(0)
    second.script({"stage": "connect", "reply": "close"})
    worker.deliver(mail_to(database, addresses(1)))
    told = hindrance(database, both, clock())
    assert alarm in told
    assert f"127.0.0.1:{second.port} ne prend rien" in told
    with database.writing() as session:
        relay_health.try_at_start(session, names(*both), place=PLACE, now=clock())
        assert relay_health.relay_alarms(relay_health.relay_states(session)) == []


def test_a_start_has_a_relay_that_rests_tried_at_once(database, both):
    (name, _other) = names(*both)
    with database.writing() as session:
        relay_health.note_failure(session, name, "refusé", place=PLACE, alarm=False, now=NOW)
        assert relay_health.relay_hindrances(session, [name], place=PLACE, now=NOW)
        relay_health.try_at_start(session, [name], place=PLACE, now=NOW)
        assert relay_health.relay_hindrances(session, [name], place=PLACE, now=NOW) == {}
        later = relay_health.note_failure(session, name, "refusé", place=PLACE, alarm=False, now=NOW)
    assert later - NOW == timedelta(minutes=2)  # it rests as long as it would have


def test_a_relay_that_is_back_takes_letters_as_soon_as_somebody_asks(database, both, dispatcher):
    first, _ = both
    first.script({"stage": "connect", "reply": "close"})
    worker, mailing = dispatcher(first), mail_to(database, addresses(3))
    worker.deliver(mailing)
    first.script()
    worker.deliver(mailing)
    assert taken(first) == []
    with database.writing() as session:
        assert relay_health.try_now(session, now=NOW, actor="x@fwb.example") == names(first)
    worker.deliver(mailing)
    assert len(taken(first)) == 3


@pytest.mark.long
def test_a_relay_that_dies_in_mid_wave_keeps_what_it_may_have_taken(database, both, dispatcher, clock):
    """Killed with dots out: their letters are in doubt, never at the second relay; all the others are, once."""
    first, second = both

    def kill(stage):
        carried = [connection.talk.parcel for connection in worker.pool._in[State.VERDICT]]
        if stage is Failpoint.AFTER_REPLY and sum(one.recipient.startswith("po00003") for one in carried) >= 5:
            first.process.kill()

    first.script({"stage": "dot", "match": "^po00003", "reply": "stall"})
    mailing = mail_to(database, addresses(300))
    worker = dispatcher(first, url=urls(*both), on_failpoint=kill)
    worker.deliver(mailing)
    while waiting := [row.due_at for row in states(database, mailing).values() if row.state is S.QUEUED]:
        clock.at = max(waiting)
        worker.deliver(mailing)
    found = states(database, mailing)
    doubtful = {address for address, row in found.items() if row.state is S.IN_DOUBT}
    assert {row.state for row in found.values()} == {S.ACCEPTED, S.IN_DOUBT}
    assert len([address for address in doubtful if address.startswith("po00003")]) >= 5
    assert not doubtful & set(taken(second))
    everybody = Counter(taken(first) + taken(second))
    assert set(everybody.values()) == {1}
    assert everybody.keys() | doubtful == set(addresses(300))
    assert {row.attempts for row in found.values()} == {0}


def test_a_letter_that_waits_for_the_answer_of_one_relay_is_not_handed_to_another(database, both, dispatcher, clock):
    first, second = both
    first.script(
        {"stage": "dot", "match": "^po000000", "reply": "accept:held:250 2.0.0 at last"},
        {"stage": "rcpt", "match": "^po000001", "reply": "held:250 2.1.5 at last"},
        {"stage": "rcpt", "match": "^po0000(0[2-9]|[1-9])", "reply": "close"},
    )
    mailing = mail_to(database, addresses(30))
    worker = dispatcher(first, url=urls(*both), patient=False)
    worker.pool.open(8)  # so that neither stands behind the other's dot: it would be given back
    worker.pool.wait(30, lambda: worker.pool.count(State.READY) == 8)
    worker.deliver(mailing)
    assert len(taken(second)) > 0
    first.script()
    clock.forward(minutes=2)
    worker.deliver(mailing)
    first.release()
    attend_until(worker, lambda: not worker.is_busy)
    assert {row.state for row in states(database, mailing).values()} == {S.ACCEPTED}
    assert {"po000000@adm.fwb.example", "po000001@adm.fwb.example"} <= set(taken(first))
    assert set(Counter(taken(first) + taken(second)).values()) == {1}


def test_a_letter_put_off_by_one_relay_waits_its_time_whichever_serves(database, both, dispatcher, clock):
    first, second = both
    first.script({"stage": "rcpt", "reply": "451 4.2.0 later"})
    mailing = mail_to(database, addresses(3))
    worker = dispatcher(first, url=urls(*both))
    worker.deliver(mailing)
    first.process.kill()
    worker.deliver(mailing)
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.QUEUED, 1)}
    assert taken(second) == []
    clock.forward(minutes=2)
    worker.deliver(mailing)
    assert sorted(taken(second)) == addresses(3)


def test_each_relay_has_its_own_number_of_connections_and_its_own_rate(database, both, dispatcher, unhurried):
    (first, second), started = both, time.monotonic()
    wide = f"{urls(first, options='?connections=2')} {urls(second, options='?rate=3&connections=5')}"
    worker = dispatcher(first, url=wide)
    worker.deliver(mail_to(database, addresses(40, "a")))
    assert len({entry["session"] for entry in first.accepted}) == 2
    first.process.kill()
    worker.deliver(mail_to(database, addresses(40, "b")))
    assert 3 <= len(taken(second)) <= 3 * (time.monotonic() - started + 1)
    assert len({entry["session"] for entry in second.accepted}) <= 5


def test_idle_connections_to_a_relay_turned_away_from_are_left(both, dispatcher):
    pool = dispatcher(both[0], url=urls(*both)).pool
    pool.open(3)
    pool.wait(30, until=lambda: pool.count(State.READY) == 3)
    pool.turn_to(pool.relays[1])
    assert pool.count(*State) == 0


def test_a_relay_that_asks_for_less_narrows_itself_alone(database, both, dispatcher, unhurried, monkeypatch):
    monkeypatch.setattr("outreach.delivery.sending._pacing.ROUNDS_TO_WIDEN", 1000)
    both[0].script({"stage": "rcpt", "reply": "421 4.7.0 too fast", "times": 1})
    worker = dispatcher(both[0], url=urls(*both))
    worker.deliver(mail_to(database, addresses(20, "a")))
    widths = {name: route.width.now for name, route in worker._routes._routes.items()}
    assert widths == dict(zip(names(*both), [4, 8], strict=True))


def test_the_guard_holds_for_every_relay(database, both, dispatcher):
    first, second = both
    first.process.kill()
    mailing = mail_to(database, ["a@adm.fwb.example", "b@adm.fwb.example"])
    guard = Guard(anybody=False, allowed=frozenset({"a@adm.fwb.example"}))
    dispatcher(first, url=urls(*both), guard=guard).deliver(mailing)
    assert [(row.state, row.reason) for row in states(database, mailing).values()] == [
        (S.ACCEPTED, None),
        (S.WITHDRAWN, Reason.TRIAL),
    ]
    assert taken(second) == ["a@adm.fwb.example"]


def test_when_no_relay_serves_each_says_why_and_each_rests_by_itself(database, both, dispatcher, clock):
    for sink in both:
        sink.process.kill()
    worker, mailing = dispatcher(both[0], url=urls(*both)), mail_to(database, addresses(3))
    for minutes in (1, 2):
        worker.deliver(mailing)
        told = hindrance(database, both, clock())
        assert all(f"{name} ne prend rien" in told for name in names(*both))
        with database.reading() as session:
            rests = {state.rests_until - clock() for state in session.scalars(select(RelayState))}
        assert rests == {timedelta(minutes=minutes)}
        clock.forward(minutes=minutes)
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.QUEUED, 0)}
