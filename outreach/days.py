"""Today's date in Brussels, and dates parsed from what people write.

Accepted forms: 30/06/2021, 2021-06-30, 30 juin 2021, 1er juin 2021, and an Excel serial number such as 44377.
"""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from outreach.errors import InputError

BRUSSELS = ZoneInfo("Europe/Brussels")
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
ANSWERS_WITHIN = 5  # working days, after which the service comes back to an answer at the latest
FIRST, LAST = date(2000, 1, 1), date(2100, 1, 1)
EXCEL_ORIGIN = date(1899, 12, 30)  # day 0, chosen so that 1 March 1900 is day 61 as in Excel
NUMERIC = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?: 00:00(?::00)?)?", re.ASCII)
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[t ]00:00(?::00)?)?", re.ASCII)
SPELT = re.compile(r"(\d{1,2})(?:er)? ([a-zûé]+) (\d{4})", re.ASCII)
SERIAL = re.compile(r"\d{5}(?:\.0+)?", re.ASCII)


def today(now: datetime) -> date:
    """The calendar day in Brussels at an instant."""
    return now.astimezone(BRUSSELS).date()


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
