"""Openings and clicks as they come: appended while a reader waits, then moved by the clock to where they are counted.

A request writes whom its token names, and nothing is asked or judged. The clock takes what waits, slice by slice: it
asks once for all of a slice who may be measured, judges, and stores (`hits`). A slice is one transaction, so that a hit
is in one place at any moment, whoever is killed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningDelete

from outreach.core.db import Session, table_of, take_lock
from outreach.core.db.bulk import among
from outreach.engagement.tracking._bases import measurable_messages
from outreach.engagement.tracking._bot_detection import (
    AT_ONCE,
    OPENING,
    SHORTLY,
    VERSION,
    WALK,
    HitClass,
    Signals,
    Why,
    classify_hit,
)
from outreach.engagement.tracking._models import Hit, NewHit
from outreach.engagement.tracking._opens_and_clicks import ClassifiedHit, count_hits, given, write_rows
from outreach.engagement.tracking._trackers import Writer, groups_named, letters_named

SLICE = 100  # hits of a transaction, for which on SQLite every request with a hit waits: some milliseconds
REST_SECONDS = 0.02  # between two: those who wait have the turn to write
MOST_BEFORE = 20_000  # hits stored before them that are looked at: somebody may ask for one letter without end


class Arrival(NamedTuple):
    """A hit as it came: the `public_id` that its token names, and its signs."""

    public_id: str
    signals: Signals


class Click(NamedTuple):
    """A click of a letter, stored or about to be: then its `id` is negative."""

    id: int
    message_id: int
    link: int
    at: datetime


def append_hits(session: Writer, arrivals: Iterable[Arrival]) -> None:
    """Write hits down as they came. Whom they name may be a group, a letter, or nobody: the clock finds out."""
    rows = [{"public_id": name, **signals._asdict()} for name, signals in arrivals]
    if rows:
        write_rows(session, rows, _APPENDED, _APPENDED_AT_ONCE)


def is_any(session: Session) -> bool:
    """Whether a hit waits to be moved."""
    return session.scalar(select(NewHit.link).limit(1)) is not None


def move_hits(session: Session, most: int = SLICE) -> int:
    """Judge and store a slice of the hits that wait; returns how many were taken.

    Those of a letter are kept where its mailbox may be measured now; those that name nobody are dropped.
    """
    take_lock(session, "moving hits")
    taken = session.execute(_TAKEN[session.get_bind().dialect.name], {"most": most})
    waiting = sorted((Arrival(name, Signals(*signals)) for name, *signals in taken), key=_moment)
    groups = {name: tracker for name, _, tracker in groups_named(session, _names(waiting))} if waiting else {}
    of_groups = [(groups[name], signals) for name, signals in waiting if name in groups]
    count_hits(session, (ClassifiedHit(where, said, classify_hit(said, ())[0]) for where, said in of_groups))
    if len(of_groups) < len(waiting):
        _keep(session, [arrival for arrival in waiting if arrival.public_id not in groups])
    return len(waiting)


def _keep(session: Session, arrivals: Sequence[Arrival]) -> None:
    """Keep the hits of letters one by one, as far as a basis allows it now."""
    letters = letters_named(session, _names(arrivals))
    # Asked as one statement, PostgreSQL takes a hundred rows for granted, and plans for them three times as slowly.
    allowed = measurable_messages(session, {letter for letter, _ in letters.values()})
    kept = [(letters[name], signals) for name, signals in arrivals if name in letters and letters[name][0] in allowed]
    new = [Click(-place, letter, signals.link, signals.at) for place, ((letter, _), signals) in enumerate(kept, 1)]
    burst = set(_bursts(session, [click for click in new if click.link != OPENING]))
    rows = []
    for click, ((letter, tracker), signals) in zip(new, kept, strict=True):
        hit_class, why = classify_hit(signals, ())
        if click.id in burst and hit_class is not HitClass.MACHINE:
            hit_class, why = HitClass.MACHINE, Why.BURST
        judged = {"hit_class": hit_class, "why": why, "version": VERSION}
        rows.append({"message_id": letter, "tracker_id": tracker, **signals._asdict(), **judged})
    if rows:
        session.execute(insert(table_of(Hit)), rows)


def _bursts(session: Session, new: Sequence[Click]) -> list[int]:
    """Which of these clicks are in a burst, with those of their letters that are stored: these become a machine's."""
    if not new:
        return []
    lately = (
        Hit.at >= min(map(_moment, new)) - 2 * SHORTLY,
        Hit.id > select(func.max(Hit.id)).scalar_subquery() - MOST_BEFORE,
    )
    query = select(Hit.id, Hit.message_id, Hit.link, Hit.at).where(Hit.link != OPENING, *lately)
    stored = session.execute(query.where(among(Hit.message_id, {click.message_id for click in new})))
    by_letter: dict[int, list[Click]] = {}
    for click in sorted([*(Click(*row) for row in stored), *new], key=_moment):
        by_letter.setdefault(click.message_id, []).append(click)
    found = [key for clicks in by_letter.values() for key in _in_bursts(clicks)]
    if before := [key for key in found if key > 0]:
        these = among(Hit.id, before), Hit.hit_class != HitClass.MACHINE
        judged = {"hit_class": HitClass.MACHINE, "why": Why.BURST, "version": VERSION}
        session.execute(update(Hit).where(*these).values(judged).execution_options(synchronize_session=False))
    return found


def _in_bursts(clicks: Sequence[Click]) -> list[int]:
    """The keys of those of a letter's clicks that are in a burst, as `machines.is_burst` says; they come by time.

    It takes time in proportion to their number.
    """
    if len({click.link for click in clicks}) < 2:  # as nearly always
        return []
    around = zip(clicks, _links_around(clicks, AT_ONCE), _links_around(clicks, SHORTLY), strict=True)
    return [click.id for click, at_once, shortly in around if at_once > 1 or shortly >= WALK]


def _links_around(clicks: Sequence[Click], apart: timedelta) -> Iterator[int]:
    """How many different links were followed around each click, no more than this apart from it."""
    links, first, end = Counter[int](), 0, 0
    for click in clicks:
        while end < len(clicks) and clicks[end].at <= click.at + apart:
            links[clicks[end].link] += 1
            end += 1
        while clicks[first].at < click.at - apart:
            links[clicks[first].link] -= 1
            first += 1
        yield len(+links)


def _names(arrivals: Iterable[Arrival]) -> list[str]:
    return list({arrival.public_id for arrival in arrivals})


def _moment(seen: Arrival | Click) -> datetime:
    return seen.at if isinstance(seen, Click) else seen.signals.at


def _first(place: str) -> Select[Any]:
    """Where the database has the hits that are taken next: nothing else finds them, without a key."""
    return select(literal_column(place)).select_from(table_of(NewHit)).limit(bindparam("most", type_=Integer))


def _taking(these: ColumnElement[bool]) -> ReturningDelete[Any]:
    return delete(table_of(NewHit)).where(these).returning(*table_of(NewHit).columns)


# Built once: building a statement costs as much as executing it.
_APPENDED = insert(table_of(NewHit))
_APPENDED_AT_ONCE = insert(table_of(NewHit)).from_select([*table_of(NewHit).columns.keys()], given(table_of(NewHit)))
_TAKEN = {
    "sqlite": _taking(literal_column("rowid").in_(_first("rowid"))),
    "postgresql": _taking(literal_column("ctid") == any_(func.array(_first("ctid").scalar_subquery()))),
}
