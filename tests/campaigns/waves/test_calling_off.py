"""The minute to call a wave off: who has it, what stays then, and that the clock and a person never both win."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from outreach.campaigns import planning, results, waves
from outreach.campaigns.models import Campaign, Wave, WaveState, WaveTransition
from outreach.campaigns.planning import Stage, stage_of
from outreach.campaigns.waves import CALL_OFF_TIME, call_off_waves
from outreach.campaigns.waves import _stopping as stopping
from outreach.core.text.errors import InputError, Refused
from outreach.delivery.models import Message
from tests.campaigns.conftest import APPROVER, SENDING, advance, approved, draft, launch, move, settle
from tests.conftest import NOW

SECOND = timedelta(seconds=1)


def on_the_page(session, campaign, at, *, now, actor):
    """Plan a campaign as its page does."""
    return planning.schedule_campaign(session, campaign, at, now=now, actor=actor, earliest=now + CALL_OFF_TIME)


def dated(database, at, **changes):
    """An approved campaign with a start; returns its number."""
    number = draft(database, **changes)

    def revise(session, campaign, **by):
        planning.revise_campaign(session, campaign, {"starts_at": at}, **by)

    move(database, number, revise)
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    return number


def due(database):
    with database.reading() as session:
        return session.scalars(select(Wave.due_at).order_by(Wave.number)).all()


def letters(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Message))


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=30), timedelta(days=2)], ids=str)
def test_what_is_due_now_or_past_leaves_a_minute_later_its_reminders_behind_it(database, people, strand, late):
    at = NOW + timedelta(days=3)  # a Tuesday at 11 h: letters leave then
    number = dated(database, at, reminders=(14,))
    move(database, number, on_the_page, None, now=at + late)
    first, reminder = due(database)
    assert first == at + late + CALL_OFF_TIME
    assert reminder >= first + timedelta(days=13)


@pytest.mark.parametrize(
    ("late", "moved"),
    [
        (timedelta(hours=9), timedelta(hours=22)),  # Tuesday at 20 h: Wednesday at 9 h
        (timedelta(minutes=29, seconds=30), timedelta(hours=2, minutes=30)),  # a minute later, the window is over
    ],
    ids=str,
)
def test_what_is_past_outside_the_hours_leaves_at_the_next_that_is_open_and_says_so(
    database, people, strand, late, moved
):
    at = NOW + timedelta(days=3)  # a Tuesday at 11 h
    number = dated(database, at)
    move(database, number, on_the_page, None, now=at + late)
    assert due(database) == [at + moved]
    with database.reading() as session:
        note = session.scalars(select(WaveTransition.note)).one()
        assert "déplacée" in note
        assert "en dehors des heures d’envoi" in note


def test_what_is_past_and_would_leave_after_the_last_day_is_not_planned(database, people, strand):
    at = NOW + timedelta(days=3)
    number = draft(database)
    move(
        database,
        number,
        lambda session, campaign, **by: planning.revise_campaign(
            session, campaign, {"starts_at": at, "stops_on": at.date()}, **by
        ),
    )
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    with pytest.raises(Refused, match="dernier jour"):
        move(database, number, on_the_page, None, now=at + timedelta(hours=9))


def test_a_reminder_is_called_off_alone_at_any_time_once_a_wave_has_left(database, people, strand):
    settle(database, 1)
    number = approved(database, reminders=(14, 28))
    launch(database, number)
    move(database, number, call_off_waves, 2)
    with database.reading() as session:
        found = session.scalars(select(Wave.state).order_by(Wave.number)).all()
    assert found == [WaveState.RUNNING, WaveState.CANCELLED, WaveState.PLANNED]


def test_what_is_due_later_keeps_its_time_and_the_command_line_has_no_grace(database, people, strand):
    at = NOW + timedelta(days=3)
    move(database, dated(database, at), on_the_page, None, now=NOW)
    move(database, dated(database, at), planning.schedule_campaign, None, now=at)
    assert due(database) == [at, at]
    with pytest.raises(InputError, match="passé"):
        move(database, dated(database, at), planning.schedule_campaign, None, now=at + SECOND)


@pytest.mark.long
def test_called_off_a_moment_before_nothing_leaves_and_it_may_be_planned_again(database, people, strand):
    settle(database, 3)
    number = approved(database, reminders=(14,))
    wave = move(database, number, planning.schedule_campaign, NOW + CALL_OFF_TIME)
    move(database, number, call_off_waves, 1, now=NOW + CALL_OFF_TIME - SECOND)
    advance(database, wave, NOW + CALL_OFF_TIME)
    assert letters(database) == 0
    with database.reading() as session:
        assert set(session.scalars(select(Wave.state))) == {WaveState.CANCELLED}
        assert stopping.CALLED_OFF in set(session.scalars(select(WaveTransition.note)))
        assert stage_of(session, session.get_one(Campaign, number)) is Stage.APPROVED
    again = move(database, number, planning.schedule_campaign, NOW + 2 * CALL_OFF_TIME)
    advance(database, again, NOW + 2 * CALL_OFF_TIME)
    assert letters(database) == 3


def test_the_wave_of_the_moment_after_calling_off_is_the_first_of_the_last_planning(database, people, strand):
    number = approved(database, reminders=(14, 28))
    for at in (NOW + CALL_OFF_TIME, NOW + timedelta(days=60)):
        move(database, number, planning.schedule_campaign, at, now=at - CALL_OFF_TIME)
        with database.reading() as session:
            planned = select(Wave.number).where(Wave.state == WaveState.PLANNED)
            first = session.scalars(planned.order_by(Wave.number)).first()
        move(database, number, call_off_waves, first, now=at - SECOND)
        with database.reading() as session:
            found = results.campaign_progress(session, session.get_one(Campaign, number))
            assert (found.wave.number, found.is_measured) == (first, False)
    assert first == 4


def test_called_off_after_the_start_names_the_other_button(database, people, strand):
    settle(database, 3)
    number = approved(database)
    wave = move(database, number, planning.schedule_campaign, NOW + CALL_OFF_TIME)
    advance(database, wave, NOW + CALL_OFF_TIME)
    with pytest.raises(Refused, match="« Annuler ce qui n’est pas parti »"):
        move(database, number, call_off_waves, 1, now=NOW + CALL_OFF_TIME + SECOND)
    assert letters(database) == 3


def test_what_is_planned_no_more_cannot_be_called_off(database, people, strand):
    number = approved(database)
    with pytest.raises(Refused, match="plus planifié"):
        move(database, number, call_off_waves, 1)
    move(database, number, planning.schedule_campaign, NOW + CALL_OFF_TIME)
    move(database, number, call_off_waves, 1)
    with pytest.raises(Refused, match="plus planifié"):
        move(database, number, call_off_waves, 1)


@pytest.mark.postgresql
@pytest.mark.long
def test_a_person_and_the_clock_at_once_never_both_win(database, people, strand):
    settle(database, 3)
    number = approved(database)
    for number in [approved(database) for _ in range(5)]:
        before = letters(database)
        wave = move(database, number, planning.schedule_campaign, NOW + CALL_OFF_TIME)
        together = Barrier(2)

        def start(wave=wave, together=together):
            together.wait()
            with database.writing() as session:
                waves.advance_wave(session, wave, SENDING, now=NOW + CALL_OFF_TIME)

        def withdraw(number=number, together=together):
            together.wait()
            try:
                move(database, number, call_off_waves, 1, now=NOW + CALL_OFF_TIME)
            except Refused:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            started, called_off = pool.submit(start), pool.submit(withdraw)
            started.result()
            assert letters(database) - before == (0 if called_off.result() else 3)


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("before", "is_starting"), [(61, False), (60, True), (1, True), (0, True), (-5, True), (-7201, False)]
)
def test_the_last_minute_before_a_planned_wave(database, people, strand, before, is_starting):
    number = approved(database)
    move(database, number, planning.schedule_campaign, NOW + timedelta(hours=1))
    at = NOW + timedelta(hours=1) - timedelta(seconds=before)
    with database.reading() as session:
        found = stopping.starting_wave(session.get_one(Campaign, number), now=at)
        assert (found is not None) == is_starting
