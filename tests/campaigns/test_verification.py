"""The ledger's own check: quiet when all is well, and it names what breaks each promise."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from outreach.access.approvals import Decision
from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, Status
from outreach.campaigns import planning, waves
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.results import verify_ledger
from outreach.delivery import outbox
from outreach.delivery.models import Composition, GateChange, Message, MessageState, SuppressionReason, Worker
from tests import factories
from tests.campaigns.conftest import AUTHOR, approved, launch, move, owned, settle
from tests.campaigns.waves.test_launching import record
from tests.conftest import NOW, state_from
from tests.statements import asked
from tests.tampering import unguard

LATER = NOW + timedelta(minutes=10)


@state_from("programmed")
def three_accepted(database, _settings):
    """A wave of three letters that were accepted at ten past."""
    settle(database, 3)
    launch(database, approved(database))
    with database.writing() as session:
        session.add(Worker(id="w", place="x", started_at=NOW, seen_at=LATER))
        session.execute(
            update(Message).values(
                state=MessageState.ACCEPTED,
                fence_id="f",
                worker_id="w",
                fenced_at=LATER,
                settled_at=LATER,
                reply_code=250,
            )
        )
        session.add_all(Composition(message_id=key, revision=0, content="{}") for key in (1, 2, 3))
        waves.finish_waves(session, now=LATER + timedelta(minutes=5))
    assert broken(database) == []


@pytest.fixture
def sent(three_accepted):
    """The wave's key, and {authority: schools}."""
    with three_accepted.reading() as session:
        return session.scalars(select(Wave.id)).one(), owned(three_accepted)


def broken(database, now=LATER):
    with database.reading() as session:
        return [(one.rule, one.rows) for one in verify_ledger(session, now=now)]


BREAKS = {
    "nobody_forgotten": update(Message).where(Message.id == 2).values(state="queued", settled_at=None),
    "proved": delete(Composition).where(Composition.message_id == 2),
    "explained": update(Message).where(Message.id == 2).values(settled_at=None),
    "held_by_the_living": update(Message)
    .where(Message.id == 2)
    .values(state="handing", worker_id="gone", fenced_at=NOW, settled_at=None),
    "approved": update(Decision).values(actor=AUTHOR),
}


@pytest.mark.long
@pytest.mark.parametrize("rule", BREAKS)
def test_a_broken_promise_is_named_with_its_rows(database, sent, rule):
    wave, _ = sent
    with database.writing() as session:
        if rule == "held_by_the_living":
            session.execute(update(Wave).values(state=WaveState.RUNNING))
        unguard(session, "decisions", "gate_changes")
        session.execute(BREAKS[rule])
        session.execute(update(GateChange).values(at=NOW - timedelta(days=1)).where(GateChange.gate == "open"))
    assert broken(database) == [(rule, [wave] if rule == "approved" else [2])]


@pytest.mark.long
@pytest.mark.parametrize(("minutes", "seen"), [(16, False), (18, True)])
def test_a_letter_that_a_living_worker_holds_for_longer_than_any_answer_takes_is_seen(database, sent, minutes, seen):
    later = LATER + timedelta(minutes=minutes)
    with database.writing() as session:
        session.execute(update(Wave).values(state=WaveState.RUNNING))
        session.execute(update(Worker).values(seen_at=later))
        session.execute(update(Message).where(Message.id == 2).values(state="handing", settled_at=None))
    assert broken(database, later) == ([("held_by_the_living", [2])] if seen else [])


@pytest.mark.one_example
@pytest.mark.parametrize("code", [None, 550])
def test_an_accepted_letter_without_the_relay_s_word_is_not_proved(database, sent, code):
    with database.writing() as session:
        session.execute(update(Message).where(Message.id == 3).values(reply_code=code))
    assert broken(database) == [("proved", [3])]


@pytest.mark.long
def test_an_accepted_letter_that_the_relay_did_not_answer_for_is_proved_by_what_came_back(database, sent):
    for proof in outbox.Proof:
        with database.writing() as session:
            session.execute(update(Message).where(Message.id == 3).values(reply_code=None, reply_text=proof))
        assert broken(database) == []


