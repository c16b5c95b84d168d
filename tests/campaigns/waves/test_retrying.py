"""A wave taken up again: from where, with which letters, and that its end comes again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from outreach.campaigns import planning, waves
from outreach.campaigns.models import Wave, WaveState, WaveTransition
from outreach.campaigns.waves import Retriable, finish_waves
from outreach.core.audit import entries_about
from outreach.core.text.errors import NotFound, Refused
from outreach.delivery import outbox
from outreach.delivery.models import Composition, Gate, Mailing, Message, MessageState
from outreach.engagement.replies import Answer, Response
from tests.campaigns.conftest import AUTHOR, approved, launch, move, settle
from tests.conftest import NOW, state_from

LATER = NOW + timedelta(hours=1)
FENCED = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}
STATES = (MessageState.ACCEPTED, MessageState.REFUSED, MessageState.EXPIRED, MessageState.IN_DOUBT)


@state_from("programmed")
def one_of_each_end(database, _settings):
    """A campaign, the first, whose only wave is over, with a letter in each end."""
    settle(database, len(STATES))
    launch(database, approved(database))
    with database.writing() as session:
        for row, state in zip(session.scalars(select(Message).order_by(Message.id)), STATES, strict=True):
            session.execute(update(Message).where(Message.id == row.id).values(state=state, **FENCED))
            session.add(Composition(message_id=row.id, revision=0, content="{}"))
        assert finish_waves(session, now=NOW) == 1


@pytest.fixture
def ended(one_of_each_end):
    """The number of this campaign."""
    return 1


def states(database):
    with database.reading() as session:
        return session.scalars(select(Message.state).order_by(Message.id)).all()


def test_the_failures_of_a_finished_wave_leave_again_and_it_ends_again(database, ended):
    number = ended
    with database.reading() as session:
        assert waves.list_retriable(session, planning.campaign_numbered(session, number), now=NOW) == {
            1: Retriable(2, 0)
        }
    move(database, number, waves.retry_failures, 1, now=LATER)
    assert states(database) == [MessageState.ACCEPTED, MessageState.QUEUED, MessageState.QUEUED, MessageState.IN_DOUBT]
    with database.writing() as session:
        assert session.scalars(select(Mailing.gate)).one() is Gate.OPEN
        outbox.withdraw_stranded(session, now=LATER)
        assert finish_waves(session, now=LATER) == 0
        assert session.scalars(select(WaveTransition.note).order_by(WaveTransition.id.desc())).first() == (
            "2 courriels en échec à renvoyer"
        )
        assert "2 courriels en échec à renvoyer" in entries_about(session, f"campaign:{number}")[0].sentence
        queued = Message.state == MessageState.QUEUED
        session.execute(update(Message).where(queued).values(state=MessageState.ACCEPTED, **FENCED))
        assert finish_waves(session, now=LATER) == 1
    with pytest.raises(Refused, match="rien à renvoyer"):
        move(database, number, waves.retry_failures, 1, now=LATER)
    assert MessageState.QUEUED not in states(database)


def test_doubts_that_have_rested_leave_once_more_and_only_once(database, ended):
    number = ended
    with pytest.raises(Refused, match="15 minutes"):
        move(database, number, waves.resend_doubts, 1, now=NOW + timedelta(minutes=14))
    with database.reading() as session:
        found = waves.list_retriable(session, planning.campaign_numbered(session, number), now=LATER)
        assert found == {1: Retriable(2, 1)}
    move(database, number, waves.resend_doubts, 1, now=LATER)
    assert states(database)[3] is MessageState.QUEUED
    with database.writing() as session:
        assert session.scalars(select(Wave.state)).one() is WaveState.RUNNING
        session.execute(
            update(Message).where(Message.state == MessageState.QUEUED).values(state=MessageState.IN_DOUBT, **FENCED)
        )
        assert finish_waves(session, now=LATER) == 1
    with pytest.raises(Refused, match="une seule fois"):
        move(database, number, waves.resend_doubts, 1, now=LATER + timedelta(days=1))


def test_who_has_answered_since_is_left_alone_and_counted_apart(database, strand, ended):
    number = ended
    with database.writing() as session:
        refused, doubtful = session.scalars(
            select(Message).where(Message.state.in_((MessageState.REFUSED, MessageState.IN_DOUBT))).order_by(Message.id)
        )
        for one in (refused, doubtful):
            details = {"message_id": one.id, "authority_id": one.authority_id, "strand_id": strand, "given_at": NOW}
            session.add(Response(answer=Answer.INFORMED, **details))
    with database.reading() as session:
        found = waves.list_retriable(session, planning.campaign_numbered(session, number), now=LATER)
        assert found == {1: Retriable(1, 0, kept=1)}
    move(database, number, waves.retry_failures, 1, now=LATER)
    assert [state.value for state in states(database)] == ["accepted", "refused", "queued", "in_doubt"]
    with pytest.raises(Refused):
        move(database, number, waves.resend_doubts, 1, now=LATER)


def test_whom_a_later_wave_has_reached_gets_no_earlier_letter(database, ended):
    number, rested = ended, {NOW + timedelta(minutes=15)}
    launch(database, number, NOW + timedelta(minutes=30))
    not_reached = {MessageState.REFUSED, MessageState.EXPIRED}
    for state in [one for one in MessageState if one is not MessageState.WITHDRAWN]:
        is_reached = state not in not_reached
        with database.writing() as session:
            later = session.scalars(select(Mailing.id).order_by(Mailing.id.desc())).first()
            session.execute(update(Message).where(Message.mailing_id == later).values(state=state, **FENCED))
        with database.reading() as session:
            campaign = planning.campaign_numbered(session, number)
            found = waves.list_retriable(session, campaign, now=LATER).get(1)
            assert found == (Retriable(kept=2) if is_reached else Retriable(2, 1)), state
            resendable = waves.resendable_from(session, campaign, 1, now=LATER).values()
            assert set(resendable) == (set() if is_reached else rested), state
        for verb in (waves.retry_failures, waves.resend_doubts) if is_reached else ():
            with pytest.raises(Refused):
                move(database, number, verb, 1, now=LATER)


@pytest.mark.long
@pytest.mark.parametrize("verb", [waves.retry_failures, waves.resend_doubts], ids=["retry", "resend"])
def test_nothing_leaves_again_while_another_wave_is_being_filled(database, ended, verb):
    number = ended
    launch(database, number, NOW + timedelta(minutes=30))
    with database.writing() as session:
        later = session.scalars(select(Mailing).order_by(Mailing.id.desc())).first()
        later.filled_at = None
        session.execute(update(Message).where(Message.mailing_id == later.id).values(state=MessageState.REFUSED))
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        assert waves.list_retriable(session, campaign, now=LATER) == {}
        assert waves.resendable_from(session, campaign, 1, now=LATER) == {}
    with pytest.raises(Refused, match="relance 1 sont en train d’être inscrits"):
        move(database, number, verb, 1, now=LATER)


@pytest.mark.parametrize("verb", [waves.retry_failures, waves.resend_doubts], ids=["retry", "resend"])
@pytest.mark.parametrize("end", [planning.close_campaign, planning.cancel_campaign], ids=["closed", "cancelled"])
def test_a_campaign_that_has_ended_sends_nothing_again(database, ended, end, verb):
    number = ended
    move(database, number, end)
    with pytest.raises(Refused, match=r"Clôturée|Annulée"):
        move(database, number, verb, 1, now=LATER)
    with database.reading() as session:
        assert waves.list_retriable(session, planning.campaign_numbered(session, number), now=LATER) == {}
    assert MessageState.QUEUED not in states(database)


def test_a_wave_under_way_or_that_does_not_exist_is_refused(database, people, strand):
    settle(database, 2)
    number = approved(database)
    launch(database, number)
    with pytest.raises(Refused, match="attendez sa fin"):
        move(database, number, waves.retry_failures, 1)
    with pytest.raises(NotFound, match="vague 9"):
        move(database, number, waves.retry_failures, 9)
    move(database, number, planning.pause_campaign)
    with pytest.raises(Refused, match="En pause"):
        move(database, number, waves.resend_doubts, 1)


@pytest.mark.long
def test_a_pause_holds_every_wave_that_runs(database, ended):
    number = ended
    wave = launch(database, number, NOW + timedelta(days=1))
    with database.writing() as session:
        of_the_second = Message.mailing_id == session.get_one(Wave, wave).mailing_id
        session.execute(update(Message).where(of_the_second).values(state=MessageState.REFUSED, **FENCED))
    move(database, number, waves.retry_failures, 1, now=LATER)
    move(database, number, planning.pause_campaign)
    with database.reading() as session:
        assert session.scalars(select(Mailing.gate)).all() == [Gate.HELD, Gate.HELD]
    move(database, number, planning.resume_campaign)
    with database.reading() as session:
        assert session.scalars(select(Mailing.gate)).all() == [Gate.OPEN, Gate.OPEN]


def wait_for_somebody_whose_turn_it_is_not(session):
    """On PostgreSQL, return once a transaction waits for a turn. SQLite lets no second writer begin."""
    if session.get_bind().dialect.name == "sqlite":
        return
    waits = text(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
        " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted)"
    )
    end = time.monotonic() + 20
    while not session.scalar(waits):
        assert time.monotonic() < end, "nobody waits for a turn"
        time.sleep(0.01)


def test_a_wave_is_not_ended_on_what_was_counted_before_somebody_sent_a_letter_again(database, people, strand):
    settle(database, 1)
    number = approved(database)
    launch(database, number)
    with database.writing() as session:
        session.execute(update(Message).values(state=MessageState.IN_DOUBT, **FENCED))

    begun = threading.Event()

    def end():
        begun.set()
        with database.writing() as session:
            return finish_waves(session, now=LATER)

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            campaign = planning.in_turn(session, number)
            waves.resend_doubts(session, campaign, 1, now=LATER, actor=AUTHOR)
            clock = pool.submit(end)
            assert begun.wait(20)
            wait_for_somebody_whose_turn_it_is_not(session)
        assert clock.result() == 0
    assert states(database) == [MessageState.QUEUED]
