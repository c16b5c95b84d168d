"""Launching: everybody intended has a row, those left out with their reason, once, also when interrupted."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from outreach.access.approvals import Extent
from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, Status, Word
from outreach.campaigns import planning
from outreach.campaigns.models import Wave, WaveState, WaveTransition
from outreach.campaigns.waves import _launching as launching
from outreach.campaigns.waves import due_waves, finish_waves
from outreach.delivery import outbox
from outreach.delivery.models import (
    Gate,
    Mailing,
    Message,
    MessageClass,
    MessageState,
    MessageSubject,
    SuppressionReason,
)
from outreach.directory.models import Authority, Contact
from outreach.engagement.tracking import TrackingMode
from outreach.engagement.tracking._models import Tracker
from tests import factories
from tests.campaigns.conftest import (
    APPROVER,
    AUTHOR,
    SENDING,
    add_contact,
    advance,
    approved,
    draft,
    launch,
    move,
    settle,
)
from tests.conftest import NOW
from tests.programmes import PROGRAMME
from tests.statements import asked


def record(session, school, strand, status):
    session.add(AdherenceRecord(**factories.adherence_record(school, strand, NOW, status=status, word=Word.CONFIRMED)))


def rows(database):
    with database.reading() as session:
        query = select(Authority.name, Message).join(Authority, Authority.id == Message.authority_id)
        return [
            (name, message.address.partition("@")[0], message.reason.value if message.reason else "")
            for name, message in session.execute(query.order_by(Message.id))
        ]


def test_everybody_intended_is_there_once_with_the_first_reason_that_leaves_them_out(database, people, strand):
    made = settle(database, 8, schools=2)
    keys = list(made)
    with database.writing() as session:
        authorities = [session.get_one(Authority, key) for key in keys]
        for school in made[keys[1]]:
            record(session, school, strand, Status.JOINED)
        for school in made[keys[2]]:
            record(session, school, strand, Status.NOT_CONCERNED)
        record(session, made[keys[3]][0], strand, Status.JOINED)
        session.execute(update(Contact).where(Contact.authority_id == keys[4]).values(bounced_at=NOW))
        add_contact(session, authorities[4], "direction@adm.fwb.example")
        session.execute(update(Contact).where(Contact.authority_id == keys[5]).values(retired_at=NOW, retired_by="x"))
        session.execute(update(Contact).where(Contact.authority_id == keys[6]).values(review_asked_at=NOW))
        outbox.suppress_address(
            session, "po009008@adm.fwb.example", SuppressionReason.UNSUBSCRIBED, now=NOW, actor=AUTHOR
        )
    launch(database, approved(database))
    assert rows(database) == [
        ("PO 0", "po009001", ""),
        ("PO 1", "po009002", "joined"),
        ("PO 2", "po009003", "not_concerned"),
        ("PO 3", "po009004", ""),
        ("PO 4", "po009005", "bounced"),
        ("PO 4", "direction", ""),
        ("PO 5", "", "no_address"),
        ("PO 6", "po009007", "unreviewed"),
        ("PO 7", "po009008", "suppressed"),
    ]
    with database.reading() as session:
        third = session.scalars(select(Message.id).where(Message.address == "po009004@adm.fwb.example")).one()
        subjects = select(MessageSubject.school_id).where(MessageSubject.message_id == third)
        listed = session.scalars(subjects.order_by(MessageSubject.school_id)).all()
        assert listed == made[keys[3]][1:]
        mailing = session.scalars(select(Mailing)).one()
        assert (mailing.gate, mailing.filled_at) == (Gate.OPEN, NOW + timedelta(minutes=1))


def test_only_the_chosen_networks_are_written_to(database, people, strand):
    settle(database, 2)
    settle(database, 1, network="WBE")
    number = approved(database)
    move(
        database,
        number,
        lambda session, campaign, **by: planning.revise_campaign(
            session, campaign, {"criteria": '{"network":["WBE"]}'}, **by
        ),
    )
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor="marc.dethier@fwb.example")
    launch(database, number)
    assert [name for name, *_ in rows(database)] == ["PO 2"]


@pytest.mark.long
def test_a_launch_in_slices_keeps_the_gate_closed_until_it_is_complete_and_survives_interruptions(
    database, people, strand, monkeypatch
):
    monkeypatch.setattr(launching, "SLICE", 3)
    settle(database, 10)
    number = approved(database)
    wave = move(database, number, planning.schedule_campaign, NOW)
    counts = []
    for _ in range(4):
        with database.writing() as session:
            more = launching.advance_wave(session, wave, SENDING, now=NOW)
        with database.reading() as session:
            mailing = session.scalars(select(Mailing)).one()
            counts.append((session.scalar(select(func.count()).select_from(Message)), mailing.gate, more))
            assert (wave in due_waves(session, now=NOW)) == more
    assert counts == [(3, Gate.CLOSED, True), (6, Gate.CLOSED, True), (9, Gate.CLOSED, True), (10, Gate.OPEN, False)]
    with database.writing() as session:
        assert launching.advance_wave(session, wave, SENDING, now=NOW) is False


@pytest.mark.long
def test_a_launch_looks_past_those_who_are_not_meant_to_the_last(database, people, strand, monkeypatch):
    monkeypatch.setattr(launching, "SLICE", 3)
    settle(database, 2, network="WBE")
    settle(database, 9)
    settle(database, 2, network="WBE")
    settle(database, 4)
    number = draft(database)
    only = {"criteria": '{"network":["WBE"]}'}
    move(database, number, lambda session, campaign, **by: planning.revise_campaign(session, campaign, only, **by))
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    wave, counts = move(database, number, planning.schedule_campaign, NOW), []
    for _ in range(2):
        with database.writing() as session:
            more = launching.advance_wave(session, wave, SENDING, now=NOW)
        counts.append((len(rows(database)), gate(database), more))
    assert counts == [(2, Gate.CLOSED, True), (4, Gate.OPEN, False)]
    assert [name for name, *_ in rows(database)] == ["PO 0", "PO 1", "PO 11", "PO 12"]


def test_a_wave_paused_while_it_is_launched_stays_held(database, people, strand, monkeypatch):
    monkeypatch.setattr(launching, "SLICE", 3)
    settle(database, 5)
    number = approved(database)
    wave = move(database, number, planning.schedule_campaign, NOW)
    with database.writing() as session:
        assert launching.advance_wave(session, wave, SENDING, now=NOW)
    move(database, number, planning.pause_campaign)
    advance(database, wave, NOW)
    with database.reading() as session:
        assert session.scalars(select(Mailing.gate)).one() is Gate.HELD
    move(database, number, planning.resume_campaign)
    with database.reading() as session:
        assert session.scalars(select(Mailing.gate)).one() is Gate.OPEN


def test_a_wave_cancelled_while_it_is_launched_is_filled_no_further(database, people, strand, monkeypatch):
    monkeypatch.setattr(launching, "SLICE", 3)
    settle(database, 8)
    number = approved(database)
    wave = move(database, number, planning.schedule_campaign, NOW)
    with database.writing() as session:
        assert launching.advance_wave(session, wave, SENDING, now=NOW)
    move(database, number, planning.cancel_campaign)
    with database.writing() as session:
        assert launching.advance_wave(session, wave, SENDING, now=NOW) is False
    assert [reason for *_, reason in rows(database)] == ["cancelled"] * 3
    with database.reading() as session:
        assert session.scalars(select(Mailing.gate)).one() is Gate.CLOSED


def test_a_recipient_written_down_twice_is_refused_by_the_database(database, people, strand):
    settle(database, 1)
    launch(database, approved(database))
    with pytest.raises(IntegrityError), database.writing() as session:
        mailing = session.scalars(select(Mailing)).one()
        (addressee,) = planning.list_addressees(session, session.scalars(select(Wave)).one().campaign, now=NOW)
        outbox.put_recipients(session, mailing, [addressee], SENDING.return_path, now=NOW)


@pytest.mark.long
@pytest.mark.parametrize(
    ("late", "state"), [(timedelta(hours=2), "running"), (timedelta(hours=2, seconds=1), "missed")]
)
def test_a_wave_is_never_sent_hours_late_by_itself(database, people, strand, late, state):
    settle(database, 1)
    wave = move(database, approved(database), planning.schedule_campaign, NOW)
    advance(database, wave, NOW + late)
    with database.reading() as session:
        assert session.get_one(Wave, wave).state == state
        assert due_waves(session, now=NOW + late) == []


@pytest.mark.parametrize(
    ("closes", "state"),
    [(-1, "missed"), (0, "running")],
)
def test_no_invitation_leaves_once_its_strand_has_closed(database, people, strand, closes, state):
    """A day that was given after the wave was planned counts, too."""
    settle(database, 1)
    wave = move(database, approved(database), planning.schedule_campaign, NOW)
    with database.writing() as session:
        session.get_one(Wave, wave).campaign.strand.closed_on = NOW.date() + timedelta(closes)
        programmes.load_programme(session, PROGRAMME, now=NOW, actor=AUTHOR)
    advance(database, wave, NOW)
    with database.reading() as session:
        found = session.get_one(Wave, wave)
        assert found.state == state
        said = session.scalars(select(WaveTransition.note).where(WaveTransition.wave_id == wave)).all()
        its = "le volet 1 du programme « Mes outils numériques » a fermé le 14 mai 2021"
        assert (said[-1].replace("\u00a0", " ") == its) == (state == "missed")


def test_a_wave_ends_when_nothing_is_on_the_way_and_doubt_does_not_hold_it(database, people, strand):
    settle(database, 2)
    wave = launch(database, approved(database))
    with database.writing() as session:
        assert finish_waves(session, now=NOW) == 0
        session.execute(update(Message).values(state=MessageState.IN_DOUBT, fence_id="f", fenced_at=NOW))
        assert finish_waves(session, now=NOW) == 1
        assert session.get_one(Wave, wave).state is WaveState.FINISHED
        assert session.scalars(select(Mailing.gate)).one() is Gate.CLOSED


def test_a_statutory_wave_goes_on_until_its_doubts_are_sent_again(database, people, strand):
    settle(database, 2)
    wave = launch(database, approved(database, message_class=MessageClass.STATUTORY))
    number, later = 1, NOW + timedelta(minutes=16)
    with database.writing() as session:
        session.execute(update(Message).values(state=MessageState.IN_DOUBT, fence_id="f", fenced_at=NOW))
        assert finish_waves(session, now=NOW) == 0
    move(database, number, planning.pause_campaign)
    with database.writing() as session:
        assert outbox.resend_the_doubtful(session, now=later) == 0
    move(database, number, planning.resume_campaign)
    with database.writing() as session:
        assert outbox.resend_the_doubtful(session, now=later) == 2
        assert finish_waves(session, now=later) == 0
        session.execute(update(Message).values(state=MessageState.IN_DOUBT, fenced_at=later))
        assert finish_waves(session, now=later) == 1
        assert outbox.resend_the_doubtful(session, now=later + timedelta(days=1)) == 0
        assert session.get_one(Wave, wave).state is WaveState.FINISHED


def test_a_cancelled_wave_sends_no_doubt_again(database, people, strand):
    settle(database, 2)
    launch(database, number := approved(database, message_class=MessageClass.STATUTORY))
    with database.writing() as session:
        session.execute(update(Message).values(state=MessageState.IN_DOUBT, fence_id="f", fenced_at=NOW))
    move(database, number, planning.cancel_campaign)
    with database.writing() as session:
        assert outbox.resend_the_doubtful(session, now=NOW + timedelta(hours=1)) == 0


def test_an_audience_costs_the_same_few_statements_whatever_its_size(database, people, strand):
    number, counts = approved(database), []
    for size in (3, 40):
        settle(database, size)
        with database.reading() as session, asked(database) as seen:
            planning.list_addressees(session, planning.campaign_numbered(session, number), now=NOW)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 9


def approved_for(database, count, **changes):
    """A campaign that would have written to so many when it was approved."""
    number = draft(database, **changes)
    move(database, number, planning.submit_campaign)
    move(
        database,
        number,
        lambda *given, **by: planning.approve_campaign(*given, extent=Extent(count), **by),
        actor=APPROVER,
    )
    return number


def gate(database):
    with database.reading() as session:
        return session.scalars(select(Mailing.gate)).one()


@pytest.mark.long
def test_many_recipients_are_written_down_ahead_and_their_gate_opens_in_time(database, people, strand, monkeypatch):
    monkeypatch.setattr(launching, "MANY", 3)
    monkeypatch.setattr(launching, "AHEAD", timedelta(seconds=10))
    settle(database, 5)
    number, due = approved_for(database, 5), NOW + timedelta(minutes=10)
    wave = move(database, number, planning.schedule_campaign, due)
    ahead = due - timedelta(seconds=60)
    with database.reading() as session:
        assert due_waves(session, now=ahead - timedelta(seconds=1)) == []
        assert due_waves(session, now=ahead) == [wave]
    advance(database, wave, ahead)
    assert (len(rows(database)), gate(database)) == (5, Gate.CLOSED)
    settle(database, 1)
    advance(database, wave, due)
    assert (len(rows(database)), gate(database)) == (6, Gate.OPEN)


@pytest.mark.one_example
@pytest.mark.parametrize("mode", [TrackingMode.AGGREGATE, TrackingMode.INDIVIDUAL])
@pytest.mark.parametrize("added", [0, 2])
def test_groups_are_counted_ahead_and_again_when_recipients_are_added(
    database, people, strand, monkeypatch, added, mode
):
    monkeypatch.setattr(launching, "MANY", 3)
    settle(database, 21)
    due = NOW + timedelta(minutes=10)
    wave = move(database, approved_for(database, 21, tracking=mode), planning.schedule_campaign, due)
    is_ahead = mode is TrackingMode.AGGREGATE

    def groups():
        with database.reading() as session:
            return session.execute(select(Tracker.public_id, Tracker.recipients)).all()

    advance(database, wave, due - timedelta(seconds=5))
    before = groups()
    assert [recipients for _, recipients in before] == [21] * is_ahead
    settle(database, added)
    advance(database, wave, due)
    assert [recipients for _, recipients in groups()] == [21 + added]
    assert not is_ahead or (groups() == before) is (added == 0)


def test_nothing_is_written_down_while_a_wave_can_be_called_off(database, people, strand, monkeypatch):
    monkeypatch.setattr(launching, "MANY", 3)
    monkeypatch.setattr(launching, "AHEAD", timedelta(seconds=10))
    settle(database, 5)
    wave = move(database, approved_for(database, 5), planning.schedule_campaign, NOW + timedelta(seconds=80))
    with database.reading() as session:
        assert due_waves(session, now=NOW + timedelta(seconds=59)) == []
        assert due_waves(session, now=NOW + timedelta(seconds=60)) == [wave]


def test_few_recipients_are_written_down_as_their_letters_are_due(database, people, strand, monkeypatch):
    monkeypatch.setattr(launching, "AHEAD", timedelta(seconds=10))
    settle(database, 5)
    due = NOW + timedelta(minutes=10)
    wave = move(database, approved_for(database, 5), planning.schedule_campaign, due)
    with database.reading() as session:
        assert due_waves(session, now=due - timedelta(seconds=1)) == []
        assert due_waves(session, now=due) == [wave]
