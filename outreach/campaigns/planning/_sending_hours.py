"""When letters may leave: hours, school breaks and public holidays of the French Community. Pure.

The functions are pure: they use no database and no clock. Public holidays and school breaks come from the package
`holidays`, which rests on the calendars of enseignement.be and the decree of 31 March 2022. `calendar_caution` warns
about the school years that we did not compare with a published calendar ourselves. The hours, the summer and the
quiet weeks around it are this product's own rule. What people have added (`schedule.closures`) is handed in.
"""

import importlib.util
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import holidays

from outreach.core.text.dates import BRUSSELS, FIRST, LAST, today
from outreach.core.text.errors import InputError
from outreach.core.text.french import WITH_WEEKDAY, spelt_day, spelt_hour, typeset
from outreach.core.text.labelled import Labelled
from outreach.directory.reference import PUBLIC_BODIES

FARTHEST = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class BrusselsMoment:
    """An instant, and a note in French when its local time is skipped or repeated, or ''."""

    at: datetime
    note: str = ""


def moment_of(wall: datetime) -> BrusselsMoment:
    """The instant at which a clock in Brussels shows this local time (without zone).

    A time that the spring change skips becomes an hour later. For a time that the autumn change repeats, it is the
    first of the two. Both add a note.
    """
    first = wall.replace(tzinfo=BRUSSELS, fold=0)
    at = first.astimezone(UTC)
    shown = at.astimezone(BRUSSELS).replace(tzinfo=None)
    if shown != wall:
        return BrusselsMoment(
            at, f"{wall:%d/%m/%Y} : {wall:%H h %M} n’existe pas (heure d’été), ce sera {shown:%H h %M}."
        )
    if wall.replace(tzinfo=BRUSSELS, fold=1).utcoffset() != first.utcoffset():
        return BrusselsMoment(
            at, f"{wall:%d/%m/%Y} : {wall:%H h %M} existe deux fois (heure d’hiver), c’est la première."
        )
    return BrusselsMoment(at)


def read_moment(text: str) -> BrusselsMoment:
    """Reads a local date and time in Brussels, as an operator writes it: 2021-05-18 09:30.

    Raises InputError when the text has another form, or its date is outside this century.
    """
    try:
        wall = datetime.strptime(text.strip().replace("T", " "), "%Y-%m-%d %H:%M")  # noqa: DTZ007 - a local time
    except ValueError:
        raise InputError(f"« {text[:40]} » n’est pas un moment : écrivez 2021-05-18 09:30.") from None
    if not FIRST <= wall.date() < LAST:
        raise InputError(f"« {text[:40]} » n’est pas entre 2000 et 2099.")
    return moment_of(wall)


def read_past(text: str, *, now: datetime) -> datetime:
    """The past instant that a text names: 2021-05-12 14:00 in Brussels, the end of the day 2021-05-12, or an instant as
    JSON has it. Of today without an hour, it is now.

    Raises InputError when the text has another form, or its instant is still to come.
    """
    stated = "".join(character for character in text if character.isprintable()).strip()
    at = _instant(stated) or _end_of_day(stated, now) or read_moment(stated).at
    if at > now:
        raise InputError("Ce moment est dans l’avenir : on ne sait pas encore ce qui sera connu.")
    return at


def end_of(day: date) -> datetime:
    """The last instant of a day in Brussels."""
    return moment_of(datetime.combine(day, time.max)).at


def known_until(day: date, known_at: datetime | None) -> datetime:
    """The moment until which a situation of a day counts: its end, or the earlier moment whose knowledge is shown."""
    ends = end_of(day)
    return min(ends, known_at) if known_at else ends


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo and FIRST <= at.date() < LAST else None


def _end_of_day(text: str, now: datetime) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if not FIRST <= day < LAST:
        raise InputError(f"« {text[:40]} » n’est pas entre 2000 et 2099.")
    return now if day == today(now) else end_of(day)


def spelt_moment(at: datetime) -> str:
    """An instant in French words, in Brussels time: "18 mai 2021 à 9 h 30"."""
    local = at.astimezone(BRUSSELS)
    return f"{spelt_day(local.date())} à {spelt_hour(local)}"


