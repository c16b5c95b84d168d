"""What templates are given: French typography, filters, addresses of assets and pages, the letterhead."""

import hashlib
import re
import time
from collections.abc import Iterator
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup
from werkzeug.routing import IntegerConverter

from outreach.core import site
from outreach.core.db import NO_ANSWER
from outreach.core.settings import Mode
from outreach.core.site import NONE, Letterhead
from outreach.core.text import french
from outreach.core.text.french import typeset
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import CONTROLS
from outreach.web.ui.pager import again
from outreach.web.ui.request import is_scoped, now, opens, reading, settings, unread

STATIC = Path(__file__).parent.parent / "static"
SECONDS = 30  # for which a process keeps the letterhead, which every page shows
KEPT = "outreach.letterhead"
COUNTS = re.compile(r"(?<!départs.)(?<!départs.\d.et.)\b(\d+(?:[,\u00a0\u202f]\d+)*)")

FILTERS = (
    french.typeset,
    french.size,
    french.percent,
    french.whole_percent,
    french.part,
    french.short_day,
    french.number,
    french.wave,
    french.day,
    french.month,
    french.weekday,
    french.weekdayname,
    french.near_day,
    french.hour,
    french.moment,
    french.company_number,
    french.plural,
    french.ago,
    french.initial,
    french.international,
)


def in_words(typed: object) -> str:
    """The day in a date field, as a browser sends it, in words: "jeudi 13 mai 2027"; '' for anything else."""
    try:
        return french.weekday(date.fromisoformat(str(typed or "")))
    except ValueError:
        return ""


def counts_in_bold(sentence: str) -> Markup:
    """A sentence with its numbers in bold, but not those that name departures."""
    parts = enumerate(COUNTS.split(sentence))  # text and numbers by turns
    return Markup("").join(Markup("<strong>{}</strong>").format(part) if at % 2 else part for at, part in parts)


class Typography(Extension):
    """Typeset the text of templates as they are compiled, so that their source stays easy to type."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Called by Jinja with each template's tokens; "data" is what stands outside tags."""
        for token in stream:
            yield Token(token.lineno, token.type, typeset(token.value)) if token.type == "data" else token


class NumberConverter(IntegerConverter):
    """A number in an address that any database can hold as an integer."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{"max": 2**31 - 1, **named})


def install(app: Flask) -> None:
    """Make filters, globals and the converter of addresses known to an application."""
    app.url_map.converters["number"] = NumberConverter
    app.jinja_env.add_extension(Typography)
    app.jinja_env.globals.update(now=now, asset=asset, unread=unread, again=partial(again, request), RoleName=RoleName)
    app.jinja_env.globals.update(opens=opens, is_scoped=is_scoped)
    app.jinja_env.filters.update({write.__name__: write for write in FILTERS})
    app.jinja_env.filters.update(
        in_words=in_words,
        counts_in_bold=counts_in_bold,
        printable=lambda text: CONTROLS.sub("", text),
        pair=lambda value: (value, value),
        labelled=lambda member: (member.value, member.label),
        numbered=lambda wave: (wave.number, wave.name),
    )
    app.context_processor(lambda: {"mode": settings().mode, "Mode": Mode, "stays_here": settings().stays_here})
    app.extensions[KEPT] = (0.0, NONE)
    app.context_processor(lambda: {"letterhead": letterhead})


@lru_cache
def asset(path: str) -> str:
    """The address of a static file, with the digest of its content, so that browsers may cache it for ever."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


def letterhead() -> Letterhead:
    """The letterhead; the one known last, or none, where the database does not answer."""
    asked: float
    known: Letterhead
    asked, known = current_app.extensions[KEPT]
    if asked and time.monotonic() - asked < SECONDS:
        return known
    try:
        with reading() as session:
            known = site.current_letterhead(session)
    except NO_ANSWER:
        pass
    current_app.extensions[KEPT] = (time.monotonic(), known)
    return known


def forget_letterhead() -> None:
    """Ask again for the next page: it has changed here."""
    current_app.extensions[KEPT] = (0.0, NONE)
