"""A reminder tells only those of a reminder who already had a letter of the campaign, whatever brought it."""

from datetime import timedelta

from sqlalchemy import select, update

from outreach.campaigns import planning
from outreach.campaigns.evidence import EscalationStep, ReachChannel, StepState
from outreach.campaigns.letter import subject_read
from outreach.campaigns.models import Wave
from outreach.campaigns.review import Preview
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Authority
from tests.campaigns.conftest import SENDING, advance, approved, launch, settle
from tests.conftest import NOW

LATER = NOW + timedelta(days=3)
GONE = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}


def previewed(database, number):
    """By authority, whether the preview of the reminder's subject says that it is one."""
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        preview = Preview(
            session, campaign, SENDING, planning.plan_waves(session, campaign, now=LATER), now=LATER, wave=2
        )
        everybody = session.scalars(select(Authority))
        return {one.id: "(rappel)" in preview.of(one).subject for one in everybody}


def test_a_reminder_that_is_a_first_letter_says_nothing_of_a_reminder(database, people, strand):
    mailed, refused, posted = settle(database, 3)
    number = approved(database, reminders=(14,))
    assert previewed(database, number) == {mailed: True, refused: True, posted: True}
    launch(database, number, at=LATER)
    with database.writing() as session:
        letters = {one.authority_id: one for one in session.scalars(select(Message))}
        for key, state in ((mailed, MessageState.ACCEPTED), (refused, MessageState.REFUSED)):
            session.execute(update(Message).where(Message.authority_id == key).values(state=state, **GONE))
        paper = letters[posted]
        step = {"rung": 1, "channel": ReachChannel.PAPER, "state": StepState.TRIED, "due_at": NOW}
        session.add(EscalationStep(mailing_id=paper.mailing_id, authority_id=posted, message_id=paper.id, **step))
    (late,) = settle(database, 1)
    expected = {mailed: True, refused: False, posted: True, late: False}
    assert previewed(database, number) == expected
    with database.reading() as session:
        reminder = session.scalars(select(Wave).where(Wave.reminder == 1)).one()
    advance(database, reminder.id, reminder.due_at)
    with database.reading() as session:
        mailing = session.get_one(Wave, reminder.id).mailing_id
        written = session.scalars(select(Message).where(Message.mailing_id == mailing))
        values = {one.authority_id: "(rappel)" in subject_read(session, one, SENDING, now=LATER) for one in written}
    assert values == expected
