"""A campaign that was cancelled and taken back to draft: approved again, its next wave writes to nobody twice."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.campaigns import planning, waves
from outreach.campaigns.letter import LetterSnapshot
from outreach.campaigns.models import Campaign, CampaignState, Wave, WaveState
from outreach.campaigns.waves import _launching as launching
from outreach.core.audit import entries_about
from outreach.core.text.errors import Refused
from outreach.delivery.models import Message, MessageState, Reason
from outreach.delivery.sending import Failpoint
from outreach.directory.models import Authority
from tests.campaigns.conftest import APPROVER, add_contact, advance, approved, launch, move, settle
from tests.conftest import NOW
from tests.delivery.conftest import clock, deliver_until, dispatcher, relay

__all__ = ["clock", "dispatcher", "relay"]

LATER = NOW + timedelta(hours=1)
LEFT = (MessageState.ACCEPTED, MessageState.IN_DOUBT, MessageState.HANDING)


def leave(database, wave, states):
    """The first letters of a wave that wait reach these states; the others go on waiting."""
    with database.writing() as session:
        mailing = session.get_one(Wave, wave).mailing_id
        query = select(Message.id).where(Message.mailing_id == mailing, Message.state == MessageState.QUEUED)
        keys = session.scalars(query.order_by(Message.id).limit(len(states))).all()
        for key, state in zip(keys, states, strict=True):
            fenced = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}
            session.execute(update(Message).where(Message.id == key).values(state=state, **fenced))


def again(database, number, at):
    """Take a cancelled campaign back, have it approved as it is, and start its next wave; returns the wave's key."""
    move(database, number, planning.restore_campaign, now=at)
    move(database, number, planning.submit_campaign, now=at)
    move(database, number, planning.approve_campaign, now=at, actor=APPROVER)
    wave = move(database, number, planning.schedule_campaign, at, now=at)
    advance(database, wave, at)
    return wave


def letters(database, wave):
    """The addresses of a wave's letters (their names) by the reason that leaves them out, or by state."""
    found = {}
    with database.reading() as session:
        mailing = session.get_one(Wave, wave).mailing_id
        for message in session.scalars(select(Message).where(Message.mailing_id == mailing).order_by(Message.id)):
            found.setdefault(message.reason or message.state, []).append(message.address.partition("@")[0][-4:])
    return found


def is_reminder(database, wave):
    with database.reading() as session:
        return LetterSnapshot.from_json(session.get_one(Wave, wave).mailing.letter).shared.is_reminder


def test_a_campaign_taken_back_is_a_draft_that_needs_another_approval(database, people, strand):
    settle(database, 2)
    number = approved(database)
    with pytest.raises(Refused, match="n’est pas annulée"):
        move(database, number, planning.restore_campaign)
    move(database, number, planning.cancel_campaign, actor=APPROVER)
    move(database, number, planning.restore_campaign, actor=APPROVER)
    with pytest.raises(Refused, match="pas validée"):
        move(database, number, planning.schedule_campaign, LATER)
    with database.reading() as session:
        assert session.get_one(Campaign, number).state is CampaignState.DRAFT
        told = entries_about(session, f"campaign:{number}")[0]
        assert (told.actor, told.sentence.partition("» ")[2]) == (APPROVER, "reprise en brouillon.")
    move(database, number, planning.submit_campaign)
    with pytest.raises(Refused, match="autre personne"):
        move(database, number, planning.approve_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)  # who takes it back has not written it


@pytest.mark.long
def test_the_wave_after_a_broken_one_writes_only_where_nothing_has_left(database, people, strand, monkeypatch):
    """Also where its rows are written slice by slice, and where an authority has a second mailbox."""
    monkeypatch.setattr(launching, "SLICE", 2)
    settle(database, 5)
    with database.writing() as session:
        authority = session.scalars(select(Authority).order_by(Authority.id).limit(1)).one()
        add_contact(session, authority, "autre9999@adm.fwb.example")
    number = approved(database)
    first = launch(database, number)
    leave(database, first, [*LEFT, MessageState.REFUSED])
    move(database, number, planning.cancel_campaign)
    before = letters(database, first)
    second = again(database, number, LATER)
    written = [name for state in LEFT for name in before[state]]
    found = letters(database, second)
    assert sorted(found[Reason.WRITTEN]) == sorted(written)
    assert sorted(found[MessageState.QUEUED]) == sorted(before[MessageState.REFUSED] + before[Reason.CANCELLED])
    assert letters(database, first) == before, "what has left stays as it is"
    assert not is_reminder(database, second)


