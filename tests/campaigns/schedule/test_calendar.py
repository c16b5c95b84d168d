"""A month on the wall: waves, wishes and deadlines on their day in Brussels, and what closes the others."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from outreach.campaigns import planning
from outreach.campaigns.models import AddedReminder, Campaign, CampaignState, ReminderState, Wave, WaveState
from outreach.campaigns.planning import Spares
from tests.campaigns.conftest import approved, draft, move, settle
from tests.conftest import NOW, state_from
from tests.statements import asked

MAY = date(2021, 5, 1)


@state_from("programmed")
def planned_for_18_may(database, _settings):
    """A campaign, the first, planned for 18 May 2021, 11 o'clock, to be answered thirty days later."""
    settle(database, 1)
    move(database, approved(database), planning.schedule_campaign, NOW + timedelta(days=3))


@pytest.fixture
def planned(planned_for_18_may):
    return 1


def days(database, month):
    with database.reading() as session:
        return [day for week in planning.calendar_weeks(session, month) for day in week]


def entries(database, month):
    found = days(database, month)
    return [(day.on.isoformat()[5:], one.kind.value, one.wave, one.state.value) for day in found for one in day.entries]


def test_a_month_is_whole_weeks_from_monday_whatever_the_year(database):
    for month in (MAY, date(2021, 2, 1), date(2000, 1, 1), date(2099, 12, 1)):
        found = days(database, month)
        assert len(found) % 7 == 0
        assert [found[0].on.weekday(), found[-1].on.weekday()] == [0, 6]
        assert {day.on.month for day in found if day.is_of_month} == {month.month}
        assert all(after.on - day.on == timedelta(days=1) for day, after in pairwise(found))


def test_a_wave_stands_on_its_day_and_its_last_day_to_answer_too(database, planned):
    assert entries(database, MAY) == [("05-18", "wave", "première vague", "planned")]
    assert entries(database, date(2021, 6, 1)) == [("06-17", "deadline", "première vague", "planned")]
    assert entries(database, date(2021, 7, 1)) == []


@pytest.mark.parametrize("state", [WaveState.CANCELLED, WaveState.MISSED])
def test_nobody_is_awaited_for_a_wave_that_never_left(database, planned, state):
    with database.writing() as session:
        session.execute(update(Wave).values(state=state))
    assert entries(database, MAY) == [("05-18", "wave", "première vague", state.value)]
    assert entries(database, date(2021, 6, 1)) == []


@pytest.mark.parametrize(
    ("at", "on"),
    [
        (datetime(2021, 4, 30, 21, 59, 59, tzinfo=UTC), "04-30"),
        (datetime(2021, 4, 30, 22, 0, tzinfo=UTC), "05-01"),
        (datetime(2021, 6, 6, 21, 59, 59, tzinfo=UTC), "06-06"),
        (datetime(2021, 4, 25, 22, 0, tzinfo=UTC), "04-26"),
        (datetime(2021, 4, 25, 21, 59, 59, tzinfo=UTC), None),
        (datetime(2021, 6, 6, 22, 0, tzinfo=UTC), None),
    ],
)
def test_days_are_those_of_brussels_to_the_second(database, planned, at, on):
    with database.writing() as session:
        session.execute(update(Wave).values(due_at=at))
        session.execute(update(Campaign).values(deadline_days=366))
    assert entries(database, MAY) == ([(on, "wave", "première vague", "planned")] if on else [])


def test_a_day_beside_the_month_says_what_leaves_on_it_and_no_more(database, planned):
    with database.writing() as session:
        session.execute(update(Wave).values(due_at=datetime(2021, 6, 1, 9, tzinfo=UTC)))
    beside = [day.on.isoformat() for day in days(database, MAY) if not day.is_of_month and day.says_something]
    assert beside == ["2021-06-01"]
    with database.reading() as session:
        assert planning.next_entry(session, planning.calendar_weeks(session, MAY)) is None


def test_the_month_says_what_leaves_in_the_weeks_after_those_shown(database, planned):
    with database.writing() as session:
        session.execute(update(Wave).values(due_at=datetime(2021, 6, 8, 9, tzinfo=UTC)))
    with database.reading() as session:
        following = planning.next_entry(session, planning.calendar_weeks(session, MAY))
    assert following is not None
    assert following.at == datetime(2021, 6, 8, 9, tzinfo=UTC)
    with database.writing() as session:
        session.execute(update(Wave).values(state=WaveState.CANCELLED))
    with database.reading() as session:
        assert planning.next_entry(session, planning.calendar_weeks(session, MAY)) is None