@pytest.mark.long
@pytest.mark.parametrize(("since", "until", "seen"), [(60, 60, True), (2, 2, True), (0.5, 60, False), (60, 0.5, False)])
def test_what_left_through_a_held_gate_is_seen_but_for_a_moment(database, sent, since, until, seen):
    with database.writing() as session:
        session.add(GateChange(mailing_id=1, gate="held", at=LATER - timedelta(seconds=since), actor="x"))
        session.add(GateChange(mailing_id=1, gate="open", at=LATER + timedelta(seconds=until), actor="x"))
    assert broken(database) == ([("not_while_held", [1, 2, 3])] if seen else [])


@pytest.mark.parametrize(("before", "seen"), [(timedelta(seconds=2), True), (timedelta(milliseconds=500), False)])
def test_what_left_for_a_suppressed_address_is_seen_but_for_a_moment(database, sent, before, seen):
    with database.writing() as session:
        outbox.suppress_address(
            session, "po009002@adm.fwb.example", SuppressionReason.UNSUBSCRIBED, now=LATER - before, actor=AUTHOR
        )
    assert broken(database) == ([("not_when_suppressed", [2])] if seen else [])


@pytest.mark.long
def test_what_left_for_a_school_that_had_joined_is_seen(database, sent, strand):
    _, made = sent
    school = next(iter(made.values()))[0]
    with database.writing() as session:
        record(session, school, strand, Status.JOINED)
    assert broken(database) == [("not_once_joined", [1])]
    with database.writing() as session:
        record(session, school, strand, Status.DECLINED)
    assert broken(database) == []


@pytest.mark.long
def test_a_status_counts_as_it_stood_when_the_letter_was_fenced(database, sent, strand):
    _, made = sent
    early, late, withdrawn = (schools[0] for schools in made.values())
    with database.writing() as session:
        for school, at in ((early, LATER - timedelta(milliseconds=500)), (late, LATER + timedelta(seconds=5))):
            session.add(AdherenceRecord(**factories.adherence_record(school, strand, at)))
        session.add(undone := AdherenceRecord(**factories.adherence_record(withdrawn, strand, NOW)))
        session.flush()
        session.add(RecordWithdrawal(record_id=undone.id, withdrawn_at=LATER, withdrawn_by="x"))
    assert broken(database) == []
    with database.writing() as session:
        unguard(session, "record_withdrawals")
        session.execute(update(RecordWithdrawal).values(withdrawn_at=LATER + timedelta(seconds=5)))
    assert broken(database) == [("not_once_joined", [3])]


@pytest.mark.long
def test_the_check_asks_as_many_questions_of_many_letters_as_of_few(database, sent, strand):
    _, made = sent
    with asked(database) as before:
        broken(database)
    with database.writing() as session:
        for (school,) in made.values():
            record(session, school, strand, Status.JOINED)
        session.add(GateChange(mailing_id=1, gate="held", at=LATER - timedelta(minutes=1), actor="x"))
    with asked(database) as seen:
        assert broken(database) == [("not_while_held", [1, 2, 3]), ("not_once_joined", [1, 2, 3])]
    assert len(seen) <= len(before)


@pytest.mark.long
@pytest.mark.parametrize("backend", ["postgresql"])  # SQLite cannot drop a unique key without rebuilding the table
def test_rows_that_stand_twice_are_seen(database, sent):
    """Where the unique keys are gone, the check still sees."""
    with database.writing() as session:
        for name in ("uq_messages_authority_id_mailing_id_address_key", "uq_messages_public_id"):
            constraint = session.scalar(
                text("SELECT conname FROM pg_constraint WHERE conname LIKE :name").bindparams(name=name[:40] + "%")
            )
            session.execute(text(f"ALTER TABLE messages DROP CONSTRAINT {constraint}"))
        first = session.get_one(Message, 1)
        session.execute(
            update(Message)
            .where(Message.id == 3)
            .values(authority_id=first.authority_id, address_key=first.address_key, public_id=first.public_id)
        )
    assert broken(database) == [("counted_once", [3]), ("named_once", [1, 3])]


def test_a_cancelled_wave_has_nothing_left(database, people, strand):
    settle(database, 2)
    number = approved(database)
    launch(database, number)
    move(database, number, planning.cancel_campaign)
    assert broken(database) == []
