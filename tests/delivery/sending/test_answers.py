"""What a relay may do, row by row, by a real one: what becomes of the letter, of its address, and of the relay.

What is agreed upon before a letter (encryption, passwords) is in test_encryption.
"""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.core.audit import entries_about
from outreach.delivery import outbox, sending
from outreach.delivery.models import MessageState, RelayState, Suppression, SuppressionReason
from outreach.delivery.sending import Failpoint
from outreach.delivery.smtp import State
from outreach.delivery.smtp._connection import Timeouts
from tests.conftest import NOW, PLACE
from tests.delivery.conftest import addresses, mail_to, states

S = MessageState
LONG = "\r\n".join(["250-x"] * 500 + ["250 x"])

# what the relay says to one letter: (stage, reply, state, suppressed)
ANSWERS = {
    "taken": ("dot", "250 2.0.0 ok", S.ACCEPTED, False),
    "taken, in several lines": ("dot", "250-2.0.0 ok\r\n250 2.0.0 queued as 4XyZ", S.ACCEPTED, False),
    "taken, by another 2xx": ("dot", "251 2.0.0 will forward", S.ACCEPTED, False),
    "taken, in latin-1": ("dot", "250 2.0.0 re\xe7u", S.ACCEPTED, False),
    "recipient to be forwarded": ("rcpt", "251 2.1.5 will forward", S.ACCEPTED, False),
    "recipient not verified": ("rcpt", "252 2.1.5 cannot verify", S.ACCEPTED, False),
    "recipient greylisted": ("rcpt", "450 4.2.0 greylisted", S.QUEUED, False),
    "recipient put off, closing": ("rcpt", "421 4.7.0 too fast", S.QUEUED, False),
    "DATA put off": ("data", "452 4.3.1 no room", S.QUEUED, False),
    "dot put off": ("dot", "451 4.3.0 later", S.QUEUED, False),
    "dot put off, closing": ("dot", "421 4.3.2 closing", S.QUEUED, False),
    "no such mailbox": ("rcpt", "550 5.1.1 no such user", S.REFUSED, True),
    "no such mailbox, null MX": ("dot", "550 5.1.10 no such user", S.REFUSED, True),
    "no such domain": ("rcpt", "550 5.1.2 no such domain", S.REFUSED, False),
    "mailbox full": ("rcpt", "552 5.2.2 full", S.REFUSED, False),
    "mailbox full, without a status": ("dot", "552 mailbox full", S.REFUSED, False),
    "policy, at the dot": ("dot", "550 5.7.1 spam", S.REFUSED, False),
    "policy, at the recipient": ("rcpt", "554 5.7.1 reputation", S.REFUSED, False),
    "refused without a status": ("rcpt", "550 no", S.REFUSED, False),
    "refused at DATA": ("data", "554 5.6.0 no", S.REFUSED, False),
    "refused before the dot": ("early", "552 5.3.4 too big", S.REFUSED, False),
    "put off before the dot": ("early", "451 4.3.0 no room", S.QUEUED, False),
    "recipient refused, and DATA taken": ("rcpt", "550 5.1.1 no", S.REFUSED, True),
    "closed at the recipient": ("rcpt", "close", S.QUEUED, False),
    "reset at the recipient": ("rcpt", "reset", S.QUEUED, False),
    "closed at DATA": ("data", "close", S.QUEUED, False),
    "closed before the dot": ("early", "close", S.QUEUED, False),
    "no reply, at the recipient": ("rcpt", "hello there", S.QUEUED, False),
    "a line without end, at the recipient": ("rcpt", "endless", S.QUEUED, False),
    "DATA answered by 250": ("data", "250 what", S.QUEUED, False),
    "closed after the dot": ("dot", "close", S.IN_DOUBT, False),
    "closed after the dot, though taken": ("dot", "accept:close", S.IN_DOUBT, False),
    "reset after the dot": ("dot", "reset", S.IN_DOUBT, False),
    "no reply, after the dot": ("dot", "OK!", S.IN_DOUBT, False),
    "half a line after the dot": ("dot", "raw:25", S.IN_DOUBT, False),
    "354 after the dot": ("dot", "354 more", S.IN_DOUBT, False),
    "a line without end, after the dot": ("dot", "endless", S.IN_DOUBT, False),
    "a reply of 500 lines, after the dot": ("dot", LONG, S.IN_DOUBT, False),
}

