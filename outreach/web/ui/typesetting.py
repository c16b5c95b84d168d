"""French typography in templates: of their text when they are compiled, of values by filters."""

from collections.abc import Iterator

from flask import Flask
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from outreach import french
from outreach.french import typeset

FILTERS = (
    french.typeset,
    french.percent,
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
)


class Typography(Extension):
    """Typeset the text of templates as they are compiled, so that their source stays easy to type."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Called by Jinja with each template's tokens; "data" is what stands outside tags."""
        for token in stream:
            yield Token(token.lineno, token.type, typeset(token.value)) if token.type == "data" else token


def install(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.add_extension(Typography)
    app.jinja_env.filters.update({write.__name__: write for write in FILTERS})
