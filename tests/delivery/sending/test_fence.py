"""The commit gate: what was decided a moment before the dot is honoured, and every letter has one end."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, Status, Word
from outreach.delivery import outbox, sending, workers
from outreach.delivery.models import (
    Batch,
    Composition,
    Gate,
    Mailing,
    Message,
    MessageClass,
    MessageState,
    MessageSubject,
    Reason,
    SuppressionReason,
    Worker,
)
from outreach.delivery.outbox import due_in
from outreach.delivery.sending import Failpoint, due_mailings
from outreach.delivery.smtp import State
from outreach.directory.register import SchoolReport
from tests import factories
from tests.conftest import NOW
from tests.delivery.conftest import addresses, attend_until, letter, mail_to, schools, states

pytestmark = pytest.mark.postgresql

S = MessageState
in_full_rounds = pytest.mark.usefixtures("unhurried")
ACTOR = "a@fwb.example"


def at(stage, do):
    """A watcher that acts once, at a stage."""
    done = []

    def watch(reached):
        if reached is stage and not done:
            done.append(True)
            do()

    return watch


def hold(database, mailing, gate=Gate.HELD):
    with database.writing() as session:
        outbox.set_gate(session, session.get_one(Mailing, mailing), gate, now=NOW, actor=ACTOR)


def unsubscribe(database, address, reason=SuppressionReason.UNSUBSCRIBED):
    with database.writing() as session:
        outbox.suppress_address(session, address, reason, now=NOW, actor=ACTOR)


def record(database, school, strand, status=Status.JOINED, word=Word.DECLARED):
    with database.writing() as session:
        stated = {"status": status, "word": word, "recorded_by": ACTOR}
        session.add(AdherenceRecord(**factories.adherence_record(school, strand, NOW, **stated)))


def count_fenced(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).where(Message.fence_id.is_not(None)))


def ends(database, mailing):
    return [(row.state, row.reason) for row in states(database, mailing).values()]


def test_a_pause_holds_the_round_in_flight_and_a_resumption_sends_the_rest_once(database, relay, dispatcher):
    sink, mailing = relay(), mail_to(database, addresses(20))
    fenced = []

    def pause_after_the_first(stage):
        if stage is Failpoint.BEFORE_FENCE and not fenced and (count := count_fenced(database)):
            fenced.append(count)
            hold(database, mailing)

    dispatcher(sink, on_failpoint=pause_after_the_first).deliver(mailing)
    assert [len(sink.accepted)] == fenced  # the first round alone
    assert fenced[0] <= 8
    hold(database, mailing, Gate.OPEN)
    dispatcher(sink).deliver(mailing)
    assert sorted(entry["to"] for entry in sink.accepted) == addresses(20)


@in_full_rounds
@pytest.mark.parametrize("reply", ["250 2.1.5 ok", "550 5.7.1 no"])
def test_a_watcher_is_told_the_stages_of_a_letter_in_order(database, relay, dispatcher, reply):
    sink, seen = relay(), []
    sink.script({"stage": "rcpt", "reply": reply})
    dispatcher(sink, on_failpoint=seen.append).deliver(mail_to(database, addresses(1)))
    first = list(dict.fromkeys(seen))
    if reply.startswith("250"):
        assert first == list(Failpoint)
    else:
        assert not {Failpoint.AFTER_RCPT, Failpoint.MID_BODY} & set(first)


@pytest.mark.parametrize(
    "stage", [Failpoint.AFTER_COMPOSE, Failpoint.AFTER_RCPT, Failpoint.MID_BODY, Failpoint.BEFORE_FENCE]
)
def test_an_unsubscription_stops_the_letter_in_flight(database, relay, dispatcher, stage):
    sink, mailing = relay(), mail_to(database, addresses(3))
    dispatcher(sink, on_failpoint=at(stage, lambda: unsubscribe(database, addresses(3)[1]))).deliver(mailing)
    assert ends(database, mailing) == [(S.ACCEPTED, None), (S.WITHDRAWN, Reason.SUPPRESSED), (S.ACCEPTED, None)]
    assert sorted(entry["to"] for entry in sink.accepted) == [addresses(3)[0], addresses(3)[2]]


def test_an_unsubscription_stops_awareness_only_and_a_bounce_stops_everything(database, relay, dispatcher):
    sink = relay()
    unsubscribe(database, addresses(2)[0])
    unsubscribe(database, addresses(2)[1], SuppressionReason.HARD_BOUNCE)
    legal = mail_to(database, addresses(2), kind=MessageClass.STATUTORY)
    awareness = mail_to(database, addresses(2))
    for mailing in (legal, awareness):
        dispatcher(sink).deliver(mailing)
    stopped = (S.WITHDRAWN, Reason.SUPPRESSED)
    assert ends(database, legal) == [(S.ACCEPTED, None), stopped]
    assert ends(database, awareness) == [stopped, stopped]
    with database.writing() as session:
        outbox.lift_suppression(session, addresses(2)[1], SuppressionReason.HARD_BOUNCE, now=NOW, actor=ACTOR)
    again = mail_to(database, addresses(2), kind=MessageClass.STATUTORY)
    dispatcher(sink).deliver(again)
    assert ends(database, again) == [(S.ACCEPTED, None)] * 2


@pytest.mark.one_example
@in_full_rounds
@pytest.mark.parametrize("stage", [Failpoint.AFTER_COMPOSE, Failpoint.BEFORE_FENCE])
@pytest.mark.parametrize("word", Word)
def test_a_joining_takes_the_school_out_of_the_letter_in_flight(database, relay, dispatcher, strand, stage, word):
    sink, (first, second, third) = relay("--keep"), schools(database, 3)
    one, two = addresses(2)
    mailing = mail_to(database, [one, two], strand=strand, listed={one: (first, second), two: (third,)})

    def join():
        record(database, second, strand, word=word)
        record(database, third, strand, word=word)

    dispatcher(sink, on_failpoint=at(stage, join)).deliver(mailing)
    assert ends(database, mailing) == [(S.ACCEPTED, None), (S.WITHDRAWN, Reason.JOINED)]
    (entry,) = sink.accepted
    said = (sink.folder / f"{entry['id'].strip('<>')}.eml").read_text()
    assert f"coles : {first}." in said
    row = states(database, mailing)[one]
    assert (row.revision, row.attempts) == (1, 0)


def test_a_school_that_is_not_concerned_any_more_is_not_listed_either(database, relay, dispatcher, strand):
    sink, (only,) = relay(), schools(database, 1)
    mailing = mail_to(database, addresses(1), strand=strand, listed={addresses(1)[0]: (only,)})
    record(database, only, strand, Status.NOT_CONCERNED, Word.CONFIRMED)
    dispatcher(sink).deliver(mailing)
    assert ends(database, mailing) == [(S.WITHDRAWN, Reason.NOT_CONCERNED)]


@pytest.mark.one_example
@in_full_rounds
@pytest.mark.parametrize("stops", [True, False])
@pytest.mark.parametrize("stage", [Failpoint.AFTER_COMPOSE, Failpoint.BEFORE_FENCE])
def test_a_school_reported_as_gone_is_taken_out_of_the_letter_in_flight(
    database, relay, dispatcher, strand, stage, stops
):
    """Also where joining does not stop the letter."""
    sink, (first, second, third) = relay("--keep"), schools(database, 3)
    one, two = addresses(2)
    listed = {one: (first, second), two: (third,)}
    mailing = mail_to(database, [one, two], strand=strand if stops else None, listed=listed)
    owners = {row.address: row.authority_id for row in states(database, mailing).values()}

    def report():
        with database.writing() as session:
            for school, address in ((second, one), (third, two)):
                session.add(SchoolReport(**factories.school_report(school, owners[address], NOW)))

    dispatcher(sink, on_failpoint=at(stage, report)).deliver(mailing)
    assert ends(database, mailing) == [(S.ACCEPTED, None), (S.WITHDRAWN, Reason.REPORTED)]
    (entry,) = sink.accepted
    said = (sink.folder / f"{entry['id'].strip('<>')}.eml").read_text()
    assert f"coles : {first}." in said


def test_a_report_about_another_authority_or_a_withdrawn_one_stops_nothing(database, relay, dispatcher, strand):
    sink, (only,) = relay(), schools(database, 1)
    other = mail_to(database, addresses(2), strand=strand, listed={addresses(2)[0]: (only,)})
    owner, another = (row.authority_id for row in states(database, other).values())
    with database.writing() as session:
        session.add(SchoolReport(**factories.school_report(only, another, NOW)))
        gone = {"withdrawn_at": NOW, "withdrawn_by": "x"}
        session.add(SchoolReport(**factories.school_report(only, owner, NOW, **gone)))
    mailing = mail_to(database, addresses(1), strand=strand, listed={addresses(1)[0]: (only,)})
    dispatcher(sink).deliver(mailing)
    assert ends(database, mailing) == [(S.ACCEPTED, None)]


def test_only_joining_closes_a_school(database, relay, dispatcher, strand):
    sink, (only,) = relay(), schools(database, 1)
    mailing = mail_to(database, addresses(1), strand=strand, listed={addresses(1)[0]: (only,)})
    record(database, only, strand)
    with database.writing() as session:
        key = session.scalars(select(AdherenceRecord.id)).one()
        session.add(RecordWithdrawal(record_id=key, withdrawn_at=NOW, withdrawn_by="x"))
    record(database, only, strand, Status.DECLINED)
    dispatcher(sink).deliver(mailing)
    assert ends(database, mailing) == [(S.ACCEPTED, None)]


def test_nobody_can_stand_twice_in_a_mailing(database):
    with pytest.raises(IntegrityError):
        mail_to(database, ["a@adm.fwb.example", "a@adm.fwb.example"])
    mail_to(database, ["a@adm.fwb.example"])
    with pytest.raises(IntegrityError), database.writing() as session:
        mailing = session.scalars(select(Mailing)).one()
        to = session.scalars(select(Message.authority_id)).one()
        one = outbox.Addressee(to, "A@adm.fwb.example", "a@adm.fwb.example", "")
        outbox.put_recipients(session, mailing, [one], lambda identity: identity, now=NOW)


@in_full_rounds
@pytest.mark.parametrize("commits", [True, False])
def test_a_commit_of_unknown_outcome_writes_no_dot_and_loses_nobody(unreliable, relay, dispatcher, commits):
    database = unreliable(commits)
    sink, mailing = relay(), mail_to(database, addresses(20))
    worker = dispatcher(sink, on_failpoint=at(Failpoint.BEFORE_FENCE, lambda: setattr(database, "failing", True)))
    worker.writer.database = database
    with pytest.raises(OperationalError):
        worker.deliver(mailing)
    assert sink.accepted == []
    handing = [row.state for row in states(database, mailing).values()].count(S.HANDING)
    assert bool(handing) == commits
    worker.attend()
    assert {row.state for row in states(database, mailing).values()} == {S.QUEUED}
    with database.writing() as session:
        session.execute(update(Batch).values(lease_until=NOW))
        session.execute(update(Batch).values(lease_until=None))
    worker.deliver(mailing)
    assert sorted(entry["to"] for entry in sink.accepted) == addresses(20)
    assert set(ends(database, mailing)) == {(S.ACCEPTED, None)}


def test_a_late_answer_settles_a_doubt_and_one_to_an_older_fence_changes_nothing(database, relay, dispatcher, clock):
    sink = relay()
    sink.script({"stage": "dot", "reply": "accept:held:250 2.0.0 at last"})
    mailing = mail_to(database, addresses(1))
    worker = dispatcher(sink, patient=False)
    worker.deliver(mailing)
    attend_until(worker, lambda: worker.pool.count(State.VERDICT))
    clock.forward(seconds=31)
    with database.writing() as session:
        assert outbox.doubt_the_abandoned(session, now=clock()) == 1
    assert ends(database, mailing) == [(S.IN_DOUBT, None)]
    sink.release()
    attend_until(worker, lambda: not worker.is_busy)
    assert ends(database, mailing) == [(S.ACCEPTED, None)]


def cancel(database, mailing):
    with database.writing() as session:
        one = session.get_one(Mailing, mailing)
        outbox.withdraw_all(session, one, Reason.CANCELLED, now=NOW)
        outbox.set_gate(session, one, Gate.CLOSED, now=NOW, actor=ACTOR)


@pytest.mark.parametrize("reply", ["451 4.3.0 later", "421 4.3.2 closing"])
def test_a_letter_that_comes_back_to_a_mailing_cancelled_meanwhile_is_withdrawn(database, relay, dispatcher, reply):
    sink, mailing = relay(), mail_to(database, addresses(12))
    sink.script({"stage": "dot", "reply": reply})
    dispatcher(sink, on_failpoint=at(Failpoint.AFTER_FENCE, lambda: cancel(database, mailing))).deliver(mailing)
    assert set(ends(database, mailing)) == {(S.WITHDRAWN, Reason.CANCELLED)}
    assert sink.accepted == []


def test_a_fence_taken_back_after_a_cancellation_leaves_nothing_in_the_queue(unreliable, relay, dispatcher):
    database = unreliable(True)
    sink, mailing = relay(), mail_to(database, addresses(20))
    worker = dispatcher(sink, on_failpoint=at(Failpoint.BEFORE_FENCE, lambda: setattr(database, "failing", True)))
    worker.writer.database = database
    with pytest.raises(OperationalError):
        worker.deliver(mailing)
    cancel(database, mailing)
    worker.attend()
    assert set(ends(database, mailing)) == {(S.WITHDRAWN, Reason.CANCELLED)}


def test_the_clock_calls_off_what_came_back_beside_a_cancellation(database):
    cancelled, held = mail_to(database, addresses(2)), mail_to(database, addresses(2))
    hold(database, cancelled, Gate.CLOSED)
    hold(database, held)
    with database.writing() as session:
        outbox.withdraw_stranded(session, now=NOW)
    assert set(ends(database, cancelled)) == {(S.WITHDRAWN, Reason.CANCELLED)}
    assert set(ends(database, held)) == {(S.QUEUED, None)}


def due(database, clock):
    with database.reading() as session:
        return due_mailings(session, now=clock())


def test_a_batch_is_one_worker_s_until_its_lease_ends(database, clock):
    mailing = mail_to(database, addresses(1000))
    assert due(database, clock) == [mailing]
    with database.writing() as session:
        assert session.scalar(select(func.count()).select_from(Batch)) == 3
        session.execute(update(Batch).values(worker_id="x" * 32, lease_until=NOW + timedelta(seconds=20)))
    assert due(database, clock) == []
    clock.forward(seconds=21)
    assert due(database, clock) == [mailing]
    hold(database, mailing)
    assert due(database, clock) == []


@in_full_rounds
def test_a_batch_is_held_for_longer_while_its_letters_leave(database, relay, dispatcher, clock, monkeypatch):
    monkeypatch.setattr("outreach.delivery.sending._rounds.RENEW_SECONDS", 0)
    ends = []

    def watch(stage):
        if stage is Failpoint.AFTER_FENCE:
            with database.reading() as session:
                ends.append(session.scalar(select(Batch.lease_until)))
            clock.forward(seconds=15)

    dispatcher(relay(), on_failpoint=watch).deliver(mail_to(database, addresses(24)))
    assert ends[:3] == [NOW + timedelta(seconds=20 + passed) for passed in (0, 15, 30)]


@in_full_rounds
def test_who_has_lost_a_batch_hands_over_no_more_of_it(database, relay, dispatcher, monkeypatch):
    monkeypatch.setattr("outreach.delivery.sending._rounds.RENEW_SECONDS", 0)

    fenced = []

    def lose():
        with database.writing() as session:
            session.execute(update(Batch).values(worker_id="x" * 32))
            fenced.append(session.scalar(select(func.count()).where(Message.fence_id.is_not(None))))

    sink = relay()
    assert not dispatcher(sink, on_failpoint=at(Failpoint.AFTER_FENCE, lose)).deliver(mail_to(database, addresses(24)))
    assert [len(sink.accepted)] == fenced != [24]


@pytest.mark.long
@pytest.mark.parametrize("backend", ["postgresql"])
def test_the_server_plans_what_every_round_asks_once(database, relay, dispatcher):
    """Many rounds, with reads between them: every statement is prepared, and planned for any values.

    With a parameter for a limit, where there are many letters, it would seem cheaper to plan it for each.
    """
    worker = dispatcher(relay())
    for number in range(24):
        worker.deliver(mail_to(database, addresses(1 + number % 3, f"{number}-")))
    with database.reading() as session:
        prepared = session.execute(text("SELECT statement, generic_plans FROM pg_prepared_statements")).all()
    changes = {"fence_id": 0, "reply_code": 0, "INSERT INTO compositions": 0}
    for statement, plans in prepared:
        for name in changes:
            changes[name] += plans if name in statement.partition("WHERE")[0] else 0
    assert min(changes.values()) >= 3, changes
    fences = "".join(statement for statement, _ in prepared if "SET state=$1, fence_id" in statement)
    assert "LIMIT 1" in fences
    assert not any(f"{word} $" in fences for word in ("LIMIT", "OFFSET"))


@pytest.mark.long
@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_round_reads_its_own_letters_not_all_that_are_queued(database, strand):
    """As the server plans it once it has counted them: else a round would cost more, the larger the wave."""
    everybody, listed = addresses(6000), schools(database, 2)
    mail_to(database, everybody, strand=strand, listed=dict.fromkeys(everybody, listed))
    with database.writing() as session:
        for place in range(3):  # as letters leave, in their turn
            gone = update(Message).where(Message.id > 2000, Message.id % 3 == place)
            session.execute(gone.values(state=S.ACCEPTED, fence_id="f", settled_at=NOW))
        session.execute(text("ANALYZE"))
        session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        due = due_in(session, session.scalars(select(func.min(Batch.id))).one(), now=NOW)
        for start in range(0, 288, 48):  # what is asked six times is prepared
            letters = [letter(one) for one in due[start : start + 48]]
            passed = sending.pass_through(
                session, letters, fence_id=f"f{start}", worker_id="w", now=NOW, day=NOW.date()
            )
            assert len(passed) == 48
        prepared = select(text("name, cardinality(parameter_types)")).select_from(text("pg_prepared_statements"))
        ((name, count),) = session.execute(prepared.where(text("statement LIKE '%SET state=$1, fence_id%'"))).all()
        plan = session.scalars(text(f"EXPLAIN EXECUTE {name} ({', '.join(['NULL'] * count)})")).all()
    used = {word for line in plan for word in line.split() if word.startswith(("pk_messages", "ix_messages"))}
    assert used == {"pk_messages"}, plan


def test_counts_add_up_whatever_happened(database, relay, dispatcher):
    sink = relay()
    sink.script(
        {"stage": "rcpt", "match": "^later", "reply": "451 4.2.0 later"},
        {"stage": "rcpt", "match": "^never", "reply": "550 5.7.1 no"},
        {"stage": "dot", "match": "^doubt", "reply": "close"},
    )
    unsubscribe(database, "out@adm.fwb.example")
    names = ["well", "later", "never", "doubt", "out"]
    mailing = mail_to(database, [f"{name}@adm.fwb.example" for name in names])
    dispatcher(sink).deliver(mailing)
    with database.reading() as session:
        tally = outbox.tally_mailings(session, [mailing])[mailing]
    assert tally.as_json() == {
        "intended": 5,
        "accepted": 1,
        "refused": 1,
        "expired": 0,
        "in_doubt": 1,
        "deferred": 1,
        "pending": 0,
        "withdrawn": {"suppressed": 1},
    }
    assert tally.pending or tally.deferred


def test_what_a_letter_said_is_kept_when_it_left_and_dropped_when_it_did_not(database, relay, dispatcher):
    sink = relay()
    sink.script({"stage": "dot", "match": "^po000001", "reply": "451 4.3.0 later"})
    mailing = mail_to(database, addresses(2))
    dispatcher(sink).deliver(mailing)
    with database.reading() as session:
        assert list(session.scalars(select(Composition.message_id))) == [states(database, mailing)[addresses(1)[0]].id]


def test_the_database_itself_refuses_an_end_without_its_proof(database):
    mailing = mail_to(database, addresses(1))
    for change in ({"state": S.ACCEPTED}, {"state": S.WITHDRAWN}, {"reason": Reason.JOINED}):
        with pytest.raises(IntegrityError), database.writing() as session:
            session.execute(update(Message).values(change))
    assert ends(database, mailing) == [(S.QUEUED, None)]


def test_workers_come_and_go(database, clock):
    with database.writing() as session:
        worker = workers.join_in(session, now=clock())
    with database.writing() as session:
        workers.leave(session, worker, now=clock())
        assert session.get_one(Worker, worker).stopped_at == NOW
        session.execute(delete(MessageSubject))
