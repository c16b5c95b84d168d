"""French as a Belgian administration writes it: no-break spaces, plurals, numbers, days, hours.

Babel would take 6 MB of each process for names of months and a comma, and gives neither "1er" nor "14 h 30".
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache

from outreach.core.text import dates
from outreach.core.text.dates import BRUSSELS, MONTHS, WEEKDAYS

WIDE, NARROW = "\u00a0", "\u202f"
WIDE_SPACE = re.compile(r" (?=[:»])|(?<=«) |(?<=\d) (?=[%€])")
IN_FRENCH = str.maketrans(",.", f"{NARROW},")  # of a number as Python writes it
NARROW_SPACE = re.compile(r" (?=[;!?])")
QUOTED = re.compile(r"«([^«»]*)»")
SPELT_DATE = re.compile(rf"\b(\d{{1,2}}(?:er)?)[ \u00a0]({'|'.join(MONTHS)})(?: (\d{{4}})\b)?")
FASE_SPACE = re.compile(r"(?<=\bFASE) (?=[\d\ue000-\uf8ff])")
THOUSANDS = re.compile(r"\b(\d{1,3}) (?=\d{3}\b)")
IN_NUMBERS = re.compile(r"\(0\)|[\s./()-]")
NATIONAL = re.compile(r"(?:\+|00)(\d{6,15})|0(\d{8,9})")
BREAKS = {  # where long words of headings break
    "sollicitée": "solli\u00adcitée",
    "connaissance": "connais\u00adsance",
    "préparation": "prépa\u00adration",
    "concernées": "concer\u00adnées",
}
SHORT_MONTHS = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
WHOLE, WITH_WEEKDAY = "{day}{month} {year}", "{weekday} {day}{month} {year}"  # of a day, for `spelt_day`
OF_YEAR, SHORT = "{day}{month}", "{day}{short}"


def typeset(text: str) -> str:
    """Put no-break spaces where French wants them: before `: ; ! ?`, inside « », between a number and its % or €."""
    return NARROW_SPACE.sub(NARROW, WIDE_SPACE.sub(WIDE, text))


def within_quotes(text: str) -> str:
    """The same text with “ ” for its « », as it stands between « » itself."""
    return QUOTED.sub(lambda quoted: f"“{quoted[1].strip()}”", text)


def unbroken(text: str) -> str:
    """Put no-break spaces inside dates in words: "19 décembre 2026", "1er juin"."""
    return SPELT_DATE.sub(lambda date: WIDE.join(filter(None, date.groups())), text)


def typeset_letter(text: str) -> str:
    """`typeset`, and no-break spaces inside dates and numbers, and between FASE and its number.

    A private-use character after FASE counts as a digit, as it stands for a value.
    """
    return unbroken(THOUSANDS.sub(rf"\1{NARROW}", FASE_SPACE.sub(WIDE, typeset(text))))


def international(phone: str) -> str:
    """A telephone number as `tel:` links write it: "02 690 81 23" → "+3226908123"; '' where it is not one number."""
    number = NATIONAL.fullmatch(IN_NUMBERS.sub("", phone))
    if number is None:
        return ""
    return f"+{number[1]}" if number[1] else f"+32{number[2]}"


@lru_cache(maxsize=256)
def spelt_day(day: date, pattern: str = WHOLE) -> str:
    """A day in words: "1er juin 2021"."""
    return pattern.format(
        weekday=WEEKDAYS[day.weekday()],
        day=f"{day.day} " if day.day > 1 else f"1er{WIDE}",
        month=MONTHS[day.month - 1],
        short=SHORT_MONTHS[day.month - 1],
        year=day.year,
    )


def spelt_hour(at: time | datetime) -> str:
    """The hour a clock shows: "13 h 30", "9 h"."""
    return f"{at.hour}{WIDE}h{WIDE}{at.minute:02}" if at.minute else f"{at.hour}{WIDE}h"


def wave(reminder: int, departure: int | None = None) -> str:
    """A sending of a campaign in a sentence: "première vague" for 0, "relance 2" for 2.

    Of a departure drawn by lot: "première vague du départ 3", "relance 2 du départ 3".
    """
    name = f"relance {reminder}" if reminder else "première vague"
    return name if departure is None else f"{name} du départ {departure}"


def number(value: int | float) -> str:
    """1234 → "1 234", with a narrow no-break space."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", NARROW)
    return f"{Decimal(str(value)):,.3f}".rstrip("0").rstrip(".").translate(IN_FRENCH)


