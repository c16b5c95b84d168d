"""Today's date in Brussels, and dates parsed from what people write, or found in it.

Accepted forms: 30/06/2021, 2021-06-30, 30 juin 2021, 1er juin 2021, and an Excel serial number such as 44377. In a text
also "vendredi 15 janv. 2027", 15.01.27 and, without a year, "15 janvier", "quinze janvier", 15/01 and "le 9/1". A text
may also name a time from the day that it is sent: "15 jours", "trois semaines".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from outreach.core.text.errors import InputError

BRUSSELS = ZoneInfo("Europe/Brussels")
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
ANSWERS_WITHIN = 5  # working days, after which the service comes back to an answer at the latest
FIRST, LAST = date(2000, 1, 1), date(2100, 1, 1)
EXCEL_ORIGIN = date(1899, 12, 30)  # day 0, chosen so that 1 March 1900 is day 61 as in Excel
NUMERIC = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?: 00:00(?::00)?)?", re.ASCII)
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[t ]00:00(?::00)?)?", re.ASCII)
SPELT = re.compile(r"(\d{1,2})(?:er)? ([a-zûé]+) (\d{4})", re.ASCII)
_MONTH_NAMES = (
    rf"(?:{'|'.join(MONTHS)}|fevrier|aout|decembre)\b"
    r"|(?:janv?|f[ée]vr?|avr|juil|sept|oct|nov|d[ée]c)\b\.?"
)
_BARE = str.maketrans("éû", "eu")  # the accents of months, which many leave out
_SMALL = (
    *("un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize"),
    *("quatorze", "quinze", "seize"),
)
_TEENS = ("dix-sept", "dix-huit", "dix-neuf", "vingt", "vingt-et-un")
_ALL = (*_SMALL, *_TEENS, *(f"vingt-{word}" for word in _SMALL[1:9]), "trente", "trente-et-un")
IN_WORDS = {word: number for number, word in enumerate(_ALL, 1)} | {"une": 1}
_WORDS = "|".join(word.replace("-", r"[\s-]") for word in sorted(_ALL[1:], key=len, reverse=True))
IN_TEXT = re.compile(
    rf"""(?<![\w/.-])
    (?: (?P<weekday>{"|".join(WEEKDAYS)}) ,?\s{{1,3}} )?
    (?: (?P<iso>\d{{4}}-\d\d-\d\d)
      | (?P<word>{_WORDS}) \s{{1,3}} (?P<of>{_MONTH_NAMES}) (?: \s{{1,3}} (?P<since>\d{{4}}) )?
      | (?P<day>1\s?(?:er|ᵉʳ)|premier|0?[1-9]|[12]\d|3[01])
        (?: \s{{1,3}} (?P<name>{_MONTH_NAMES}) (?: \s{{1,3}} (?P<year>\d{{4}}|\d\d(?=[.,;:!?)»]|\Z)) )?
          | (?P<mark>[/.-]) (?P<month>0?[1-9]|1[0-2])
            (?: (?P=mark) (?P<short>\d{{4}}|\d\d) | (?<=\d\d/\d) | (?<=[/.]\d\d)  # 2/3 and 10-12 are no days
              | (?(weekday)|(?<=\b(?:le|au)[ ]\d/\d)) (?!\s{{1,3}}d[e’'u]) )  # but « le 9/1 » and « jeudi 9/1 » are
        )
    ) (?![\w/]|[.-]\d)""",
    re.IGNORECASE | re.VERBOSE,
)
SPAN = re.compile(
    rf"(?<![\w/.,-])(?:(?P<count>\d{{1,3}}|une|un|{_WORDS})\s{{1,3}}(?:prochaine?s\s{{1,3}})?(?P<unit>jours?|semaines?|mois)"
    r"|(?P<about>huitaine|quinzaine))\b(?!\s{1,3}ouvr)",
    re.IGNORECASE,
)
JOINTS = re.compile(r"[\s-]+")  # of a number in words
LOOSELY = {8: 7, 15: 14}  # days: what is said for one week and for two
SERIAL = re.compile(r"\d{5}(?:\.0+)?", re.ASCII)


def today(now: datetime) -> date:
    """The calendar day in Brussels at an instant."""
    return now.astimezone(BRUSSELS).date()


def school_year(now: datetime) -> datetime:
    """The start of the school year, taken as 16 August: precise enough for a count."""
    day = today(now)
    first = date(day.year if day >= date(day.year, 8, 16) else day.year - 1, 8, 16)
    return now.replace(year=first.year, month=first.month, day=first.day, hour=0, minute=0, second=0, microsecond=0)


def parse_day(text: str) -> date:
    """The date a text names, day before month. Raises InputError when it names none, or one outside 2000–2099."""
    if not text.strip():
        raise InputError("Indiquez une date, par exemple 30/06/2021.")
    day = _parsed(text.strip().casefold())
    said = "".join(character for character in text if character.isprintable())[:40]
    if day is None:
        raise InputError(f"« {said} » n’est pas une date : écrivez par exemple 30/06/2021.")
    if not FIRST <= day < LAST:
        raise InputError(f"« {said} » n’est pas entre 2000 et 2099.")
    return day


def _parsed(text: str) -> date | None:
    if SERIAL.fullmatch(text):
        return EXCEL_ORIGIN + timedelta(int(float(text)))
    if match := ISO.fullmatch(text):
        return _day(match[1], match[2], match[3])
    if match := NUMERIC.fullmatch(text):
        return _day(match[3], match[2], match[1])
    if (match := SPELT.fullmatch(text)) and match[2] in MONTHS:
        return _day(match[3], MONTHS.index(match[2]) + 1, match[1])
    return None


def _day(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def evenly_spaced(first: date, last: date, most: int) -> list[date]:
    """Some days from the first to the last, both included, about equally far apart; at most so many."""
    days = max((last - first).days, 0)
    count = min(most, days + 1)
    return [last - timedelta(days * step // max(count - 1, 1)) for step in range(count)]


@dataclass(frozen=True, slots=True)
class WrittenDay:
    """A day as a text has it, from `start` to `end`: without a year it is that of any, and it may not exist."""

    start: int
    end: int
    day: int
    month: int
    year: int | None
    weekday: str = ""

    def from_(self, first: date) -> date | None:
        """The day that is meant in a text of `first`: without a year, the first one from then on."""
        if self.year is not None:
            return _day(str(self.year), self.month, str(self.day))
        found = (_day(str(first.year + later), self.month, str(self.day)) for later in range(9))  # 29 February is rare
        return next((day for day in found if day and day >= first), None)


@dataclass(frozen=True, slots=True)
class WrittenSpan:
    """A length of time as a text has it, from `start` to `end`, in days or in months."""

    start: int
    end: int
    days: int = 0
    months: int = 0

    def after(self, first: date) -> list[date]:
        """The days that are meant once it has passed from a day on, the one that is said first: « huit jours » are
        a week, too."""
        if self.months:
            year, month = divmod(first.year * 12 + first.month - 1 + self.months, 12)
            found = (_day(str(year), month + 1, str(day)) for day in range(first.day, first.day - 4, -1))
            return [next(day for day in found if day)]
        return [first + timedelta(days) for days in (self.days, LOOSELY.get(self.days, self.days))]


def spans_in(text: str) -> Iterator[WrittenSpan]:
    """Every time that a text names by a count of days, weeks or months, but of working days; by its length, too."""
    for found in SPAN.finditer(text):
        if found["about"]:
            yield WrittenSpan(found.start(), found.end(), 8 if found["about"].casefold() == "huitaine" else 15)
            continue
        count, unit = _count(found["count"]), found["unit"].casefold()
        days, months = (0, count) if unit == "mois" else (count * (7 if unit.startswith("s") else 1), 0)
        yield WrittenSpan(found.start(), found.end(), days, months)


def _count(said: str) -> int:
    """A number in digits or in words."""
    return int(said) if said.isdecimal() else IN_WORDS[JOINTS.sub("-", said.casefold())]


def written_in(text: str) -> Iterator[WrittenDay]:
    """Every day that a text names, in its order; in time by its length."""
    for found in IN_TEXT.finditer(text):
        year: int | None
        if found["iso"]:
            year, month, day = map(int, found["iso"].split("-"))
        elif found["word"]:
            year, month, day = int(found["since"] or 0) or None, _month(found["of"]), _count(found["word"])
        else:
            digits = "".join(filter(str.isdecimal, found["day"])) or "1"
            of = found["year"] or found["short"]
            day, month = int(digits), int(found["month"] or _month(found["name"]))
            year = None if of is None else int(of) + (2000 if len(of) == 2 else 0)
        yield WrittenDay(found.start(), found.end(), day, month, year, (found["weekday"] or "").casefold())


def _month(name: str) -> int:
    bare = name.casefold().rstrip(".").translate(_BARE)
    return next(number for number, month in enumerate(MONTHS, 1) if month.translate(_BARE).startswith(bare))
