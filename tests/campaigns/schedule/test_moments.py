"""From a wall in Brussels to an instant, every half hour of three years, nights of change included."""

from datetime import UTC, datetime, timedelta

import pytest

from outreach.campaigns import planning
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.planning import moment_of, read_moment, refuse_far_away
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.errors import InputError
from tests.campaigns.conftest import advance, approved, move, settle
from tests.conftest import NOW

SPRING = datetime(2027, 3, 28, 2, 30)
AUTUMN = datetime(2026, 10, 25, 2, 30)


@pytest.mark.long
def test_three_years_of_half_hours_each_name_one_instant_in_order():
    wall, end, last = datetime(2026, 1, 1), datetime(2029, 1, 1), None
    skipped = repeated = 0
    while wall < end:
        moment = moment_of(wall)
        shown = moment.at.astimezone(BRUSSELS).replace(tzinfo=None)
        if shown != wall:
            skipped += 1
            assert shown == wall + timedelta(hours=1)
        candidates = [wall - timedelta(hours=hours) for hours in (2, 1)]
        instants = [one.replace(tzinfo=UTC) for one in candidates]
        shows = [one for one in instants if one.astimezone(BRUSSELS).replace(tzinfo=None) == wall]
        repeated += len(shows) == 2
        assert moment.at == (shows[0] if shows else instants[1])
        assert bool(moment.note) == (len(shows) != 1)
        assert last is None or not shows or moment.at > last
        last, wall = moment.at if shows else last, wall + timedelta(minutes=30)
    assert (skipped, repeated) == (6, 6)


def test_a_skipped_time_moves_an_hour_on_and_a_repeated_one_is_the_first_and_both_are_said():
    spring, autumn = moment_of(SPRING), moment_of(AUTUMN)
    assert spring.at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert "n’existe pas" in spring.note
    assert "03 h 30" in spring.note
    assert autumn.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert "deux fois" in autumn.note


@pytest.mark.one_example
@pytest.mark.parametrize("wall", [SPRING, AUTUMN, datetime(2027, 3, 29), datetime(2026, 10, 26)])
def test_a_wave_of_those_nights_starts_once_at_its_instant(database, people, strand, wall):
    settle(database, 2)
    number, at = approved(database), moment_of(wall).at
    wave = move(database, number, planning.schedule_campaign, at, now=at - timedelta(days=1))
    started = []
    for minutes in range(-180, 181, 5):
        now = at + timedelta(minutes=minutes)
        with database.reading() as session:
            before = session.get_one(Wave, wave).state
        advance(database, wave, now)
        with database.reading() as session:
            after = session.get_one(Wave, wave).state
        if before is not after:
            started.append((now, after))
    assert started == [(at, WaveState.RUNNING)]


NONE = ["2021-05-18", "18/05/2021 09:30", "demain", "2021-02-29 10:00", "2021-05-18 25:00"]
OF_ANOTHER_CENTURY = ["0001-01-01 00:00", "1999-12-31 23:59", "9999-12-31 23:59"]


@pytest.mark.parametrize(
    ("text", "says"),
    [(text, "2021-05-18 09:30") for text in NONE] + [(text, "entre 2000 et 2099") for text in OF_ANOTHER_CENTURY],
)
def test_what_is_no_moment_is_refused(text, says):
    with pytest.raises(InputError, match=says):
        read_moment(text)


def test_the_past_and_the_far_future_are_refused():
    assert read_moment("2021-05-18 09:30").at == datetime(2021, 5, 18, 7, 30, tzinfo=UTC)
    with pytest.raises(InputError, match="passé"):
        refuse_far_away(NOW - timedelta(seconds=1), NOW)
    with pytest.raises(InputError, match="deux ans"):
        refuse_far_away(NOW + timedelta(days=731), NOW)
