"""Closures that people add: they count at once wherever something is planned, and are taken back by a row."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.campaigns import planning, waves
from outreach.campaigns.planning import (
    AddedClosure,
    Audiences,
    ClosedPart,
    Spares,
    closed_office,
    closing_reason,
    next_open,
)
from outreach.campaigns.planning import _schedule as schedule
from outreach.campaigns.planning._sending_hours import Closing, closing
from outreach.core import audit
from outreach.core.text.errors import InputError, Refused
from tests.campaigns.conftest import APPROVER, AUTHOR
from tests.conftest import NOW

TUESDAY = date(2021, 5, 18)
OPEN = NOW + timedelta(days=3)  # that Tuesday at 11 h
SCHOOLS, COMMUNES = {Audiences.SCHOOL_SIDE}, {Audiences.ADMINISTRATION}
STRIKE = {"first": TUESDAY, "last": TUESDAY, "part": ClosedPart.DAY, "spares": Spares.NOBODY, "name": "grève générale"}


def added(**changes):
    return AddedClosure(**{**STRIKE, **changes})


def opening(*given, hour=11, recipients=SCHOOLS, urgent=False):
    return next_open(datetime.combine(TUESDAY, time(hour)), recipients, urgent=urgent, added=given)


@pytest.mark.parametrize(
    ("given", "hour", "found", "why"),
    [
        ([added()], 11, (19, 11), "grève générale"),
        ([added(part=ClosedPart.MORNING)], 11, (18, 13), "grève générale"),
        ([added(part=ClosedPart.AFTERNOON)], 11, (18, 11), ""),
        ([added(part=ClosedPart.AFTERNOON)], 14, (19, 14), "grève générale"),
        ([added(part=ClosedPart.MORNING), added(part=ClosedPart.AFTERNOON, name="formation")], 14, (19, 14),
         "grève générale, formation"),
        ([added(), added(first=date(2021, 5, 19), last=date(2021, 5, 19), part=ClosedPart.MORNING, name="réunion")],
         11, (19, 13), "grève générale, réunion"),
    ],
)  # fmt: skip
def test_a_closed_day_or_window_moves_what_would_leave_in_it(given, hour, found, why):
    opened = opening(*given, hour=hour)
    assert ((opened.wall.day, opened.wall.hour), opened.why) == (found, why)


def test_a_closure_spares_whom_it_says():
    spared = added(spares=Spares.ADMINISTRATIONS)
    assert not opening(spared, recipients=COMMUNES).moved
    assert opening(spared, recipients=SCHOOLS | COMMUNES, urgent=True).moved
    assert opening(spared, recipients=set()).moved, "without recipients, schools are meant"
    assert not opening(added(spares=Spares.URGENT), urgent=True).moved
    assert closed_office(TUESDAY, SCHOOLS, [added()]) == "grève générale"
    assert closing(TUESDAY, [added()]) == Closing("grève générale", Spares.NOBODY)
    half = added(part=ClosedPart.AFTERNOON, spares=Spares.URGENT)
    assert closing(TUESDAY, [half]) == Closing("grève générale (l’après-midi)", Spares.URGENT)


closed = st.builds(
    lambda start, days, **more: AddedClosure(
        first=TUESDAY + timedelta(start), last=TUESDAY + timedelta(start + days), name="x", **more
    ),
    start=st.integers(-5, 30),
    days=st.integers(0, 40),
    part=st.sampled_from(ClosedPart),
    spares=st.sampled_from(Spares),
)


@given(st.lists(closed, max_size=5), st.sampled_from([SCHOOLS, COMMUNES]), st.booleans(), st.integers(0, 23))
def test_a_time_found_is_open_and_the_same_when_asked_again(given, recipients, urgent, hour):
    found = opening(*given, recipients=recipients, urgent=urgent, hour=hour).wall
    assert closing_reason(found.date(), recipients, urgent=urgent, added=given) == ""
    theirs = [one for one in given if one.concerns(found.date(), recipients, urgent=urgent)]
    assert not any(one.covers(found.time()) for one in theirs)
    assert next_open(found, recipients, urgent=urgent, added=given).wall == found


def test_a_school_year_is_computed_run_by_run():
    runs = {(run.first, run.last): run.closing.name for run in planning.computed_closings(2026)}
    assert runs[(date(2026, 10, 19), date(2026, 10, 31))] == "congé d’automne"
    assert planning.school_year_of(date(2027, 8, 15)) == planning.school_year_of(date(2026, 8, 16)) == 2026
    assert planning.days_of(2026) == (date(2026, 8, 16), date(2027, 8, 15))


@pytest.fixture
def planned(planned_with_reminder):
    return 1


def close(database, **changes):
    with database.writing() as session:
        return planning.add_blackout_date(session, **{**STRIKE, **changes}, now=NOW, actor="chef@fwb.example").id


def test_it_counts_for_what_is_planned_from_then_on_until_it_is_taken_back(database, planned):
    def first():
        with database.reading() as session:
            campaign = planning.as_if(session, planning.campaign_numbered(session, planned), {"starts_at": OPEN})
            days = {day.on: day.closing for week in planning.calendar_weeks(session, date(2021, 5, 1)) for day in week}
            told = schedule.plan_waves(session, campaign, now=NOW)[0].move_in_words
            return told, days[TUESDAY] and days[TUESDAY].name

    assert first() == ("", None)
    number = close(database)
    told, name = first()
    assert (told.endswith("grève générale"), name) == (True, "grève générale")
    with pytest.raises(Refused, match="déjà dans le calendrier"):
        close(database)
    with database.writing() as session:
        planning.withdraw_blackout_date(session, number, now=NOW, actor="chef@fwb.example")
    assert first() == ("", None)
    with database.writing() as session, pytest.raises(Refused, match="déjà retirée"):
        planning.withdraw_blackout_date(session, number, now=NOW, actor="chef@fwb.example")
    with database.reading() as session:
        (known,) = planning.blackout_dates_between(session, TUESDAY, TUESDAY)
        assert (known.withdrawal.withdrawn_by, known.withdrawal.withdrawn_at) == ("chef@fwb.example", NOW)
        sentences = [entry.sentence for entry in audit.entries_about(session, f"closure:{number}")]
        assert sentences == [
            f"Fermeture {done} : « grève générale », le 18 mai 2021." for done in ("retirée", "ajoutée")
        ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " . "}, "pourquoi"),
        ({"name": "x" * 81}, "dépasse 80"),
        ({"name": "a\x00b"}, "interdit"),
        ({"last": TUESDAY - timedelta(1)}, "avant le premier"),
        ({"first": date(2021, 5, 1), "last": date(2021, 5, 14)}, "passés"),
        ({"last": TUESDAY + timedelta(366)}, "un an"),
        ({"first": date(2031, 1, 1), "last": date(2031, 1, 1)}, "cinq ans"),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"])
def test_days_that_cannot_be_closed_are_refused(database, changes, words):
    with pytest.raises(InputError, match=words):
        close(database, **changes)


@pytest.mark.long
def test_a_planned_wave_is_named_and_moved_only_by_who_planned_it_or_an_approver(database, planned):
    def closed_waves():
        with database.reading() as session:
            known = planning.get_blackout_date(session, number).closure
            within = waves.waves_within(session, known, now=NOW)
            return [(one.wave.number, one.name, one.to.at) for one in within]

    def moved(to, actor=AUTHOR, *, may_approve=False):
        with database.writing() as session:
            campaign = planning.in_turn(session, planned)
            waves.move_wave(session, campaign, 1, to, now=NOW, actor=actor, may_approve=may_approve)

    number = close(database)
    wednesday = OPEN + timedelta(days=1)
    assert closed_waves() == [(1, "grève générale", wednesday)]
    with pytest.raises(Refused, match="qui l’a planifiée"):
        moved(wednesday, "autre@fwb.example")
    with pytest.raises(Refused, match="entre-temps"):
        moved(wednesday + timedelta(days=1))
    moved(wednesday)
    assert closed_waves() == []
    with pytest.raises(Refused, match="plus planifiée dans une fermeture"):
        moved(wednesday)
    number = close(database, first=date(2021, 5, 19), last=date(2021, 6, 10))
    (first, second) = closed_waves()
    assert first[2] == second[2]
    with pytest.raises(Refused, match="croiserait"):
        moved(first[2], APPROVER, may_approve=True)
    with database.writing() as session:
        planning.withdraw_blackout_date(session, number, now=NOW, actor="chef@fwb.example")
    number = close(database, first=date(2021, 5, 19), last=date(2021, 5, 20))
    moved(closed_waves()[0][2], APPROVER, may_approve=True)
    with database.reading() as session:
        wave = planning.campaign_numbered(session, planned).waves[0]
        assert (wave.due_at.date(), wave.latest_start - wave.due_at) == (date(2021, 5, 25), schedule.LATEST)
