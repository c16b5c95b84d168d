"""Relays that dawdle, break off, ask for less: what becomes of letters, and of the relay (answers: test_answers)."""

import select as polling
import socket
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.delivery import outbox
from outreach.delivery.models import MessageState, Reason, RelayState, Suppression, SuppressionReason
from outreach.delivery.sending import Failpoint
from outreach.delivery.sending import _relay_health as relay_health
from outreach.delivery.smtp import Guard, State
from outreach.delivery.smtp import _pool as pool
from outreach.delivery.smtp._connection import Timeouts
from tests.conftest import NOW, PLACE
from tests.delivery.conftest import addresses, attend_until, deliver_until, mail_to, states

S = MessageState

both_ways = pytest.mark.parametrize("options", [(), ("--no-pipelining",)], ids=["pipelining", "in steps"])


@pytest.mark.parametrize(
    ("reply", "state", "attempts"),
    [("451 4.3.0 later", S.QUEUED, 1), ("550 5.7.1 no", S.REFUSED, 0), ("reset", S.QUEUED, 1), ("close", S.QUEUED, 1)],
)
@both_ways
def test_an_answer_to_the_sender_is_an_answer_to_the_letter(
    database, relay, dispatcher, options, reply, state, attempts
):
    sink = relay(*options)
    sink.script({"stage": "mail", "reply": reply})
    mailing = mail_to(database, addresses(1))
    dispatcher(sink).deliver(mailing)
    assert [(row.state, row.attempts) for row in states(database, mailing).values()] == [(state, attempts)]
    assert sink.accepted == []


def test_a_refused_recipient_never_gets_a_body_even_if_data_is_taken(database, relay, dispatcher):
    """RCPT refused and yet 354: closed without a body; the letter is refused, the next one leaves."""
    sink = relay()
    sink.script({"stage": "rcpt", "match": "^po000000", "reply": "550 5.1.1 no"})
    mailing = mail_to(database, addresses(3))
    dispatcher(sink, connections=1).deliver(mailing)
    assert [row.state for row in states(database, mailing).values()] == [S.REFUSED, S.ACCEPTED, S.ACCEPTED]
    assert sorted(entry["to"] for entry in sink.accepted) == addresses(3)[1:]


@pytest.mark.long
@both_ways
def test_a_letter_put_off_leaves_later_and_after_a_day_it_expires(database, relay, dispatcher, options, clock):
    sink = relay(*options)
    sink.script(
        {"stage": "rcpt", "match": "^po000000", "reply": "451 4.2.0 later", "times": 2},
        {"stage": "rcpt", "match": "^po000001", "reply": "451 4.2.0 later"},
    )
    mailing = mail_to(database, addresses(2))
    worker = dispatcher(sink)
    waits = []
    for _ in range(40):
        worker.deliver(mailing)
        rows = list(states(database, mailing).values())
        waiting = [row.due_at for row in rows if row.state is S.QUEUED]
        if not waiting:
            break
        waits.append((min(waiting) - clock()).total_seconds() / 60)
        clock.at = min(waiting)
    assert [row.state for row in rows] == [S.ACCEPTED, S.EXPIRED]
    assert rows[0].attempts == 2
    for wait, minutes in zip(waits[2:], [5, 15, 30, 60, 60], strict=False):
        assert wait <= minutes * 1.1
    assert clock() - NOW <= timedelta(hours=26)
    assert [entry["to"] for entry in sink.accepted] == addresses(1)


@pytest.mark.long
@both_ways
def test_a_missing_domain_suppresses_at_the_second_time_in_a_day_and_never_more_than_twenty(
    database, relay, dispatcher, options, clock
):
    sink = relay(*options)
    sink.script({"stage": "rcpt", "reply": "550 5.1.2 no such domain"})
    worker = dispatcher(sink)
    worker.deliver(mail_to(database, addresses(1)))
    clock.forward(hours=25)
    worker.deliver(mail_to(database, addresses(1)))
    with database.reading() as session:
        assert session.scalars(select(Suppression)).all() == []
    worker.deliver(mail_to(database, addresses(25)))
    worker.deliver(mail_to(database, addresses(25)))
    with database.reading() as session:
        assert len(session.scalars(select(Suppression)).all()) == 20


