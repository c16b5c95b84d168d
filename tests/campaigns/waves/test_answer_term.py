"""Until when an answer is taken, at each border, and how a campaign's course moves them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import evidence, planning, waves
from outreach.campaigns.evidence import ReachChannel, StepReason, StepState
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.waves import AnswerTerm, Term, term_of
from outreach.campaigns.waves._answering import term
from outreach.core.text.dates import today
from outreach.delivery.models import Mailing, Message, MessageState, Purpose
from tests.campaigns.conftest import AUTHOR, advance, approved, launch, move, settle
from tests.conftest import NOW

LEFT, DEADLINE = date(2021, 6, 1), date(2021, 6, 30)
LAST = date(2021, 8, 29)  # the ninetieth day, the first of June counted
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "last_left", "has_ended", "stands", "last_day"),
    [
        (LEFT, LEFT, False, AnswerTerm.OPEN, LAST),
        (DEADLINE, LEFT, False, AnswerTerm.OPEN, LAST),
        (DEADLINE + DAY, LEFT, False, AnswerTerm.LATE, LAST),
        (LAST, LEFT, False, AnswerTerm.LATE, LAST),
        (LAST + DAY, LEFT, False, AnswerTerm.OVER, LAST),
        (LEFT, LEFT, True, AnswerTerm.ENDED, LAST),
        (LAST, LEFT, True, AnswerTerm.ENDED, LAST),
        (LAST + DAY, LEFT, True, AnswerTerm.OVER, LAST),
        (DEADLINE, None, False, AnswerTerm.OPEN, None),
        (LAST + 365 * DAY, None, False, AnswerTerm.LATE, None),  # a wave is still to leave
        (date.max, None, True, AnswerTerm.ENDED, None),
    ],
)
def test_an_answer_is_late_after_the_deadline_and_taken_for_ninety_days(day, last_left, has_ended, stands, last_day):
    assert term(DEADLINE, last_left, day, has_ended=has_ended) == Term(stands, last_day)


def test_an_answer_is_never_taken_less_long_than_its_letter_says():
    far = LAST + 30 * DAY
    assert term(far, LEFT, far, has_ended=False) == Term(AnswerTerm.OPEN, far)
    assert term(far, LEFT, far + DAY, has_ended=False) == Term(AnswerTerm.OVER, far)


@pytest.fixture
def campaign(database, people, strand):
    """A campaign whose first wave left at NOW, with a reminder planned 14 days later; its number."""
    settle(database, 2)
    number = approved(database, reminders=(14,))
    launch(database, number, at=NOW)
    return number


def at(database, now, deadline=DEADLINE):
    with database.reading() as session:
        message = session.scalars(select(Message).order_by(Message.id).limit(1)).one()
        return term_of(session, message, deadline, now=now)


def finish(database, now):
    """Every letter of a wave left, so that the wave is finished."""
    with database.writing() as session:
        for row in session.scalars(select(Message).where(Message.state == MessageState.QUEUED)):
            row.state, row.fence_id, row.fenced_at = MessageState.ACCEPTED, "f", now
            row.settled_at, row.reply_code = now, 250
    with database.writing() as session:
        assert waves.finish_waves(session, now=now) == 1


@pytest.mark.long
def test_while_a_reminder_is_planned_answers_are_taken_and_stop_it(database, campaign):
    finish(database, NOW)
    assert at(database, NOW) == Term(AnswerTerm.OPEN, None, reminds=True)
    assert at(database, NOW + timedelta(days=200)) == Term(AnswerTerm.LATE, None, reminds=True)


@pytest.mark.long
def test_the_last_wave_counts_from_when_it_left_or_left_again_in_brussels(database, campaign):
    finish(database, NOW)
    with database.reading() as session:
        reminder, due_at = session.execute(select(Wave.id, Wave.due_at).where(Wave.number == 2)).one()
    advance(database, reminder, due_at)
    assert at(database, due_at) == Term(AnswerTerm.OPEN, None)
    finish(database, due_at)
    assert at(database, due_at) == Term(AnswerTerm.OPEN, today(due_at) + 89 * DAY)
    again = datetime(2021, 6, 19, 22, 30, tzinfo=UTC)  # the twentieth in Brussels
    with database.writing() as session:
        wave = session.get_one(Wave, reminder)
        planning.move_wave(session, wave, WaveState.RUNNING, now=again, actor=AUTHOR)
    assert at(database, again) == Term(AnswerTerm.OPEN, None)
    finish(database, again)
    assert at(database, again) == Term(AnswerTerm.OPEN, date(2021, 6, 20) + 89 * DAY)


def test_a_campaign_that_ended_says_so_and_counts_from_the_wave_that_left(database, campaign):
    finish(database, NOW)
    move(database, campaign, planning.cancel_campaign, now=NOW + DAY)
    last = date(2021, 8, 12)  # the ninetieth day, the fifteenth of May counted
    assert at(database, NOW + DAY) == Term(AnswerTerm.ENDED, last)
    midnight = datetime(2021, 8, 12, 22, 0, tzinfo=UTC)
    assert at(database, midnight - timedelta(seconds=1)) == Term(AnswerTerm.ENDED, last)
    assert at(database, midnight) == Term(AnswerTerm.OVER, last)


@pytest.mark.parametrize("was_posted", [True, False])
def test_a_letter_on_paper_that_stands_for_the_mail_is_answered_for_ninety_days_more(database, campaign, was_posted):
    """A rung may come 120 days after its wave, when the answer page of the mail has closed."""
    finish(database, NOW)
    move(database, campaign, planning.cancel_campaign, now=NOW + DAY)
    printed, posted = NOW + 120 * DAY, today(NOW) + 122 * DAY
    assert at(database, printed).stands is AnswerTerm.OVER
    with database.writing() as session:
        letter, other = session.scalars(select(Message).order_by(Message.id).limit(2)).all()
        of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
        fields = {"rung": 1, "channel": ReachChannel.PAPER, "reason": StepReason.EXPIRED}
        step, by = evidence.open_step(session, **of, **fields, now=printed, actor=AUTHOR), {"actor": AUTHOR}
        evidence.move_step(session, step, StepState.PRINTED, now=printed, **by)
        if was_posted:
            evidence.move_step(session, step, StepState.TRIED, now=printed + 5 * DAY, day=posted, **by)
        assert term_of(session, other, DEADLINE, now=printed).stands is AnswerTerm.OVER, "it stands for one letter"
    last = (posted if was_posted else today(printed)) + 89 * DAY
    assert at(database, NOW + 200 * DAY) == Term(AnswerTerm.ENDED, last)
    assert at(database, NOW + 212 * DAY).stands is AnswerTerm.OVER


def test_a_test_letter_counts_from_its_own_day(database, campaign):
    with database.writing() as session:
        wave = planning.campaign_numbered(session, campaign).waves[0]
        wave.mailing.purpose, wave.mailing = Purpose.TEST, None
        session.flush()
        created = session.scalars(select(Mailing.created_at)).one()
    assert at(database, created).last_day == date(2021, 8, 12)
