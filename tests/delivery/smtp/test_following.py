"""Behind a letter's dot goes the envelope of the next: what a relay does to the one is not done to the other."""

import re
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.delivery.letters import lines_end
from outreach.delivery.models import MessageState
from outreach.delivery.sending import Failpoint
from outreach.delivery.smtp import Guard, Parcel, Pool, Relay, State, Verdict
from outreach.delivery.smtp import _pool as lateness
from outreach.delivery.smtp._protocol import Conversation
from tests.conftest import NOW
from tests.delivery.conftest import addresses, attend_until, deliver_until, mail_to, states

S, V = MessageState, Verdict
WIRE = b"Subject: x\r\n\r\nx\r\n"
ENVELOPE = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<2@y.example>\r\nDATA\r\n"
OPEN = "250 ok\r\n250 ok\r\n354 go on"

# what the relay says once the dot and the envelope behind it are written; b"" closes:
# (replies, what becomes of the two, where the connection stands, whether it asks for less)
SAID = {
    "taken, and the next begins": (["250 ok", OPEN], [V.ACCEPTED], State.AT_DOT, False),
    "all in one packet": ([f"250 ok\r\n{OPEN}"], [V.ACCEPTED], State.AT_DOT, False),
    "in two halves": (["250 ok\r\n250 o", "k\r\n250 ok\r\n354 go on"], [V.ACCEPTED], State.AT_DOT, False),
    "put off, and the next begins": (["451 4.3.0 later", OPEN], [V.LATER], State.AT_DOT, False),
    "refused, and the next begins": (["550 5.7.1 spam", OPEN], [V.NEVER], State.AT_DOT, False),
    "taken, the next one's recipient refused": (
        ["250 ok", "250 ok\r\n550 5.1.1 no\r\n503 no recipient"],
        [V.ACCEPTED, V.NEVER],
        State.RESETTING,
        False,
    ),
    "closing": (["421 4.3.2 closing", ""], [V.LATER, V.UNTRIED], State.CLOSED, True),
    "unclear": (["354 more", OPEN], [V.UNKNOWN, V.UNTRIED], State.CLOSED, False),
    "unreadable": (["OK!"], [V.UNTRIED, V.UNKNOWN], State.CLOSED, False),
    "closed without an answer": ([""], [V.UNTRIED, V.UNKNOWN], State.CLOSED, False),
    "taken, then closed": (["250 ok", ""], [V.ACCEPTED, V.UNTRIED], State.CLOSED, False),
    "taken, then closing at the next": (["250 ok", "421 bye"], [V.ACCEPTED, V.UNTRIED], State.CLOSED, True),
    "put off at once, its dot a command": (["451 no", "500 what"], [V.LATER, V.UNTRIED], State.CLOSED, False),
    "taken, then closed at the next": (["250 ok", "250 ok", ""], [V.ACCEPTED, V.UNREACHED], State.CLOSED, False),
}


def at_dot(*offers):
    """A conversation with a letter at its dot, and the letter that may follow."""
    talk = Conversation(Relay.at("smtp://127.0.0.1:25", "x.example"))
    talk.receive(b"220 hello\r\n")
    talk.receive("\r\n".join(["250-relay", *(f"250-{one}" for one in offers), "250 HELP\r\n"]).encode())
    talk.hand(parcel(1))
    for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
        talk.receive(reply)
    written(talk)
    assert talk.state is State.AT_DOT
    return talk, parcel(2)


def parcel(number):
    return Parcel(number, "a@x.example", f"{number}@y.example", WIRE)


def written(talk):
    """What it wants to write, taken as written."""
    out = bytes(talk.out)
    talk.out.clear()
    talk.flushed()
    return out


def hear(talk, replies):
    for reply in replies:
        end = b"" if reply.endswith(" o") or not reply else b"\r\n"
        talk.receive(reply.encode() + end)


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_to_one_letter_is_not_said_to_the_next(name):
    replies, verdicts, stands, slow = SAID[name]
    talk, second = at_dot("PIPELINING")
    talk.release(second)
    assert written(talk) == b".\r\n" + ENVELOPE
    hear(talk, replies)
    out = written(talk)
    assert [outcome.verdict for _, outcome in talk.settled] == verdicts
    assert [parcel.key for parcel, outcome in talk.settled if outcome.verdict is V.UNTRIED] == [2] * (
        V.UNTRIED in verdicts
    )
    assert talk.state is stands
    assert bool(talk.failure and talk.failure.slow_down) == slow
    assert out == {State.AT_DOT: WIRE, State.RESETTING: b"RSET\r\n"}.get(stands, b"")