def test_an_unreachable_relay_rests_longer_each_time(database, relay, dispatcher, clock):
    sink = relay()
    mailing = mail_to(database, addresses(2))
    worker = dispatcher(sink)
    sink.stop()
    rests = []
    for _ in range(4):
        worker.deliver(mailing)
        with database.reading() as session:
            state = session.scalars(select(RelayState)).one()
            assert "ne prend rien" in relay_health.relay_hindrance(session, [state.name], place=PLACE, now=clock())
        rests.append((state.rests_until - clock()).total_seconds() / 60)
        worker.deliver(mailing)  # resting: not even tried
        clock.at = state.rests_until
    assert rests == [1, 2, 5, 10]
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.QUEUED, 0)}
    other = relay()
    dispatcher(other).deliver(mailing)
    assert {row.state for row in states(database, mailing).values()} == {S.ACCEPTED}


def test_a_relay_whose_name_does_not_resolve_rests(database, relay, dispatcher, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    mailing = mail_to(database, addresses(2))
    dispatcher(None, url="smtp://relay.example?starttls=off").deliver(mailing)
    with database.reading() as session:
        assert "introuvable" in session.scalars(select(RelayState)).one().said
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.QUEUED, 0)}


@pytest.mark.parametrize("answers", [True, False], ids=["refuses", "is silent"])
def test_a_relay_is_reached_by_the_next_of_its_addresses(database, relay, dispatcher, monkeypatch, answers):
    sink, mailing = relay(), mail_to(database, addresses(20))
    with socket.socket() as silent, socket.socket() as caller:
        silent.bind(("127.0.0.1", 0))
        if not answers:  # a queue that is full: nobody else is answered
            silent.listen(0)
            caller.connect(silent.getsockname())
        tcp = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        places = [(*tcp, silent.getsockname()), (*tcp, ("127.0.0.1", sink.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
        worker = dispatcher(sink, url=f"smtp://relay.example:{sink.port}?starttls=off", timeouts=Timeouts(connect=0.3))
        worker.deliver(mailing)
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.ACCEPTED, 0)}


@pytest.mark.parametrize("connections", [1, 8])
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_relay_that_breaks_off_on_everybody_rests_longer_each_time(
    database, relay, dispatcher, unhurried, clock, stage, connections
):
    sink, mailing = relay(), mail_to(database, addresses(20))
    sink.script({"stage": stage, "reply": "close"})
    worker = dispatcher(sink, connections=connections)
    for minutes in (1, 2, 5):
        worker.deliver(mailing)
        with database.reading() as session:
            rests_until = session.scalars(select(RelayState)).one().rests_until
        assert rests_until - clock() == timedelta(minutes=minutes)
        clock.at = rests_until
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.QUEUED, 0)}
    sink.script()
    worker.deliver(mailing)
    assert {row.state for row in states(database, mailing).values()} == {S.ACCEPTED}


@pytest.mark.long
@pytest.mark.parametrize("connections", [1, 8])
def test_a_letter_on_which_the_relay_breaks_off_waits_alone_and_expires(
    database, relay, dispatcher, clock, connections
):
    sink, mailing = relay(), mail_to(database, addresses(30))
    sink.script({"stage": "rcpt", "match": "^po00000[37]", "reply": "close"})
    poison, worker = [addresses(30)[3], addresses(30)[7]], dispatcher(sink, connections=connections)
    worker.deliver(mailing)
    found = states(database, mailing)
    assert [address for address, row in found.items() if row.state is not S.ACCEPTED] == poison
    for address in poison:
        assert found[address].attempts == 1
        assert timedelta(minutes=1) <= found[address].due_at - clock() <= timedelta(minutes=1.1)
    while any(row.state is S.QUEUED for row in found.values()):
        clock.at = max(row.due_at for row in found.values())
        worker.deliver(mailing)
        found = states(database, mailing)
    assert [found[address].state for address in poison] == [S.EXPIRED] * 2
    assert clock() - NOW <= timedelta(hours=26)
    with database.reading() as session:
        assert session.scalars(select(RelayState.rests_until)).all() == []


