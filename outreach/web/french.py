"""French as a Belgian administration writes it, as filters of templates: dates, hours, numbers, no-break spaces."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from outreach import days
from outreach.days import BRUSSELS
from outreach.mail.typography import LOCALE, NARROW, WIDE, WITH_WEEKDAY, spelt_day, spelt_hour, typeset


def number(value: int | float) -> str:
    """1234 → "1 234", with a narrow no-break space."""
    return format_decimal(value, locale=LOCALE).replace(WIDE, NARROW)


def percent(share: float) -> str:
    """0.0739 → "7,4 %"."""
    return f"{format_decimal(share * 100, '0.0', locale=LOCALE)}{WIDE}%"


def day(value: date | datetime) -> str:
    """A date in words: "1er juin 2021"."""
    return spelt_day(_local_day(value))


def month(value: date) -> str:
    """A month in words: "juin 2021"."""
    return format_date(value, "MMMM y", locale=LOCALE)


def short_day(value: date) -> str:
    """A date for an axis: "15/5/21"."""
    return f"{value.day}/{value.month}/{value:%y}"


def weekday(value: date | datetime) -> str:
    """A date in words with its day: "mardi 1er juin 2021"."""
    return spelt_day(_local_day(value), WITH_WEEKDAY)


def weekdayname(value: date) -> str:
    """The day of the week of a date: "mardi"."""
    return format_date(value, "EEEE", locale=LOCALE)


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


def company_number(value: str | None) -> str:
    """0206582284 → "0206.582.284"."""
    return f"{value[:4]}.{value[4:7]}.{value[7:]}" if value else ""


def plural(count: int, one: str, many: str = "") -> str:
    """The count with its noun: "1 école", "2 écoles"; French counts 0 as singular."""
    return f"{number(count)}{WIDE}{one if count < 2 else many or one + 's'}"


def initial(text: str) -> str:
    """A capital first letter, and the rest as it is."""
    return text[:1].upper() + text[1:]


class Typography(Extension):
    """Typeset the text of templates as they are compiled, so that their source stays easy to type."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Called by Jinja with each template's tokens; "data" is what stands outside tags."""
        for token in stream:
            yield Token(token.lineno, token.type, typeset(token.value)) if token.type == "data" else token


def install(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.add_extension(Typography)
    app.jinja_env.filters.update(
        typeset=typeset,
        percent=percent,
        short_day=short_day,
        number=number,
        day=day,
        month=month,
        weekday=weekday,
        weekdayname=weekdayname,
        hour=hour,
        moment=moment,
        company_number=company_number,
        plural=plural,
        ago=ago,
        initial=initial,
    )


def _local_day(value: date | datetime) -> date:
    return days.today(value if value.tzinfo else value.replace(tzinfo=UTC)) if isinstance(value, datetime) else value
