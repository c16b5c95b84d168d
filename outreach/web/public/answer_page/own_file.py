"""What pages show of a mailbox's own file: its beginning under the answer page, all of it in pages of schools."""

from datetime import datetime
from typing import Any

from flask import Request, request

from outreach.campaigns import results
from outreach.core.db import Session
from outreach.delivery.models import Message
from outreach.web.public.tracking_choice import MeasureOutcome, shown_measure
from outreach.web.ui.pager import Pager

FEW, PAGE_ROWS = 10, 50  # schools under the answer page (more are on the file's own page), and on a page of the file


def beginning(session: Session, message: Message, contact: str, *, now: datetime) -> dict[str, Any]:
    """The values of `public/_file.html` for the answer page. Raises NotFound as `mailbox_file.of` does."""
    file = results.mailbox_file(session, message, now=now)
    return {"file": file, "rows": file.schools if len(file.schools) <= FEW else [], "contact": contact}


def of_mailbox(
    session: Session, message: Message, contact: str, measured: MeasureOutcome | None, *, now: datetime
) -> dict[str, Any]:
    """What the page of a letter shows of its mailbox: the measure as the form left it, and its file’s beginning."""
    confirms = measured is not None and measured.confirms
    measure = shown_measure(session, message, request.form, confirms=confirms)
    return {**measure, **beginning(session, message, contact, now=now)}


def asked_page(asked: Request, session: Session, message: Message, contact: str, *, now: datetime) -> dict[str, Any]:
    """The values of `public/file.html`: the page of schools that a request asks for. Raises NotFound as above."""
    file = results.mailbox_file(session, message, now=now)
    pager = Pager.of(asked, len(file.schools), PAGE_ROWS)
    rows = file.schools[max(0, pager.first_row - 1) : pager.last_row]
    return {"file": file, "rows": rows, "pager": pager, "contact": contact}