@pytest.mark.parametrize(
    "stage", ["rcpt", *(pytest.param(at, marks=pytest.mark.long) for at in ("mail", "data", "dot"))]
)
def test_a_relay_that_asks_for_less_gets_half_the_connections_and_more_again_later(
    database, relay, dispatcher, unhurried, stage
):
    sink = relay()
    sink.script({"stage": stage, "reply": "421 4.7.0 too fast", "times": 1})
    mailing = mail_to(database, addresses(220))
    dispatcher(sink).deliver(mailing)
    sessions = [entry["session"] for entry in sink.accepted]
    assert len(sessions) == 219
    assert 4 in {len(set(sessions[start : start + 60])) for start in range(100)}
    assert 5 <= len(set(sessions[-40:])) <= 8


@pytest.mark.long
def test_a_relay_that_serves_one_worker_does_not_rest_because_it_failed_another(database, relay, dispatcher):
    sink = relay()

    def fail(stage):
        if stage is Failpoint.AFTER_FENCE and len(sink.accepted) < 400:
            with database.writing() as session:
                relay_health.note_failure(
                    session, f"127.0.0.1:{sink.port}", "occupé", place=PLACE, alarm=False, now=NOW
                )

    dispatcher(sink, on_failpoint=fail).deliver(mail_to(database, addresses(600)))
    assert len(sink.accepted) == 600


def test_a_relay_that_asks_for_less_while_every_connection_is_busy_gets_less_afterwards(
    database, relay, dispatcher, monkeypatch
):
    for to_widen in ("ROUNDS_TO_WIDEN", "SECONDS_TO_WIDEN"):
        monkeypatch.setattr(f"outreach.delivery.sending._pacing.{to_widen}", 1000)
    sink = relay()
    slowly = {"stage": "dot", "reply": "accept:slow:0.6:250 2.0.0 ok", "times": 7}
    sink.script({"stage": "rcpt", "reply": "slow:0.3:421 4.7.0 too fast", "times": 1}, slowly)
    mailing = mail_to(database, addresses(60))
    worker = dispatcher(sink)
    while len(sink.accepted) < 59:
        worker.deliver(mailing)
    sessions = [entry["session"] for entry in sink.accepted]
    assert len(set(sessions[-40:])) == 4


def test_a_connection_closed_while_idle_costs_no_letter_an_attempt(database, relay, dispatcher):
    sink = relay()
    sink.script({"stage": "dot", "reply": "accept:raw:250 2.0.0 ok, and good bye\r\n"})
    mailing = mail_to(database, addresses(6))

    used = []

    def let_the_relay_close(stage):
        if stage is Failpoint.AFTER_DOT:
            used[:] = worker.pool._in[State.VERDICT]
        if stage is Failpoint.AFTER_REPLY:
            for line in used:
                if line.state is State.READY:
                    polling.select([line.socket], [], [], 20)

    worker = dispatcher(sink, connections=2, on_failpoint=let_the_relay_close)
    worker.deliver(mailing)
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.ACCEPTED, 0)}


@pytest.mark.parametrize("stage", ["connect", "ehlo"])
def test_a_connection_that_is_never_ready_keeps_no_letter_waiting(database, relay, dispatcher, monkeypatch, stage):
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.PATIENCE_SECONDS", 0.5)
    sink = relay()
    sink.script({"stage": stage, "reply": "held:250 2.0.0 at last", "times": 1})
    mailing, worker = mail_to(database, addresses(1)), dispatcher(sink, patient=False)
    worker.deliver(mailing)
    assert sink.accepted == []
    deliver_until(worker, mailing, lambda: len(sink.accepted) == 1)
    attend_until(worker, lambda: worker.pool.stuck == 1)


