"""When letters may leave: hours, school breaks and holidays of the French Community. Pure: no database, no clock.

Public holidays and school breaks are those of the package holidays, which rests on the calendars of enseignement.be and
the decree of 31 March 2022; `caution` tells the years that we did not compare with a published calendar ourselves. The
hours, the summer and the quiet weeks around it are this product's own rule.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import takewhile

from holidays import country_holidays

from outreach.french import WITH_WEEKDAY, spelt_day, spelt_hour, typeset

WINDOWS = ((time(9), time(11, 30)), (time(13, 30), time(15, 30)))
IDLE = {0: "lundi", 4: "vendredi", 5: "samedi", 6: "dimanche"}
FARTHEST_DAYS = 120
CHECKED = {2020, 2022, 2023, 2024, 2025, 2026}  # first years of the school years that tests compare with sources
OFFICIAL = {"vacances d’automne": "congé d’automne", "vacances de carnaval": "congé de détente"}
SUMMER = "vacances d’été"
DAY = timedelta(days=1)


class Audiences(StrEnum):
    """Who receives: those who live by the school year, and those who work through its breaks."""

    SCHOOL_SIDE = "school_side"
    ADMINISTRATION = "administration"

    @property
    def label(self) -> str:
        """The kind's name in the interface."""
        return _LABELS[self]


