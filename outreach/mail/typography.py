"""French as a Belgian administration sets it: no-break spaces, days and hours in words.

Babel's fr_BE gives neither "1er" nor "14 h 30".
"""

import re
from datetime import date, datetime, time
from functools import lru_cache

from babel.dates import format_date

WIDE, NARROW = "\u00a0", "\u202f"
LOCALE = "fr_BE"
WITH_WEEKDAY = "EEEE d MMMM y"


def typeset(text: str) -> str:
    """Put no-break spaces where French wants them: before `: ; ! ?`, inside « », between a number and its % or €."""
    text = re.sub(r" (?=[:»])|(?<=«) |(?<=\d) (?=[%€])", WIDE, text)
    return re.sub(r" (?=[;!?])", NARROW, text)


@lru_cache(maxsize=256)
def spelt_day(day: date, pattern: str = "d MMMM y") -> str:
    """A day in words: "1er juin 2021"."""
    spelt: str = format_date(day, pattern, locale=LOCALE)
    return spelt.replace("1 ", f"1er{WIDE}", 1) if day.day == 1 else spelt


def spelt_hour(at: time | datetime) -> str:
    """The hour a clock shows: "13 h 30", "9 h"."""
    return f"{at.hour}{WIDE}h{WIDE}{at.minute:02}" if at.minute else f"{at.hour}{WIDE}h"