@pytest.mark.parametrize(("stage", "last"), [("ehlo", S.ACCEPTED), ("rset", S.REFUSED)])
def test_a_connection_that_is_late_to_be_free_is_left_as_well(database, relay, dispatcher, monkeypatch, stage, last):
    """Kept for longer than others, it would be closed on us some day, with a letter on it."""
    sink = relay("--no-pipelining")
    sink.script(
        {"stage": "rcpt", "match": "^po000002", "reply": "250 2.1.5 ok" if stage == "ehlo" else "550 5.2.2 full"},
        {"stage": stage, "reply": "held:250 2.0.0 at last", "times": 1},
    )
    mailing, worker = mail_to(database, addresses(3)), dispatcher(sink, connections=2, patient=False)
    worker.deliver(mailing)
    attend_until(worker, lambda: [row.state for row in states(database, mailing).values()] == [S.ACCEPTED] * 2 + [last])
    sink.release()
    attend_until(worker, lambda: not worker.is_busy)
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.IDLE_SECONDS", 0)
    attend_until(worker, lambda: not worker.has_connections)


def test_an_address_the_relay_cannot_write_is_not_served(database, relay, dispatcher):
    mailing = mail_to(database, ["prénom@adm.fwb.example"])
    dispatcher(relay()).deliver(mailing)
    assert [(row.state, row.reply_status) for row in states(database, mailing).values()] == [(S.REFUSED, "5.6.7")]


def test_an_address_beyond_ascii_goes_to_a_relay_that_offers_it(database, relay, dispatcher):
    sink = relay("--offer", "SMTPUTF8", "--offer", "8BITMIME")
    mailing = mail_to(database, ["prénom@adm.fwb.example"])
    dispatcher(sink).deliver(mailing)
    assert [row.state for row in states(database, mailing).values()] == [S.ACCEPTED]
    assert [entry["to"] for entry in sink.accepted] == ["prénom@adm.fwb.example"]


def test_only_the_list_of_a_trial_leaves_and_the_ministry_s_own_boxes_never(database, relay, dispatcher):
    sink = relay()
    guard = Guard(
        anybody=False, allowed=frozenset({"a@adm.fwb.example", "@test.example"}), protected=frozenset({"garde.example"})
    )
    mailing = mail_to(database, ["a@adm.fwb.example", "b@adm.fwb.example", "x@test.example", "y@mail.garde.example"])
    dispatcher(sink, guard=guard).deliver(mailing)
    assert {address: (row.state, row.reason) for address, row in states(database, mailing).items()} == {
        "a@adm.fwb.example": (S.ACCEPTED, None),
        "b@adm.fwb.example": (S.WITHDRAWN, Reason.TRIAL),
        "x@test.example": (S.ACCEPTED, None),
        "y@mail.garde.example": (S.WITHDRAWN, Reason.TRIAL),
    }
    assert Guard(anybody=True, protected=frozenset({"garde.example"})).stops("z@garde.example")


def test_the_list_of_a_trial_names_no_domain_that_is_merely_folded_to_the_same():
    guard = Guard(anybody=False, allowed=frozenset({"@strasse.example", "strasse@ecole.be"}))
    assert guard.stops("é@straße.example")
    assert guard.stops("straße@ecole.be")
    assert not guard.stops("X@STRASSE.example")
    assert Guard(anybody=True, protected=frozenset({"strasse.example"})).stops("é@straße.example")


def test_a_tarpit_slows_only_itself(database, relay, dispatcher, monkeypatch):
    """Two recipients get no answer for long: the others leave meanwhile, and the slow ones in the end."""
    monkeypatch.setattr(pool, "PATIENCE_SECONDS", 1)
    sink = relay()
    sink.script(
        {"stage": "rcpt", "match": "^po000003", "reply": "held:250 2.1.5 at last"},
        {"stage": "dot", "match": "^po000005", "reply": "accept:held:250 2.0.0 at last"},
    )
    mailing = mail_to(database, addresses(100))
    worker = dispatcher(sink, patient=False)
    deliver_until(worker, mailing, lambda: len(sink.accepted) == 99)
    sink.release()
    attend_until(worker, lambda: not worker.is_busy)
    assert {row.state for row in states(database, mailing).values()} == {S.ACCEPTED}
    entries = sink.accepted
    assert len(entries) == len({entry["to"] for entry in entries}) == 100
    assert entries[-1]["to"].startswith("po000003")


