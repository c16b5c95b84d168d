"""What a request does while its writing transaction is open: it may not read a form, judge it, or render a page.

On SQLite nobody else writes meanwhile, so an unsubscription would wait for a page that somebody else has asked for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import getattr_static

import flask
from flask import before_render_template
from werkzeug.utils import cached_property
from werkzeug.wrappers import Request
from wtforms.form import BaseForm

from outreach.campaigns.review import _preview as preview
from outreach.core.db import Database
from outreach.core.tables import Headers
from outreach.core.tables import _imports as imports
from outreach.web.pages.campaigns.steps import asked_audience
from outreach.web.ui import request

_open: ContextVar[bool] = ContextVar("open", default=False)


@contextmanager
def watched(monkeypatch) -> Iterator[list[str]]:
    """The faults of the requests within this block, as they are found."""
    faults: list[str] = []

    def note(what: str) -> None:
        if _open.get() and flask.has_request_context():
            faults.append(f"{flask.request.method} {flask.request.path}: {what} while writing")

    def render(_app, template, **_context) -> None:
        note(f"rendered {template.name}")

    write = Database.writing

    @contextmanager
    def writing(database):
        before = _open.set(flask.has_request_context())
        try:
            with write(database) as session:
                yield session
        finally:
            _open.reset(before)

    def noting(owner, name, what) -> None:
        original = getattr(owner, name)

        def noted(*arguments, **named):
            note(what)
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, noted)

    monkeypatch.setattr(Database, "writing", writing)
    for name in ("form", "files", "values", "args"):
        monkeypatch.setattr(Request, name, _noted(getattr_static(Request, name), note, f"read request.{name}"))
    noting(BaseForm, "validate", "validated a form")
    noting(BaseForm, "process", "read a form")
    noting(request, "judge", "judged an address")
    noting(asked_audience, "from_json", "read criteria")
    noting(preview, "prepare_test", "prepared a test letter")
    noting(imports, "judge_import", "compared a list")
    noting(Headers, "sheet", "read a list")
    with before_render_template.connected_to(render):
        yield faults


def _noted(attribute: cached_property, note: Callable[[str], None], what: str) -> property:
    """The same attribute of requests; it notes that it was read."""

    def read(request: Request) -> object:
        note(what)
        return attribute.__get__(request, Request)

    def write(request: Request, value: object) -> None:
        request.__dict__[attribute.__name__] = value

    return property(read, write)