@pytest.mark.long
def test_nobody_is_written_to_again_whose_doubtful_letter_waited_for_its_second_copy(database, people, strand):
    settle(database, 3)
    number = approved(database)
    first = launch(database, number)
    leave(database, first, [MessageState.IN_DOUBT])
    with database.writing() as session:
        wave = session.get_one(Wave, first)
        waves.resend_doubts(session, wave.campaign, wave.number, now=LATER, actor=APPROVER)
    move(database, number, planning.cancel_campaign, now=LATER)
    found = letters(database, again(database, number, LATER))
    assert (len(found.get(Reason.WRITTEN, [])), len(found[MessageState.QUEUED])) == (1, 2)


@pytest.mark.long
def test_its_reminders_then_write_to_everybody_as_usual(database, people, strand):
    settle(database, 3)
    number = approved(database, reminders=(14,))
    leave(database, launch(database, number), [MessageState.ACCEPTED])
    move(database, number, planning.cancel_campaign)
    second = again(database, number, LATER)
    with database.reading() as session:
        campaign = session.get_one(Campaign, number)
        assert planning.count_campaign_audience(session, campaign, now=LATER).written == 3
        reminder = campaign.waves[-1]
        key, due = reminder.id, reminder.due_at
        assert reminder.state is WaveState.PLANNED
    advance(database, key, due)
    assert (len(letters(database, key)[MessageState.QUEUED]), is_reminder(database, key)) == (3, True)
    assert len(letters(database, second)[MessageState.QUEUED]) == 2


@pytest.mark.long
def test_a_wave_broken_off_twice_is_completed_by_the_third(database, people, strand):
    settle(database, 3)
    number = approved(database)
    leave(database, launch(database, number), [MessageState.ACCEPTED])
    move(database, number, planning.cancel_campaign)
    leave(database, again(database, number, LATER), [MessageState.ACCEPTED])
    move(database, number, planning.cancel_campaign, now=LATER)
    third = letters(database, again(database, number, LATER + timedelta(hours=1)))
    assert (len(third[Reason.WRITTEN]), len(third[MessageState.QUEUED])) == (2, 1)


@pytest.mark.long
def test_a_reminder_that_was_broken_off_is_completed_as_a_reminder(database, people, strand):
    settle(database, 3)
    number = approved(database)
    first = launch(database, number)
    leave(database, first, [MessageState.ACCEPTED] * 3)
    with database.writing() as session:
        launching.finish_waves(session, now=LATER)
    reminder = move(database, number, planning.schedule_campaign, LATER, now=LATER)
    advance(database, reminder, LATER)
    leave(database, reminder, [MessageState.ACCEPTED])
    move(database, number, planning.cancel_campaign, now=LATER)
    third = again(database, number, LATER + timedelta(hours=1))
    found = letters(database, third)
    assert (len(found[Reason.WRITTEN]), len(found[MessageState.QUEUED]), is_reminder(database, third)) == (1, 2, True)


@pytest.mark.long
def test_a_relay_gets_each_letter_once_though_its_campaign_was_cancelled_in_mid_flight(
    database, people, strand, relay, dispatcher, clock
):
    settle(database, 40)
    number, sink, fences = approved(database), relay(), []

    def cancel_once(stage):
        fences.append(stage is Failpoint.AFTER_FENCE)
        if fences.count(True) == 2 and fences[-1]:
            move(database, number, planning.cancel_campaign)

    clock.at = LATER
    first = launch(database, number)
    worker = dispatcher(sink, connections=4, on_failpoint=cancel_once)
    worker.deliver(mailing_of(database, first))
    written = [letter["to"] for letter in sink.accepted]
    assert 0 < len(written) < 40
    clock.forward(hours=1)
    second = again(database, number, clock())
    deliver_until(worker, mailing_of(database, second), lambda: MessageState.QUEUED not in letters(database, second))
    written = [letter["to"] for letter in sink.accepted]
    assert (len(written), len(set(written))) == (40, 40)


def mailing_of(database, wave):
    with database.reading() as session:
        return session.get_one(Wave, wave).mailing_id