def refuse_far_away(at: datetime, now: datetime) -> None:
    """Raises InputError when the instant of a sending is past, or more than two years (730 days) ahead."""
    if at < now:
        raise InputError("Ce moment est passé : choisissez une date à venir.")
    if at - now > FARTHEST:
        raise InputError("Ce moment est à plus de deux ans : choisissez une date plus proche.")


WINDOWS = ((time(9), time(11, 30)), (time(13, 30), time(15, 30)))
IDLE = {0: "lundi", 4: "vendredi", 5: "samedi", 6: "dimanche"}
SATURDAY = 5
FARTHEST_DAYS = 1096
CHECKED = {
    2020,
    2022,
    2023,
    2024,
    2025,
    2026,
}  # the years in which a school year starts that tests compare with sources
OFFICIAL = {"vacances d’automne": "congé d’automne", "vacances de carnaval": "congé de détente"}
SUMMER = "vacances d’été"
DAY = timedelta(days=1)


class Audiences(StrEnum):
    """The kinds of recipients: those closed in school breaks, and administrations, which work in them."""

    SCHOOL_SIDE = "school_side"
    ADMINISTRATION = "administration"


@dataclass(frozen=True, slots=True)
class Opening:
    """The requested local time in Brussels, the open one, `wall`, and why they differ, in French, or ''."""

    requested: datetime
    wall: datetime
    why: str = ""

    @property
    def moved(self) -> bool:
        """Whether letters leave later than requested."""
        return self.wall != self.requested


class Spares(Labelled):
    """The letters that may leave on a closed day: none, those to administrations, or also urgent letters."""

    NOBODY = "", "", "rien"
    ADMINISTRATIONS = "administrations", f"sauf vers {PUBLIC_BODIES}", f"ce qui va vers {PUBLIC_BODIES}"
    URGENT = (
        "urgent",
        f"sauf vers {PUBLIC_BODIES}, et sauf les courriels rouges ou bleus",
        f"ce qui va vers {PUBLIC_BODIES}, et les courriels rouges ou bleus",
    )

    @property
    def leaves(self) -> str:
        """What leaves all the same, in French."""
        return self.words


class ClosedPart(Labelled):
    """What an added closure closes of each of its days: all of it, or one of the two windows."""

    DAY = "day", "toute la journée"
    MORNING = "morning", "le matin"
    AFTERNOON = "afternoon", "l’après-midi"


_WINDOW_OF = {ClosedPart.MORNING: WINDOWS[0], ClosedPart.AFTERNOON: WINDOWS[1]}


@dataclass(frozen=True, slots=True)
class AddedClosure:
    """Days that people closed, from `first` to `last`, both included: why, which part of each, and whom they spare."""

    first: date
    last: date
    part: ClosedPart
    spares: Spares
    name: str

    def concerns(self, day: date, recipients: Collection[Audiences], *, urgent: bool) -> bool:
        """Whether it closes a day, or a part of it, to these recipients. No recipients count as schools."""
        if not self.first <= day <= self.last:
            return False
        if self.spares is not Spares.NOBODY and set(recipients) == {Audiences.ADMINISTRATION}:
            return False
        return not (self.spares is Spares.URGENT and urgent)

    def covers(self, hour: time) -> bool:
        """Whether it closes this hour of each of its days: a closed window reaches to the other one."""
        if self.part is ClosedPart.DAY:
            return True
        return (hour < WINDOWS[1][0]) == (self.part is ClosedPart.MORNING)


@dataclass(frozen=True, slots=True)
class Closing:
    """The name of what closes a day, in French, and the letters that may leave all the same."""

    name: str
    spares: Spares


@dataclass(frozen=True, slots=True)
class _Year:
    """The closed days of a calendar year, with their names.

    From `summer` to 15 August no letter leaves at all. `settled` is the Sunday that ends the second week of
    term. 27 September is among the public holidays, as the service that a letter names for questions is away.
    """

    public: dict[date, str]
    school: dict[date, str]
    summer: date
    settled: date


