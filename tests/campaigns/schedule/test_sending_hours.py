"""When letters may leave, against the published calendars of school_calendar.csv and every day of ten years."""

import csv
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from time import process_time

import pytest
from holidays import country_holidays
from hypothesis import given
from hypothesis import strategies as st

from outreach.campaigns.planning import Audiences, calendar_caution, closing_reason, moment_of, next_open
from outreach.campaigns.planning import _sending_hours as sending_hours
from outreach.campaigns.planning._sending_hours import moves, off_hours
from outreach.core.settings import ROOT
from outreach.core.text.french import NARROW, WIDE

DAY = timedelta(days=1)
SCHOOLS, COMMUNES, BOTH = [Audiences.SCHOOL_SIDE], [Audiences.ADMINISTRATION], list(Audiences)
SENDING = {1, 2, 3}
EASTER = {2023: date(2023, 4, 9), 2024: date(2024, 3, 31), 2025: date(2025, 4, 20), 2026: date(2026, 4, 5)}
EASTER |= {2022: date(2022, 4, 17), 2027: date(2027, 3, 28)}
TEN_YEARS = [date(2020, 1, 1) + DAY * number for number in range(3653)]

with Path(__file__).with_name("school_calendar.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file, delimiter=";"))

audiences = st.sets(st.sampled_from(Audiences))
walls = st.datetimes(datetime(2020, 1, 1), datetime(2031, 1, 1))
moments = st.one_of(walls, st.builds(datetime.combine, walls.map(datetime.date), st.sampled_from([
    time(0), time(8, 59, 59, 999999), time(9), time(11, 29), time(11, 30), time(13, 30), time(15, 30), time(23, 59),
])))  # fmt: skip


def closed(days, recipients, *, urgent):
    """The closed ones of these days, each with what closes it."""
    return {day: name for day in days if (name := closing_reason(day, recipients, urgent=urgent))}


def days_of(row):
    first, last = date.fromisoformat(row["start"]), date.fromisoformat(row["end"])
    return [first + DAY * number for number in range((last - first).days + 1)]


def spelt(row):
    label = row["label_fr"].split(" (")[0].replace("'", "’")
    return label[0].lower() + label[1:]


def public(year):
    """The public holidays of a year and 27 September, without the library."""
    fixed = {date(year, *day) for day in ((1, 1), (5, 1), (7, 21), (8, 15), (9, 27), (11, 1), (11, 11), (12, 25))}
    return fixed | {EASTER[year] + DAY * after for after in (1, 39, 50)}


def in_hard_summer(day):
    july = next(date(day.year, 7, n) for n in range(1, 8) if date(day.year, 7, n).weekday() == 5)
    return july <= day <= date(day.year, 8, 15)


def plain(text):
    return text.replace(WIDE, " ").replace(NARROW, " ")


breaks = [row for row in ROWS if row["kind"] != "term"]
terms = [row for row in ROWS if row["kind"] == "term" and row["school_year"] >= "2022"]


@pytest.mark.parametrize("row", breaks, ids=lambda row: f"{row['start']} {row['label_fr']}")
def test_every_published_break_is_closed_by_its_name_to_school_side(row):
    assert {closing_reason(day, SCHOOLS, urgent=False) for day in days_of(row)} == {spelt(row)}


@pytest.mark.parametrize("row", breaks, ids=lambda row: f"{row['start']} {row['label_fr']}")
def test_administrations_work_in_breaks_but_for_holidays_and_the_hard_summer(row):
    for day in days_of(row):
        if day.weekday() in SENDING and row["school_year"] >= "2022":
            shut = day in public(day.year) or in_hard_summer(day)
            assert bool(closing_reason(day, COMMUNES, urgent=False)) == shut, day


@pytest.mark.parametrize("row", terms, ids=lambda row: row["school_year"])
def test_within_a_published_term_nothing_else_closes_than_its_breaks_and_holidays(row):
    told = {day for other in breaks if other["school_year"] == row["school_year"] for day in days_of(other)}
    for day in days_of(row):
        if day.weekday() in SENDING and not in_hard_summer(day):
            shut = day in told or day in public(day.year)
            assert bool(closing_reason(day, SCHOOLS, urgent=True)) == shut, day


@pytest.mark.parametrize("row", terms, ids=lambda row: row["school_year"])
def test_the_soft_weeks_close_up_to_the_second_sunday_of_term(row):
    term = date.fromisoformat(row["start"])
    for day in (date(term.year, 8, 16) + DAY * number for number in range(40)):
        quiet = "vacances d’été" if day < term else "rentrée scolaire" if day < term + 14 * DAY else ""
        if quiet or day.weekday() in SENDING:
            assert closing_reason(day, SCHOOLS, urgent=False) == quiet
        if day.weekday() in SENDING:
            assert closing_reason(day, SCHOOLS, urgent=True) == ""


@pytest.mark.parametrize(
    ("day", "green", "red", "commune"),
    [
        (date(2027, 6, 16), "", "", ""),
        (date(2027, 6, 17), "fin d’année scolaire", "", ""),
        (date(2026, 7, 2), "fin d’année scolaire", "", ""),
        (date(2026, 7, 3), "fin d’année scolaire", *["jour sans envoi (vendredi)"] * 2),
        (date(2021, 7, 1), "vacances d’été", "", ""),
        (date(2023, 7, 5), *["vacances d’été"] * 3),
        (date(2027, 7, 3), *["vacances d’été"] * 3),
        (date(2027, 7, 21), *["vacances d’été"] * 3),
        (date(2029, 8, 15), *["vacances d’été"] * 3),
        (date(2029, 8, 16), "vacances d’été", "", ""),
        (date(2021, 8, 31), "vacances d’été", "", ""),
        (date(2021, 9, 9), "rentrée scolaire", "", ""),
        (date(2021, 9, 13), *["jour sans envoi (lundi)"] * 3),
        (date(2021, 9, 14), "", "", ""),
        (date(2018, 9, 13), "rentrée scolaire", "", ""),
        (date(2020, 11, 11), *["jour de l’Armistice"] * 3),
    ],
)
def test_the_quiet_weeks_let_red_and_blue_through_and_the_hard_summer_lets_none(day, green, red, commune):
    assert closing_reason(day, SCHOOLS, urgent=False) == green
    assert closing_reason(day, SCHOOLS, urgent=True) == red
    assert closing_reason(day, COMMUNES, urgent=False) == closing_reason(day, COMMUNES, urgent=True) == commune


@pytest.mark.parametrize("year", range(2020, 2031))
def test_27_september_and_easter_monday_are_closed_to_all_every_year(year):
    easter_monday = next(
        day for day, name in country_holidays("BE", years=year, language="fr").items() if "de Pâ" in name
    )
    for recipients in (SCHOOLS, COMMUNES, BOTH):
        assert closing_reason(date(year, 9, 27), recipients, urgent=True) == "fête de la Communauté française"
        name = "vacances de printemps" if year < 2023 and recipients != COMMUNES else "lundi de Pâques"
        assert closing_reason(easter_monday, recipients, urgent=True) == name


def test_the_library_tells_breaks_for_every_year_until_2100_and_none_without_its_subdivision():
    assert not country_holidays("BE", years=2027, categories=("school",))
    for year in range(2010, 2101):
        assert 90 <= len(sending_hours._year(year).school) <= 125, year
        assert len(sending_hours._year(year).public) == 13, year


@pytest.mark.parametrize("day", [date(2021, 5, 13), date(2021, 5, 18), date(2027, 3, 2), date(2027, 6, 22)])
@pytest.mark.parametrize("urgent", [True, False])
def test_closed_for_one_is_closed_for_all_and_without_recipients_schools_are_meant(day, urgent):
    shut = [closing_reason(day, recipients, urgent=urgent) for recipients in (SCHOOLS, BOTH, [])]
    assert len(set(shut)) == 1
    assert shut[0] or not closing_reason(day, COMMUNES, urgent=urgent)


@pytest.mark.long
@pytest.mark.parametrize("urgent", [True, False])
def test_every_day_of_ten_years_answers_and_mondays_fridays_and_weekends_never_open(urgent):
    for recipients in (SCHOOLS, COMMUNES, BOTH):
        shut = closed(TEN_YEARS, recipients, urgent=urgent)
        assert {day for day in TEN_YEARS if day.weekday() not in SENDING} <= set(shut)
        for day in TEN_YEARS:
            opening = next_open(datetime.combine(day, time(9)), recipients, urgent=urgent)
            assert opening.moved == (day in shut)
            assert opening.wall - opening.requested <= timedelta(days=120)
            assert day not in shut or opening.why.startswith(shut[day])


@given(moments, audiences, st.booleans())
def test_a_time_found_is_open_not_before_the_one_asked_and_stays_when_asked_again(wall, recipients, urgent):
    opening = next_open(wall, recipients, urgent=urgent)
    found = opening.wall
    assert closing_reason(found.date(), recipients, urgent=urgent) == ""
    assert time(9) <= found.time() < time(11, 30) or time(13, 30) <= found.time() < time(15, 30)
    assert wall <= found <= wall + timedelta(days=121)
    assert bool(opening.why) == opening.moved == bool(moves(opening))
    again = next_open(found, recipients, urgent=urgent)
    assert (again.wall, again.why) == (found, "")


@given(moments, audiences, st.booleans())
def test_no_open_day_is_passed_over(wall, recipients, urgent):
    found = next_open(wall, recipients, urgent=urgent).wall.date()
    first = wall.date() if wall.time() < time(15, 30) else wall.date() + DAY
    between = [first + DAY * number for number in range((found - first).days)]
    assert list(closed(between, recipients, urgent=urgent)) == between


@pytest.mark.parametrize("sunday", [date(2026, 3, 29), date(2026, 10, 25), date(2027, 3, 28), date(2027, 10, 31)])
def test_the_nights_of_change_move_to_a_time_that_exists_once(sunday):
    for minutes in range(0, 24 * 60, 15):
        wall = datetime.combine(sunday, time()) + timedelta(minutes=minutes)
        for recipients in (SCHOOLS, COMMUNES):
            found = next_open(wall, recipients, urgent=False).wall
            assert found.weekday() in SENDING
            assert moment_of(found).note == ""
            assert moment_of(found).at > moment_of(wall).at


@pytest.mark.parametrize(
    ("asked", "recipients", "said"),
    [
        ((2021, 5, 13, 9, 30), SCHOOLS, "déplacée du jeudi 13 mai 2021 au mardi 18 mai 2021 à 9 h 30 : Ascension"),
        ((2021, 5, 18, 9, 30), SCHOOLS, ""),
        ((2021, 5, 18, 13, 30), BOTH, ""),
        ((2021, 5, 18, 8, 0), SCHOOLS, "déplacée de 8 h à 9 h le mardi 18 mai 2021 : {hours}"),
        ((2021, 5, 18, 11, 30), SCHOOLS, "déplacée de 11 h 30 à 13 h 30 le mardi 18 mai 2021 : {hours}"),
        (
            (2021, 5, 31, 14, 5),
            COMMUNES,
            "déplacée du lundi 31 mai 2021 au mardi 1er juin 2021 à 14 h 05 : jour sans envoi (lundi)",
        ),
        (
            (2021, 6, 1, 15, 30),
            SCHOOLS,
            "déplacée du mardi 1er juin 2021 à 15 h 30 au mercredi 2 juin 2021 à 9 h : {hours}",
        ),
        (
            (2027, 1, 3, 20, 0),
            SCHOOLS,
            "déplacée du dimanche 3 janvier 2027 à 20 h au mardi 5 janvier 2027 à 9 h : vacances d’hiver, {hours}",
        ),
        (
            (2026, 12, 18, 10, 0),
            BOTH,
            (
                "déplacée du vendredi 18 décembre 2026 au mardi 5 janvier 2027 à 10 h : "
                "jour sans envoi (vendredi), vacances d’hiver"
            ),
        ),
        (
            (2027, 6, 18, 10, 0),
            SCHOOLS,
            (
                "déplacée du vendredi 18 juin 2027 au mardi 14 septembre 2027 à 10 h : "
                "fin d’année scolaire, vacances d’été, rentrée scolaire"
            ),
        ),
    ],
)
def test_a_move_is_said_in_french(asked, recipients, said):
    opening = next_open(datetime(*asked), recipients, urgent=False)
    hours = "en dehors des heures d’envoi (9 h–11 h 30, 13 h 30–15 h 30)"
    assert plain(off_hours()) == hours
    assert plain(moves(opening)) == said.format(hours=hours)


@pytest.mark.parametrize("year", [2020, 2022, 2023, 2024, 2025, 2026])
def test_a_school_year_whose_calendar_was_compared_needs_no_caution(year):
    assert any(row["school_year"] == f"{year}-{year + 1}" for row in ROWS)
    assert calendar_caution(date(year, 8, 16)) == calendar_caution(date(year + 1, 8, 15)) == ""


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2021, 8, 16), "2021-2022 sont calculés"),
        (date(2022, 8, 15), "2021-2022 sont calculés"),
        (date(2027, 8, 16), "2027-2028 sont calculés"),
        (date(2009, 5, 1), "2008-2009 ne sont pas connus"),
        (date(2101, 5, 1), "2100-2101 ne sont pas connus"),
    ],
)
def test_breaks_that_no_published_calendar_confirms_are_said_to_be_computed_or_unknown(day, said):
    assert f"Les congés scolaires de {said}" in calendar_caution(day)


@pytest.mark.deep
def test_a_day_answers_in_less_than_50_microseconds_reading_the_years_included():
    sending_hours._year.cache_clear()
    started = process_time()
    for recipients in (SCHOOLS, COMMUNES):
        for urgent in (True, False):
            closed(TEN_YEARS, recipients, urgent=urgent)
    assert (process_time() - started) / (4 * len(TEN_YEARS)) < 50e-6


@pytest.mark.parametrize("category", ["public", "school"])
def test_the_calendar_of_belgium_alone_says_what_the_library_says_by_its_name(category):
    for year in range(2010, 2101):
        of_library = country_holidays(
            "BE", subdiv="French", years=year, categories=(category,), language="fr", expand=False
        )
        assert [*sending_hours._told(year, category)] == [*of_library], year


def test_the_calendars_of_other_countries_stay_on_the_disk():
    """Each web process would hold 9 MB of them."""
    program = (
        "import sys; from outreach.campaigns.planning import _sending_hours; _sending_hours._year(2026);"
        "print('holidays.countries' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True)
    assert ended.stdout == "False\n"