def test_a_letter_too_large_for_the_relay_does_not_begin_behind_another():
    talk, second = at_dot("PIPELINING", f"SIZE {len(WIRE)}")
    talk.release(second._replace(wire=WIRE + b"x"))
    assert written(talk) == b".\r\n"
    hear(talk, ["250 ok"])
    assert [(parcel.key, outcome.verdict) for parcel, outcome in talk.settled] == [(2, V.NEVER), (1, V.ACCEPTED)]
    assert talk.state is State.READY


BARE = [
    b"Subject: x\nBcc: b@y.example\r\n\r\nx\r\n",
    b"Subject: x\rX: y\r\n\r\nx\r\n",
    b"Subject: x\r\n\r\nx\n.\nMAIL FROM:<c@y.example>\r\n",
    b"Subject: x\r\n\r\nx\r.\r\r\n",
    b"Subject: x\r\n\r\nx\r\n.\r\n"[:-1],
    b"Subject: x\r\n\r\nx",
    b"\nSubject: x\r\n\r\nx\r\n",
    b"",
]


@pytest.mark.parametrize("changes", [*({"wire": wire} for wire in BARE), {"sender": "a@x.example>\r\nRSET"},
    {"recipient": "2@y.example>\nRCPT TO:<3@y.example"}, {"recipient": "2@y.example\x00"}])  # fmt: skip
@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
def test_a_letter_with_a_lone_end_of_line_never_reaches_a_relay(changes, offers):
    talk, second = at_dot(*offers)
    refused = second._replace(**changes)
    if offers:
        talk.release(refused)
        assert written(talk) == b".\r\n"
        hear(talk, ["250 ok"])
        del talk.settled[1:]
    else:
        talk.release()
        written(talk)
        hear(talk, ["250 ok"])
        talk.settled.clear()
        talk.hand(refused)
    ((parcel, result),) = talk.settled
    assert (parcel, result.verdict, result.status) == (refused, V.NEVER, "5.6.0")
    assert "fin de ligne isolée" in result.text
    assert (talk.state, written(talk)) == (State.READY, b"")
    talk.hand(second)
    assert written(talk).startswith(b"MAIL FROM:<a@x.example>")


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"x", b".", b" "]), max_size=12).map(b"".join))
def test_a_line_end_is_lone_exactly_when_it_is_not_a_pair(text):
    assert lines_end(text + b"\r\n") == (re.search(rb"\r(?!\n)|(?<!\r)\n", text + b"\r\n") is None)


@pytest.mark.deep
def test_looking_for_a_lone_end_of_line_costs_little():
    """About 1 µs a kB; nine times as much would still be less than a hundredth of what a letter takes."""
    wire = (b"x" * 74 + b"\r\n") * 140
    assert min(timeit.repeat(lambda: lines_end(wire), number=100, repeat=9)) / 100 < 100e-6


def test_a_letter_that_is_called_back_is_not_handed_over_when_the_answer_comes():
    talk, second = at_dot("PIPELINING")
    talk.release(second)
    written(talk)
    talk.recall()
    hear(talk, ["250 ok", OPEN])
    assert [(parcel.key, outcome.verdict) for parcel, outcome in talk.settled] == [(2, V.UNTRIED), (1, V.ACCEPTED)]
    assert (talk.state, written(talk)) == (State.CLOSED, b"")


@pytest.mark.parametrize(("options", "follow"), [((), True), (("--no-pipelining",), False)])
def test_letters_follow_one_another_where_the_relay_takes_it(database, relay, dispatcher, unhurried, options, follow):
    sink, mailing, behind = relay(*options), mail_to(database, addresses(9)), []

    def count(stage):
        if stage is Failpoint.AFTER_DOT:
            behind.append(sum(connection.talk.pipelined is not None for connection in worker.pool._connections()))

    worker = dispatcher(sink, connections=1, on_failpoint=count)
    worker.deliver(mailing)
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.ACCEPTED, 0)}
    assert behind[:9] == [int(follow)] * 8 + [0]
    assert len({entry["session"] for entry in sink.accepted}) == 1


def test_a_dot_without_an_answer_holds_no_other_letter_up(database, relay, dispatcher, monkeypatch):
    """Nor does what follows it count as tried."""
    monkeypatch.setattr(lateness, "PATIENCE_SECONDS", 0.5)
    sink, mailing = relay(), mail_to(database, addresses(40))
    sink.script({"stage": "dot", "match": "^po000001", "reply": "stall"})
    worker = dispatcher(sink, connections=2, patient=False)

    def left():
        return [address for address, row in states(database, mailing).items() if row.state is not S.ACCEPTED]

    deliver_until(worker, mailing, lambda: len(left()) == 1)
    found = states(database, mailing)
    assert [address for address, row in found.items() if row.state is S.HANDING] == left()
    assert left() == ["po000001@adm.fwb.example"]
    assert len(sink.accepted) == 39
    assert {row.attempts for row in found.values()} == {0}