def closing_reason(
    day: date, recipients: Collection[Audiences], *, urgent: bool, added: Collection[AddedClosure] = ()
) -> str:
    """What closes a day, in French, or '' when letters may leave. A day closed to some recipients is closed to all.

    Urgent letters (red and blue) also leave in the quiet weeks: from 17 June to the summer, and from 16 August to the
    end of the second week of term. Administrations work in school breaks and quiet weeks. No recipients count as
    schools. A day whose two windows are closed by `added` closures is closed as well.
    """
    year = _year(day.year)
    if year.summer <= day <= date(day.year, 8, 15):
        return SUMMER
    school = "" if set(recipients) == {Audiences.ADMINISTRATION} else _school(day, year, urgent=urgent)
    theirs = [one for one in added if one.concerns(day, recipients, urgent=urgent)]
    return school or year.public.get(day, "") or _closed_by(theirs) or _idle(day)


def closed_office(day: date, recipients: Collection[Audiences], added: Collection[AddedClosure] = ()) -> str:
    """What closes the recipients' offices on a day, in French, or '' on a day on which they can answer.

    Weekends, public holidays, the summer, school breaks for those that have them, and `added` closures; not the days of
    the week and the quiet weeks without sending.
    """
    if day.weekday() >= SATURDAY:
        return "week-end"
    closed = closing_reason(day, recipients, urgent=True, added=added)
    return "" if closed == _idle(day) else closed


def working_day(day: date, recipients: Collection[Audiences], added: Collection[AddedClosure] = ()) -> tuple[date, str]:
    """The first day from a day on on which the recipients' offices are open, and what closes those passed over.

    The reasons are in French, each once, or ''. The search covers three years, more than a closure may last.
    """
    days = (day + DAY * number for number in range(FARTHEST_DAYS))
    whys = list(takewhile(bool, (closed_office(each, recipients, added) for each in days)))
    return day + DAY * len(whys), ", ".join(dict.fromkeys(whys))


def closing(day: date, added: Collection[AddedClosure] = ()) -> Closing | None:
    """What closes a day to all or some letters; None for an open day, or one closed only by its day of the week.

    Where only a window of the day is closed, the name says which.
    """
    for spares, recipients, urgent in (
        (Spares.NOBODY, Audiences.ADMINISTRATION, True),
        (Spares.ADMINISTRATIONS, Audiences.SCHOOL_SIDE, True),
        (Spares.URGENT, Audiences.SCHOOL_SIDE, False),
    ):
        name = closing_reason(day, [recipients], urgent=urgent, added=added)
        if name and name != _idle(day):
            return Closing(name, spares)
    parts = [one for one in added if one.first <= day <= one.last and one.part is not ClosedPart.DAY]
    if not parts or _idle(day):
        return None
    return Closing(", ".join(f"{one.name} ({one.part.label})" for one in parts), parts[0].spares)


def next_open(
    wall: datetime, recipients: Collection[Audiences], *, urgent: bool, added: Collection[AddedClosure] = ()
) -> Opening:
    """The first open time from a local time in Brussels (without zone) on, and why it differs from that time.

    The search covers three years, more than a sending may lie ahead. On a later day the requested hour is kept if it
    lies in an open window; else the day's first open window is used. The reasons are what closes the requested time,
    then what closes each Tuesday, Wednesday or Thursday passed over.
    """

    def shut(day: date) -> str:
        return closing_reason(day, recipients, urgent=urgent, added=added)

    def parts(day: date) -> list[AddedClosure]:
        return [one for one in added if one.part in _WINDOW_OF and one.concerns(day, recipients, urgent=urgent)]

    asked, hour = wall.date(), wall.time()
    closed, later = shut(asked), _from(hour, _open_windows(parts(asked)))
    if not closed and later:
        return Opening(wall, datetime.combine(asked, later), "" if later == hour else _off(hour, parts(asked)))
    passed = list(takewhile(shut, (asked + DAY * number for number in range(1, FARTHEST_DAYS))))
    whys = [closed or _off(hour, parts(asked)), *(shut(day) for day in passed if day.weekday() not in IDLE)]
    found = asked + DAY * (len(passed) + 1)
    windows = _open_windows(parts(found))
    is_kept = _from(hour, windows) == hour
    if not is_kept:
        whys.append(_off(hour, parts(found)))
    first_open = datetime.combine(found, hour if is_kept else windows[0][0])
    return Opening(wall, first_open, ", ".join(dict.fromkeys(whys)))


