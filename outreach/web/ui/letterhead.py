"""Gives templates the letterhead, which each process asks for twice a minute at most: every page shows it."""

import time

from flask import Flask, current_app

from outreach import letterheads
from outreach.db import NO_ANSWER
from outreach.letterheads import NONE, Letterhead
from outreach.web.ui.request import reading

SECONDS = 30
KEPT = "outreach.letterhead"


def install(app: Flask) -> None:
    """Give templates `letterhead`, a function."""
    app.extensions[KEPT] = (0.0, NONE)
    app.context_processor(lambda: {"letterhead": current})


def forget() -> None:
    """Ask again for the next page: it has changed here."""
    current_app.extensions[KEPT] = (0.0, NONE)


def current() -> Letterhead:
    """The letterhead; the one known last, or none, where the database does not answer."""
    asked: float
    known: Letterhead
    asked, known = current_app.extensions[KEPT]
    if asked and time.monotonic() - asked < SECONDS:
        return known
    try:
        with reading() as session:
            known = letterheads.current(session)
    except NO_ANSWER:
        pass
    current_app.extensions[KEPT] = (time.monotonic(), known)
    return known
