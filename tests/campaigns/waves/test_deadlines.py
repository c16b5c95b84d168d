"""The last day to answer is a working day of the recipients: planned, in the calendar and in the letter, one day."""

from datetime import date, timedelta

import pytest

from outreach.campaigns import planning
from outreach.campaigns.letter import LetterSnapshot
from outreach.campaigns.models import Wave
from outreach.campaigns.planning import Audiences, ClosedPart, Spares
from outreach.campaigns.planning import _calendar as calendar
from outreach.campaigns.planning import _sending_hours as sending_hours
from tests.campaigns.conftest import advance, approved, draft, move, settle
from tests.conftest import NOW

SCHOOLS, COMMUNES = {Audiences.SCHOOL_SIDE}, {Audiences.ADMINISTRATION}
TUESDAY = NOW + timedelta(days=3)  # 18 May 2021


@pytest.mark.parametrize(
    ("day", "recipients", "working", "why"),
    [
        (date(2026, 12, 18), SCHOOLS, date(2026, 12, 18), ""),
        (date(2026, 12, 19), SCHOOLS, date(2027, 1, 4), "week-end, vacances d’hiver"),
        (date(2026, 12, 19), COMMUNES, date(2026, 12, 21), "week-end"),
        (date(2021, 5, 13), COMMUNES, date(2021, 5, 14), "Ascension"),
        (date(2021, 9, 25), SCHOOLS, date(2021, 9, 28), "week-end, fête de la Communauté française"),
    ],
)
def test_a_closed_day_moves_to_the_next_one_on_which_the_recipients_work(day, recipients, working, why):
    assert sending_hours.working_day(day, recipients) == (working, why)


def deadlines(database, wave):
    """The last day to answer a wave, as its row, the calendar and its letter (None before it leaves) have it."""
    with database.reading() as session:
        row = session.get_one(Wave, wave)
        days = [
            day for month in (5, 6) for week in calendar.calendar_weeks(session, date(2021, month, 1)) for day in week
        ]
        shown = {day.on for day in days for entry in day.entries if entry.kind is calendar.EntryKind.DEADLINE}
        letter = LetterSnapshot.from_json(row.mailing.letter).shared.deadline if row.mailing else None
        return row.answer_by, shown, letter


@pytest.mark.long
def test_the_letter_states_the_day_that_the_plan_and_the_calendar_show(database, people, strand):
    settle(database, 1)
    number = approved(database, deadline_days=11)  # Saturday 29 May
    wave = move(database, number, planning.schedule_campaign, TUESDAY)
    assert deadlines(database, wave) == (date(2021, 5, 31), {date(2021, 5, 31)}, None)
    strike = {"part": ClosedPart.DAY, "spares": Spares.NOBODY, "name": "grève générale"}
    with database.writing() as session:
        monday = date(2021, 5, 31)
        planning.add_blackout_date(session, first=monday, last=monday, **strike, now=NOW, actor="chef@fwb.example")
    advance(database, wave, TUESDAY)
    first_of_june = date(2021, 6, 1)
    assert deadlines(database, wave) == (first_of_june, {first_of_june}, first_of_june)


def test_a_date_that_the_author_chose_is_that_of_every_wave_whatever_the_calendar(database, people, strand):
    settle(database, 1)
    chosen = date(2021, 6, 6)  # a Sunday
    number = approved(database, deadline_on=chosen, reminders=(7,))
    wave = move(database, number, planning.schedule_campaign, TUESDAY)
    with database.reading() as session:
        assert {one.answer_by for one in planning.campaign_numbered(session, number).waves} == {chosen}
    advance(database, wave, TUESDAY)
    assert deadlines(database, wave) == (chosen, {chosen}, chosen)


def test_another_date_is_another_content_and_none_keeps_the_digest(database, people, strand):
    number = draft(database)
    with database.writing() as session:
        campaign = planning.campaign_numbered(session, number)
        before = planning.content_hash(campaign)
        campaign.deadline_on = date(2021, 6, 4)
        assert planning.content_hash(campaign) != before
        stated = planning.definition_of(session, campaign)
        assert (stated.deadline_on, planning.begin_again(stated).deadline_on) == (date(2021, 6, 4), None)
        campaign.deadline_on = None
        assert planning.content_hash(campaign) == before
