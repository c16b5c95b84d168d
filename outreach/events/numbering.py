"""Numbers events that are committed, one process at a time: so a program that has read a number has read all before it.

A number that the database gives while an event is written (a sequence) would not do: of two transactions the later one
may commit first, and whoever reads in between passes over the earlier one for ever.
"""

from sqlalchemy import bindparam, exists, func, select, update

from outreach.db import Database, Session, table_of, takes_turn
from outreach.events.models import Event

SLICE = 2_000


def number_waiting(database: Database) -> int:
    """Number the events that wait, slice by slice, each in a short transaction; returns how many these were."""
    numbered = 0
    while True:
        with database.reading() as session:
            if not session.scalar(select(exists().where(Event.number.is_(None)))):
                return numbered
        with database.writing() as session:
            count = number(session)
        numbered += count
        if count < SLICE:
            return numbered


def number(session: Session, most: int = SLICE) -> int:
    """Give the next numbers to at most so many events, in the order in which they were written; returns to how many.

    To none while another process does it. The lock is held until these numbers are committed.
    """
    if not takes_turn(session, "event-numbers"):
        return 0
    table = table_of(Event)
    waiting = session.scalars(select(table.c.id).where(table.c.number.is_(None)).order_by(table.c.id).limit(most)).all()
    if not waiting:
        return 0
    last = session.scalar(select(func.max(table.c.number))) or 0
    rows = [{"key": key, "next": last + place} for place, key in enumerate(waiting, 1)]
    session.execute(update(table).where(table.c.id == bindparam("key")).values(number=bindparam("next")), rows)
    return len(waiting)