def moves(opening: Opening) -> str:
    """A move as a clause in French, or '' when there is none.

    "déplacée du jeudi 13 mai 2021 au mardi 18 mai 2021 à 9 h 30 : Ascension".
    """
    if not opening.moved:
        return ""
    asked, wall = opening.requested, opening.wall
    day, hour = spelt_day(wall, WITH_WEEKDAY), spelt_hour(wall)
    if asked.date() == wall.date():
        return typeset(f"déplacée de {spelt_hour(asked)} à {hour} le {day} : {opening.why}")
    at = f" à {spelt_hour(asked)}" if asked.time() != wall.time() else ""
    return typeset(f"déplacée du {spelt_day(asked, WITH_WEEKDAY)}{at} au {day} à {hour} : {opening.why}")


def calendar_caution(day: date) -> str:
    """A French warning about the breaks of a day's school year, or '' for a year compared with a published calendar.

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
    """The reason given for an hour at which letters never leave, in French."""
    windows = ", ".join(f"{spelt_hour(start)}–{spelt_hour(end)}" for start, end in WINDOWS)
    return f"en dehors des heures d’envoi ({windows})"


def _from(hour: time, windows: Sequence[tuple[time, time]]) -> time | None:
    """The hour itself if it is in a window (whose end is excluded), else the start of the day's next one, or None."""
    return next((max(hour, start) for start, end in windows if hour < end), None)


def _open_windows(parts: Collection[AddedClosure]) -> Sequence[tuple[time, time]]:
    """The windows of a day that these closures leave open; both, where the day should have been passed over."""
    closed = [_WINDOW_OF[one.part] for one in parts]
    return [window for window in WINDOWS if window not in closed] or WINDOWS


def _off(hour: time, parts: Collection[AddedClosure]) -> str:
    """Why letters do not leave at an hour of an open day: the closures of its window, or else the hours themselves."""
    is_within = _from(hour, WINDOWS) == hour
    names = [one.name for one in parts if is_within and one.covers(hour)]
    return ", ".join(dict.fromkeys(names)) or off_hours()


def _closed_by(added: Collection[AddedClosure]) -> str:
    """The closure that closes a whole day, or those that close both its windows, in French; else ''."""
    whole = next((one.name for one in added if one.part is ClosedPart.DAY), "")
    if whole or {one.part for one in added} < {ClosedPart.MORNING, ClosedPart.AFTERNOON}:
        return whole
    return ", ".join(dict.fromkeys(one.name for one in added))


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
    """The closed days of a category, with their names.

    The library sorts the names of a day by alphabet. The last is used: it is the name of the school break.
    """
    told = _belgium()(subdiv="French", years=year, categories=(category,), language="fr", expand=False)
    return {day: _named(names.split("; ")[-1]) for day, names in told.items()}


@lru_cache(maxsize=1)
def _belgium() -> Callable[..., Mapping[date, str]]:
    """The library's calendar of Belgium, read from its file: by its name it brings those of all countries, 9 MB."""
    file = Path(holidays.__file__).parent / "countries" / "belgium.py"
    spec = importlib.util.spec_from_file_location("outreach_calendar_of_belgium", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"no calendar at {file}")
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Belgium  # type: ignore[no-any-return]


def _named(name: str) -> str:
    """A name as the school calendar has it, for use within a sentence: "Ascension", "congé d’automne"."""
    name = name.replace("'", "’")
    name = name[0].lower() + name[1:] if " " in name else name
    return OFFICIAL.get(name, name)


def _term(year: int, school: dict[date, str]) -> date:
    """The first day of term: the first weekday after the summer, or 1 September when breaks are not known."""
    if not school:
        return date(year, 9, 1)
    days = (date(year, 8, 16) + DAY * number for number in range(31))
    return next(day for day in days if day not in school and day.weekday() < 5)