_LABELS = {
    Audiences.SCHOOL_SIDE: "pouvoirs organisateurs du libre et WBE",
    Audiences.ADMINISTRATION: "communes, provinces et COCOF",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """The wall time in Brussels that was asked, the one that letters may leave at, and why they differ, or ''."""

    asked: datetime
    wall: datetime
    why: str = ""

    @property
    def moved(self) -> bool:
        """Whether letters leave later than was asked."""
        return self.wall != self.asked


class Spares(StrEnum):
    """To whom letters leave all the same on a day that a calendar calls closed."""

    NOBODY = ""
    ADMINISTRATIONS = "administrations"
    URGENT = "urgent"

    @property
    def label(self) -> str:
        """The exception in the interface, or ''."""
        return _SPARED[self]


_SPARED = {
    Spares.NOBODY: "",
    Spares.ADMINISTRATIONS: "sauf vers les communes, les provinces et la COCOF",
    Spares.URGENT: "sauf vers les communes, les provinces et la COCOF, et sauf les courriels rouges ou bleus",
}


@dataclass(frozen=True, slots=True)
class Closing:
    """What closes a day, by its name, and whom it spares."""

    name: str
    spares: Spares


@dataclass(frozen=True, slots=True)
class _Year:
    """What a calendar year closes, the first day of its hard summer, the Sunday that ends the second week of term.

    27 September is among the public holidays: the service that a letter names for questions is away.
    """

    public: dict[date, str]
    school: dict[date, str]
    summer: date
    settled: date


def closure(day: date, recipients: Collection[Audiences], *, urgent: bool) -> str:
    """What closes a day, in French, or '' when letters may leave; closed for one recipient is closed for all.

    Urgent letters (red and blue) leave in the quiet weeks too: from 17 June to the summer, and from 16 August to the
    end of the second week of term. Administrations work in school breaks and quiet weeks. Without recipients, schools
    are meant.
    """
    year = _year(day.year)
    if year.summer <= day <= date(day.year, 8, 15):
        return SUMMER
    school = "" if set(recipients) == {Audiences.ADMINISTRATION} else _school(day, year, urgent=urgent)
    return school or year.public.get(day, "") or _idle(day)


def closing(day: date) -> Closing | None:
    """What a calendar on the wall says of a day, and whom it spares; None for a day that only the week closes."""
    for spares, recipients, urgent in (
        (Spares.NOBODY, Audiences.ADMINISTRATION, True),
        (Spares.ADMINISTRATIONS, Audiences.SCHOOL_SIDE, True),
        (Spares.URGENT, Audiences.SCHOOL_SIDE, False),
    ):
        name = closure(day, [recipients], urgent=urgent)
        if name and name != _idle(day):
            return Closing(name, spares)
    return None


def next_open(wall: datetime, recipients: Collection[Audiences], *, urgent: bool) -> Opening:
    """The first time from a wall time in Brussels (without zone) on at which letters may leave, and what moved it.

    It is found within 120 days. On another day the hour stays when letters leave at that hour, else the day's first
    window is taken. What is said is what closes the time asked, then whatever closes a Tuesday, Wednesday or Thursday
    on the way.
    """

    def shut(day: date) -> str:
        return closure(day, recipients, urgent=urgent)

    asked, hour = wall.date(), wall.time()
    closed, later = shut(asked), _from(hour)
    if not closed and later:
        return Opening(wall, datetime.combine(asked, later), "" if later == hour else off_hours())
    passed = list(takewhile(shut, (asked + DAY * number for number in range(1, FARTHEST_DAYS))))
    whys = [closed or off_hours(), *(shut(day) for day in passed if day.weekday() not in IDLE)]
    if later != hour:
        whys.append(off_hours())
    found = datetime.combine(asked + DAY * (len(passed) + 1), hour if later == hour else WINDOWS[0][0])
    return Opening(wall, found, ", ".join(dict.fromkeys(whys)))


def moves(opening: Opening) -> str:
    """A move as people read it, or '' when there is none.

    "déplacée du jeudi 13 mai 2021 au mardi 18 mai 2021 à 9 h 30 : Ascension".
    """
    if not opening.moved:
        return ""
    asked, wall = opening.asked, opening.wall
    day, hour = spelt_day(wall, WITH_WEEKDAY), spelt_hour(wall)
    if asked.date() == wall.date():
        return typeset(f"déplacée de {spelt_hour(asked)} à {hour} le {day} : {opening.why}")
    at = f" à {spelt_hour(asked)}" if asked.time() != wall.time() else ""
    return typeset(f"déplacée du {spelt_day(asked, WITH_WEEKDAY)}{at} au {day} à {hour} : {opening.why}")


def caution(day: date) -> str:
    """What to say of the breaks of a day's school year, or '' when they have been compared with a published calendar.

    The library knows breaks from 2010 to 2100. Public holidays, the summer and the hours need no caution.
    """
    first = day.year if (day.month, day.day) > (8, 15) else day.year - 1
    if first in CHECKED:
        return ""
    breaks = f"Les congés scolaires de {first}-{first + 1}"
    if not _year(day.year).school:
        return f"{breaks} ne sont pas connus : seuls comptent les jours fériés et l’été."
    return f"{breaks} sont calculés, sans avoir été comparés au calendrier publié."


def off_hours() -> str:
    """What is said of an hour at which letters never leave."""
    windows = ", ".join(f"{spelt_hour(start)}–{spelt_hour(end)}" for start, end in WINDOWS)
    return f"en dehors des heures d’envoi ({windows})"


def _from(hour: time) -> time | None:
    """The hour itself when letters leave then (a window's end is no more in it), else the day's next window."""
    return next((max(hour, start) for start, end in WINDOWS if hour < end), None)


def _school(day: date, year: _Year, *, urgent: bool) -> str:
    named = year.school.get(day, "")
    if date(day.year, 6, 17) <= day < year.summer:
        return "" if urgent else named or "fin d’année scolaire"
    if date(day.year, 8, 15) < day <= year.settled:
        return "" if urgent else named or "rentrée scolaire"
    return named


def _idle(day: date) -> str:
    return f"jour sans envoi ({IDLE[day.weekday()]})" if day.weekday() in IDLE else ""


@lru_cache(maxsize=128)
def _year(year: int) -> _Year:
    school, july = _told(year, "school"), date(year, 7, 1)
    term = _term(year, school)
    return _Year(
        public=_told(year, "public") | {date(year, 9, 27): "fête de la Communauté française"},
        school=school,
        summer=july + DAY * ((5 - july.weekday()) % 7),
        settled=term - DAY * term.weekday() + DAY * 13,
    )


def _told(year: int, category: str) -> dict[date, str]:
    """A day that has several names gets the last, which the library orders by alphabet: the break's."""
    told = country_holidays("BE", subdiv="French", years=year, categories=(category,), language="fr", expand=False)
    return {day: _named(names.split("; ")[-1]) for day, names in told.items()}


def _named(name: str) -> str:
    """As written within a sentence, by the names of the school calendar: "Ascension", "congé d’automne"."""
    name = name.replace("'", "’")
    name = name[0].lower() + name[1:] if " " in name else name
    return OFFICIAL.get(name, name)


def _term(year: int, school: dict[date, str]) -> date:
    """The first weekday after the summer; 1 September where breaks are not known."""
    if not school:
        return date(year, 9, 1)
    days = (date(year, 8, 16) + DAY * number for number in range(31))
    return next(day for day in days if day not in school and day.weekday() < 5)
