"""The programmes that concern the schools that a session sees."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from outreach.access import scopes
from outreach.adherence.models import Programme
from outreach.adherence.programmes import all_programmes
from outreach.adherence.situation._standing import all_eligible
from outreach.core.db import Session


def programmes_concerning(session: Session, day: date) -> Sequence[Programme]:
    """The programmes that concern a school that the session sees on a day; all of them for a session that sees all, or
    where none does."""
    there = all_programmes(session)
    if scopes.of_session(session) is None or len(there) < 2:
        return there
    concerned = [
        one
        for one in there
        if session.scalar(select(all_eligible([day], one.strands).c.school_id).limit(1)) is not None
    ]
    return concerned or there