def decimal(value: float, digits: int) -> str:
    """A number with so many digits behind its comma: 7.39, 1 → "7,4"."""
    return f"{Decimal(str(value)):.{digits}f}".translate(IN_FRENCH)


def percent(share: float) -> str:
    """0.0739 → "7,4 %"."""
    return f"{decimal(share * 100, 1)}{WIDE}%"


def part(count: int, whole: int) -> str:
    """A count beside the whole, on one line: "57 sur 247 = 23 %", or "0 sur 0" where there is none."""
    words = f"{number(count)}{WIDE}sur{WIDE}{number(whole)}"
    return f"{words}{WIDE}={WIDE}{whole_percent(count, whole)}" if whole else words


def whole_percent(count: int, whole: int) -> str:
    """A share in whole percents: "23 %"; "moins de 1 %" and "plus de 99 %" for what is not nothing and not all."""
    share = 100 * count / whole if whole else 0
    if 0 < share < 1:
        return f"moins{WIDE}de{WIDE}1{WIDE}%"
    if 99 < share < 100:
        return f"plus{WIDE}de{WIDE}99{WIDE}%"
    return f"{round(share)}{WIDE}%"


def day(value: date | datetime) -> str:
    """A date in words: "1er juin 2021"."""
    return spelt_day(_local_day(value))


def month(value: date) -> str:
    """A month in words: "juin 2021"."""
    return f"{MONTHS[value.month - 1]} {value.year}"


def short_month(value: date) -> str:
    """A month for an axis: "mai 2021", "nov. 2026"."""
    return f"{SHORT_MONTHS[value.month - 1]} {value.year}"


def short_day(value: date) -> str:
    """A date for an axis: "15/5/21"."""
    return f"{value.day}/{value.month}/{value:%y}"


def weekday(value: date | datetime) -> str:
    """A date in words with its day: "mardi 1er juin 2021"."""
    return spelt_day(_local_day(value), WITH_WEEKDAY)


def weekdayname(value: date) -> str:
    """The day of the week of a date: "mardi"."""
    return WEEKDAYS[value.weekday()]


def near_day(value: date, today: date) -> str:
    """A day as colleagues say it: "aujourd’hui", "demain", "lundi" within a week, else "le 1er juin 2021"."""
    away = (value - today).days
    if away in {0, 1}:
        return ("aujourd’hui", "demain")[away]
    return weekdayname(value) if 1 < away < 7 else f"le {day(value)}"


def hour(value: datetime) -> str:
    """The time in Brussels: "14 h 30", "9 h"."""
    return spelt_hour(value.astimezone(BRUSSELS))


def moment(value: datetime) -> str:
    """Date and time in Brussels: "1er juin 2021 à 14 h 30"."""
    return f"{day(value)} à {hour(value)}"


def ago(seconds: float) -> str:
    """How long ago: 12 s, 3 min, 2 h, 5 jours."""
    for size, unit in ((86400, "jours"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{number(count)} {unit if count > 1 or unit != 'jours' else 'jour'}"
    return f"{max(int(seconds), 0)} s"


def size(octets: int) -> str:
    """A size in bytes as a person reads it: "3,4 Mo", "80,1 Go"; what is smaller than a tenth is "0,1 Mo"."""
    unit, name = (1_000_000_000, "Go") if octets >= 1_000_000_000 else (1_000_000, "Mo")
    return f"{number(max(round(octets / unit, 1), 0.1))}\u202f{name}"


def company_number(value: str | None) -> str:
    """0206582284 → "0206.582.284"."""
    return f"{value[:4]}.{value[4:7]}.{value[7:]}" if value else ""


def plural(count: int, singular: str, several: str = "") -> str:
    """The count with its noun: "1 école", "2 écoles"; French counts 0 as singular."""
    return f"{number(count)}{WIDE}{singular if count < 2 else several or singular + 's'}"


def all_of(words: Sequence[str]) -> str:
    """Words joined as in "a, b et c"; "" for none."""
    *first, last = words or ("",)
    return f"{', '.join(first)} et {last}" if first else last


def either(words: Iterable[str]) -> str:
    """Words joined as in "a, b ou c"."""
    *first, last = words
    return f"{', '.join(first)} ou {last}" if first else last


def hyphenated(heading: str) -> str:
    """A heading whose long words a narrow column may break where French does."""
    for word, broken in BREAKS.items():
        heading = heading.replace(word, broken)
    return heading


def initial(text: str) -> str:
    """A capital first letter, and the rest as it is."""
    return text[:1].upper() + text[1:]


def _local_day(value: date | datetime) -> date:
    return dates.today(value if value.tzinfo else value.replace(tzinfo=UTC)) if isinstance(value, datetime) else value