@pytest.mark.parametrize(
    "rule",
    [{"stage": "dot", "reply": "accept:slow:0.4:250 ok"}, {"stage": "mail", "reply": "stall", "times": 1}],
    ids=["slow over its dots", "deaf to what stands behind them"],
)
def test_where_a_letter_had_to_wait_behind_a_dot_letters_go_alone(database, relay, dispatcher, monkeypatch, rule):
    monkeypatch.setattr(lateness, "PATIENCE_SECONDS", 0.2)
    sink, mailing, rules = relay(), mail_to(database, addresses(8)), [rule]

    def begin(stage):
        if stage is Failpoint.AFTER_FENCE and rules:
            sink.script(rules.pop())

    worker = dispatcher(sink, connections=1, patient=False, on_failpoint=begin)
    deliver_until(worker, mailing, lambda: len(sink.accepted) == 8)
    attend_until(worker, lambda: not worker.is_busy)
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.ACCEPTED, 0)}
    assert len({entry["session"] for entry in sink.accepted}) == 2


def test_a_stop_gives_back_what_stands_behind_dots(database, relay, dispatcher, unhurried):
    sink, mailing = relay(), mail_to(database, addresses(4))
    sink.script({"stage": "dot", "reply": "accept:slow:0.5:250 ok"})

    def end(stage):
        if stage is Failpoint.AFTER_DOT:
            worker.stop.set()

    worker = dispatcher(sink, connections=1, patient=False, on_failpoint=end)
    worker.deliver(mailing)
    worker.farewell()
    found = [(row.state, row.due_at, row.attempts) for row in states(database, mailing).values()]
    assert found == [(S.ACCEPTED, NOW, 0), *[(S.QUEUED, NOW, 0)] * 3]


def test_a_relay_left_behind_gets_no_letter_more(relay):
    sink = relay("--lint-every", "0")
    sink.script({"stage": "dot", "reply": "accept:held:250 ok"})
    here, there = (Relay.at(f"smtp://{host}:{sink.port}", "x.example") for host in ("127.0.0.1", "localhost"))
    pool = with_one_at_its_dot(Pool([here, there], Guard(anybody=True)))
    pool.release({1}, [parcel(2)])
    pool.turn_to(there)
    sink.release()
    pool.wait(30, lambda: not pool.count(State.VERDICT))
    assert [(one.key, outcome.verdict) for _, one, outcome in pool.collect()] == [(2, V.UNTRIED), (1, V.ACCEPTED)]
    pool.close()


def test_a_connection_that_was_late_is_prompt_again_once_its_dot_is_answered(relay):
    """Also when it is never free in between, since another letter stood behind the dot."""
    sink = relay("--lint-every", "0")
    sink.script({"stage": "dot", "match": "^1@", "reply": "accept:held:250 ok"})
    pool = with_one_at_its_dot(Pool([Relay.at(f"smtp://127.0.0.1:{sink.port}", "x.example")], Guard(anybody=True)))
    pool.pass_over()
    assert pool.prompt(State.AT_DOT) == 1  # it waits for us
    pool.release({1}, [parcel(2)])
    pool.pass_over()
    assert pool.prompt(State.VERDICT) == 0
    sink.release()
    pool.wait(30, lambda: pool.count(State.AT_DOT))
    assert pool.prompt(State.AT_DOT) == pool.room_behind({2}) == 1
    pool.close()


def with_one_at_its_dot(pool):
    pool.open(1)
    pool.wait(30, lambda: pool.count(State.READY))
    pool.hand(parcel(1))
    pool.wait(30, lambda: pool.count(State.AT_DOT))
    return pool


@pytest.mark.parametrize("options", [(), ("--no-pipelining",)], ids=["pipelining", "in steps"])
def test_a_relay_that_closes_after_each_letter_costs_none_an_attempt(database, relay, dispatcher, options):
    sink, mailing = relay(*options), mail_to(database, addresses(20))
    sink.script({"stage": "dot", "reply": "accept:raw:250 2.0.0 ok, and good bye\r\n"})
    dispatcher(sink, connections=2).deliver(mailing)
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.ACCEPTED, 0)}
    assert len(sink.accepted) == len({entry["to"] for entry in sink.accepted}) == 20