# what it says to the same address time after time: (replies, states, suppressed in the end)
COURSES = {
    "450, then 250": (["450 4.2.0 greylisted", "250 ok"], [S.QUEUED, S.ACCEPTED], False),
    "no such domain twice in a day": (["550 5.1.2 no domain"] * 2, [S.REFUSED] * 2, True),
    "full twice": (["552 5.2.2 full"] * 2, [S.REFUSED] * 2, False),
    "full three times": (["552 5.2.2 full"] * 3, [S.REFUSED] * 3, True),
    "policy four times": (["550 5.7.1 spam"] * 4, [S.REFUSED] * 4, False),
}

# what it does to everybody: (options, stage, reply, (state, attempts), whether it rests)
RELAYS = {
    "a banner that refuses": ((), "connect", "554 5.7.1 go away", (S.QUEUED, 0), True),
    "a banner that is busy": ((), "connect", "421 4.3.2 busy", (S.QUEUED, 0), True),
    "closed instead of a banner": ((), "connect", "close", (S.QUEUED, 0), True),
    "no reply as a banner": ((), "connect", "garbage", (S.QUEUED, 0), True),
    "no banner at all": ((), "connect", "stall", (S.QUEUED, 0), True),
    "EHLO refused, HELO taken": ((), "ehlo", "502 5.5.1 what", (S.ACCEPTED, 0), False),
    "EHLO answered in 500 lines": ((), "ehlo", LONG, (S.QUEUED, 0), True),
    "a letter beyond its SIZE": (("--size", "200"), "", "", (S.REFUSED, 0), False),
    "reset at the sender": ((), "mail", "reset", (S.QUEUED, 0), True),
    "no reply, to the sender": ((), "mail", "hello there", (S.QUEUED, 0), True),
    "silent to the sender": ((), "mail", "stall", (S.QUEUED, 0), True),
}


def recipients(rows):
    return {f"row{number:02}@adm.fwb.example": name for number, name in enumerate(rows)}


@pytest.mark.parametrize("options", [(), ("--no-pipelining",)], ids=["pipelining", "in steps"])
def test_every_answer_has_its_meaning(database, relay, dispatcher, options):
    sink, by_address = relay(*options), recipients(ANSWERS)
    said = {address: ANSWERS[name] for address, name in by_address.items()}
    sink.script(*({"stage": one[0], "match": f"^{to}", "reply": one[1]} for to, one in said.items()))
    mailing = mail_to(database, list(by_address))
    early = {address for address, one in said.items() if one[0] == "early"}

    def let_the_early_be_heard(stage):
        if stage is Failpoint.BEFORE_FENCE:
            carried = [connection.talk for connection in worker.pool._connections()]
            worker.pool.wait(20, lambda: not any(talk.parcel and talk.parcel.recipient in early for talk in carried))

    # One connection a letter: what one answer does to its connection is no other letter's business.
    worker = dispatcher(sink, connections=len(ANSWERS), on_failpoint=let_the_early_be_heard)
    worker.deliver(mailing)
    found = {by_address[address]: row for address, row in states(database, mailing).items()}
    assert {name: row.state for name, row in found.items()} == {name: one[2] for name, one in ANSWERS.items()}
    with database.reading() as session:
        suppressed = {by_address[one.address_key] for one in session.scalars(select(Suppression))}
    assert suppressed == {name for name, one in ANSWERS.items() if one[3]}
    for name, row in found.items():
        stage, reply, state, _ = ANSWERS[name]
        assert row.attempts == int(state is S.QUEUED), name
        assert (row.due_at > NOW) == (state is S.QUEUED), name
        if state is not S.IN_DOUBT and reply[:3].isdigit() and stage != "rcpt":
            assert row.reply_code == (int(reply[:3]) if state is not S.ACCEPTED or stage == "dot" else 250), name
    assert found["taken, in latin-1"].reply_text == "2.0.0 reçu"
    assert found["taken, in several lines"].reply_text == "2.0.0 ok 2.0.0 queued as 4XyZ"
    with database.reading() as session:
        counted = sending.recent_rates(session, {mailing: NOW - timedelta(days=1)})[mailing]
        lines = [one.sentence for one in entries_about(session, f"mailing:{mailing}")]
    assert (counted.bad, counted.policy) == (4, 2)
    told = Counter[str]()
    for line in lines:
        number, said = line.split(maxsplit=2)[::2]
        told[said.replace("és", "é")] += int(number)
    ended = Counter(row.state for row in found.values())
    assert told == {
        "reporté.": ended[S.QUEUED],
        "en doute.": ended[S.IN_DOUBT],
        "refusé par le serveur d’envoi.": ended[S.REFUSED] - 2,
        "refusé par le serveur d’envoi au nom de ses règles (5.7).": 2,
    }
    really = {by_address[entry["to"]] for entry in sink.accepted}
    known = {name for name, one in ANSWERS.items() if one[2] is S.ACCEPTED}
    assert known <= really <= known | {name for name, one in ANSWERS.items() if one[2] is S.IN_DOUBT}