@both_ways
def test_a_tarpit_in_the_first_batch_does_not_keep_the_next_ones_from_leaving(database, relay, dispatcher, options):
    sink = relay("--lint-every", "50", *options)
    sink.script({"stage": "rcpt", "match": "^po000003", "reply": "held:250 2.1.5 at last"})
    mailing = mail_to(database, addresses(520))
    worker = dispatcher(sink, patient=False)
    worker.deliver(mailing)
    attend_until(worker, lambda: len(sink.accepted) == 519)
    attend_until(worker, lambda: not worker.pool.count(State.VERDICT))
    assert [address for address, row in states(database, mailing).items() if row.state is not S.ACCEPTED] == [
        addresses(4)[3]
    ]


@pytest.mark.long
def test_a_batch_whose_letters_are_all_withdrawn_is_passed_over(database, relay, dispatcher):
    sink, everybody = relay(), addresses(260)
    with database.writing() as session:
        for one in everybody[:250]:
            outbox.suppress_address(session, one, SuppressionReason.STAFF, now=NOW, actor="a@fwb.example")
    mailing = mail_to(database, everybody)
    dispatcher(sink).deliver(mailing)
    assert sorted(entry["to"] for entry in sink.accepted) == everybody[250:]


@both_ways
def test_a_silent_relay_is_left_after_its_time_without_a_dot_or_in_doubt_after_it(database, relay, dispatcher, options):
    sink = relay(*options)
    sink.script(
        {"stage": "rcpt", "match": "^po000000", "reply": "stall"},
        {"stage": "dot", "match": "^po000001", "reply": "stall"},
    )
    mailing = mail_to(database, addresses(3))
    worker = dispatcher(sink, timeouts=Timeouts(command=1.5, dot=1.5))
    worker.deliver(mailing)
    assert [row.state for row in states(database, mailing).values()] == [S.QUEUED, S.IN_DOUBT, S.ACCEPTED]


def test_who_waits_for_the_rate_asks_nothing_meanwhile_whoever_dawdles(database, relay, dispatcher):
    sink, mailing, stages = relay(), mail_to(database, addresses(60)), []
    sink.script({"stage": "rcpt", "match": "^po000000", "reply": "stall"})
    worker = dispatcher(sink, rate=2, connections=3, patient=False, on_failpoint=stages.append)
    worker.deliver(mailing)
    assert 1 <= len(sink.accepted) < 40
    assert len(stages) < 200


def test_as_fast_as_allowed_and_no_faster(database, relay, dispatcher):
    sink = relay()
    mailing, started = mail_to(database, addresses(60)), time.monotonic()
    dispatcher(sink, rate=5).deliver(mailing)
    assert 5 <= len(sink.accepted) <= 5 * (time.monotonic() - started + 1)


def test_what_fails_too_often_is_looked_for_within_a_batch(database, relay, dispatcher):
    sink, looked = relay(), []
    sink.script({"stage": "rcpt", "reply": "550 5.7.1 no", "times": 3})
    mailing = mail_to(database, addresses(40))
    dispatcher(sink, connections=3, pause_failing=lambda: looked.append(len(sink.accepted))).deliver(mailing)
    assert len(sink.accepted) == 37
    assert looked[0] < 10


def test_a_letter_that_comes_to_its_dot_just_after_the_fence_waits_for_the_next(database, relay, dispatcher):
    sink = relay()
    sink.script({"stage": "rcpt", "match": "^po000001", "reply": "held:250 2.1.5 at last"})

    def late(stage):
        if stage is Failpoint.AFTER_FENCE and worker.pool.count(State.ENVELOPE):
            sink.release()
            time.sleep(0.5)

    worker = dispatcher(sink, on_failpoint=late)
    mailing = mail_to(database, addresses(2))
    worker.deliver(mailing)
    assert [row.state for row in states(database, mailing).values()] == [S.ACCEPTED, S.ACCEPTED]
    assert len(sink.accepted) == 2