def test_a_deadline_a_year_later_is_found(database, planned):
    with database.writing() as session:
        session.execute(update(Wave).values(answer_by=date(2022, 5, 19)))
    assert entries(database, date(2022, 5, 1)) == [("05-19", "deadline", "première vague", "planned")]


@pytest.mark.parametrize("state", list(CampaignState))
def test_a_wished_date_shows_until_its_wave_is_planned_or_all_is_over(database, people, strand, state):
    number = draft(database)
    with database.writing() as session:
        session.get_one(Campaign, number).starts_at = NOW
        session.get_one(Campaign, number).state = state
    is_open = state not in {CampaignState.CLOSED, CampaignState.CANCELLED}
    assert entries(database, MAY) == ([("05-15", "wish", "première vague", state.value)] if is_open else [])


def test_reminders_are_wished_for_with_the_first_wave_until_the_last_day_of_sending(database, people, strand):
    number = draft(database)
    with database.writing() as session:
        campaign = session.get_one(Campaign, number)
        campaign.starts_at, campaign.reminders, campaign.stops_on = NOW, "7 14 30", date(2021, 5, 29)
    wished = [("05-15", "première vague"), ("05-22", "relance 1"), ("05-29", "relance 2")]
    assert [(day, name) for day, _, name, _ in entries(database, MAY)] == wished
    with database.writing() as session:
        session.get_one(Campaign, number).reminders, session.get_one(Campaign, number).departure_gap = "", 7
    assert [day for day, *_ in entries(database, MAY)] == ["05-15", "05-22", "05-29"]
    with database.writing() as session:
        session.get_one(Campaign, number).stops_on, session.get_one(Campaign, number).reminders = None, "30"
    june = [("06-14", "relance 1 du départ 1"), ("06-21", "relance 1 du départ 2"), ("06-28", "relance 1 du départ 3")]
    assert [(day, name) for day, _, name, _ in entries(database, date(2021, 6, 1))] == june


@pytest.mark.parametrize("state", list(ReminderState))
def test_a_reminder_that_was_added_is_wished_for_until_it_is_approved_or_given_up(database, planned, state):
    words = {"subject": "Encore un mot", "letter": "Bonjour", "created_at": NOW, "created_by": "x"}
    with database.writing() as session:
        session.add(AddedReminder(campaign_id=planned, state=state, asked_at=NOW, **words))
    is_open = state in {ReminderState.DRAFT, ReminderState.TO_APPROVE}
    wished = [entry for entry in entries(database, MAY) if entry[1] == "wish"]
    assert wished == ([("05-15", "wish", "relance ajoutée", state.value)] if is_open else [])


def test_a_planned_campaign_is_no_wish_any_more_and_one_called_off_is_again(database, planned):
    with database.writing() as session:
        session.get_one(Campaign, planned).starts_at = NOW
    assert [kind for _, kind, *_ in entries(database, MAY)] == ["wave"]
    with database.writing() as session:
        session.execute(update(Wave).values(state=WaveState.CANCELLED))
    assert [kind for _, kind, *_ in entries(database, MAY)] == ["wish", "wave"]


def test_what_closes_a_run_of_days_is_told_once_a_month(database):
    told = [(day.on.day, day.closing.name, day.until.day) for day in days(database, date(2021, 4, 1))
            if day.is_of_month and day.until]  # fmt: skip
    assert told == [
        (4, "Pâques", 4),
        (5, "lundi de Pâques", 5),
        (6, "vacances de printemps", 18),
        (30, "jour pont", 30),
    ]
    summer = [day for day in days(database, date(2021, 8, 1)) if day.is_of_month]
    assert (summer[0].until, summer[0].closing.name) == (date(2021, 8, 15), "vacances d’été")
    assert [day.on.day for day in summer if day.says_something] == [1, 16]


def test_whom_a_closed_day_spares(database):
    found = [day for month in (4, 6, 7) for day in days(database, date(2021, month, 1))]
    spared = {day.on.isoformat(): day.closing.spares for day in found if day.closing}
    assert spared["2021-04-05"] is Spares.NOBODY
    assert spared["2021-04-06"] is Spares.ADMINISTRATIONS
    assert spared["2021-06-22"] is Spares.URGENT
    assert spared["2021-07-06"] is Spares.NOBODY
    assert "2021-04-24" not in spared  # a Saturday like another


def test_a_month_takes_five_statements_however_many_campaigns(database, planned):
    def statements():
        with asked(database) as seen:
            days(database, MAY)
        return seen

    few = statements()
    for _ in range(3):
        number = approved(database)
        move(database, number, planning.schedule_campaign, NOW + timedelta(days=4))
        with database.writing() as session:
            session.get_one(Campaign, draft(database)).starts_at = NOW
    assert len(statements()) == len(few) == 5