def test_every_course_ends_as_it_should(database, relay, dispatcher, clock):
    sink, by_address = relay(), recipients(COURSES)
    rules = [
        {"stage": "rcpt", "match": f"^{to}", "reply": reply, "times": 1}
        for to, name in by_address.items()
        for reply in COURSES[name][0]
    ]
    sink.script(*rules)
    worker, became, latest = dispatcher(sink), {name: [] for name in COURSES}, {}
    for turn in range(4):
        still = [to for to, name in by_address.items() if turn < len(COURSES[name][0])]
        over = [to for to in still if S.QUEUED not in became[by_address[to]][-1:]]
        latest.update(dict.fromkeys(over, mail_to(database, over)))
        for mailing in set(latest.values()):
            worker.deliver(mailing)
        for to in still:
            became[by_address[to]].append(states(database, latest[to])[to].state)
        clock.forward(minutes=10)
    assert became == {name: one[1] for name, one in COURSES.items()}
    with database.reading() as session:
        suppressed = {by_address[one.address_key] for one in session.scalars(select(Suppression))}
    assert suppressed == {name for name, one in COURSES.items() if one[2]}


def test_what_came_before_an_exclusion_was_lifted_counts_no_more(database, relay, dispatcher, clock):
    sink = relay()
    sink.script({"stage": "rcpt", "reply": "552 5.2.2 full"})
    worker, (to,) = dispatcher(sink), addresses(1)

    def write(times):
        for _ in range(times):
            worker.deliver(mail_to(database, [to]))
            clock.forward(minutes=10)

    write(3)
    with database.writing() as session:
        outbox.lift_suppression(session, to, SuppressionReason.HARD_BOUNCE, now=clock(), actor="Nadia Lambert")
    write(2)
    with database.reading() as session:
        assert not outbox.in_force(session, [to])
    write(1)
    with database.reading() as session:
        assert [one.reason for one in outbox.in_force(session, [to])] == [SuppressionReason.HARD_BOUNCE]


@pytest.mark.parametrize("name", RELAYS)
def test_every_relay_is_taken_as_it_is(database, relay, dispatcher, name):
    options, stage, reply, expected, rests = RELAYS[name]
    sink = relay(*options)
    if stage:
        sink.script({"stage": stage, "reply": reply})
    mailing = mail_to(database, list(recipients(range(3))))
    waits = Timeouts(greeting=0.3, command=0.3) if reply == "stall" else None
    dispatcher(sink, timeouts=waits).deliver(mailing)
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {expected}
    with database.reading() as session:
        until = [state.rests_until for state in session.scalars(select(RelayState))]
        assert until == ([NOW + timedelta(minutes=1)] if rests else [])
        assert bool(sending.relay_hindrance(session, [f"127.0.0.1:{sink.port}"], place=PLACE, now=NOW)) == rests


def test_no_connection_waits_for_ever():
    """RFC 5321 §4.5.3.2: at least so many minutes; and a connection is not waited for longer than half of one."""
    waits = Timeouts()
    values = {State.GREETING: 5, State.HELLO: 5, State.ENVELOPE: 5, State.BODY: 3, State.VERDICT: 10}
    assert {state: waits.of(state) / 60 for state in values} == values
    assert waits.connect == 30
