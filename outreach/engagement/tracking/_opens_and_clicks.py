"""Stores openings and clicks: as counts by group and hour, or one by one where a basis is recorded."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Insert, Select, Table, and_, case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from outreach.core.db import Session, table_of
from outreach.core.db.prepared import recordset
from outreach.core.text.dates import today
from outreach.core.text.french import all_of
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message, MessageState, is_in
from outreach.directory.models import Authority
from outreach.engagement.tracking._bot_detection import OPENING, HitClass, Signals
from outreach.engagement.tracking._models import Hit, HitCount, Tracker, TrackerNetwork
from outreach.engagement.tracking._trackers import SMALLEST, Writer

KEPT = timedelta(days=396)  # thirteen months: of older events only the counts are kept
ASKED_FOR = timedelta(days=31)  # after a letter: who opens it later is one of few
Cell = tuple[int, int, datetime, HitClass]


class ClassifiedHit(NamedTuple):
    """A hit of a group: added, or subtracted (`times` -1) when a later hit shows that its class was wrong."""

    tracker: int
    signals: Signals
    hit_class: HitClass
    times: int = 1


@dataclass
class Measured:
    """The openings and clicks of one group over some mailings, by who seems to be behind them.

    `delivered` counts the authorities of the group that received a letter. `opened_on` and `clicked_on` count those of
    each day in Brussels, machines left out.
    """

    name: str
    delivered: int = 0
    opens: Counter[HitClass] = field(default_factory=Counter)
    clicks: Counter[HitClass] = field(default_factory=Counter)
    opened_on: Counter[date] = field(default_factory=Counter)
    clicked_on: Counter[date] = field(default_factory=Counter)

    def add(self, link: int, hit_class: HitClass, day: date, count: int) -> None:
        """Add so many openings, or clicks on a link, of one day."""
        is_opening = link == OPENING
        (self.opens if is_opening else self.clicks)[hit_class] += count
        if hit_class is not HitClass.MACHINE:
            (self.opened_on if is_opening else self.clicked_on)[day] += count

    def as_json(self, *, openings: bool = True) -> dict[str, Any]:
        """The counts as JSON, under fixed names; `opens` is None where `openings` are not measured."""

        def counts(tally: Counter[HitClass]) -> dict[str, int]:
            return {hit_class.value: tally[hit_class] for hit_class in HitClass}

        opens = counts(self.opens) if openings else None
        return {"group": self.name, "delivered": self.delivered, "clicks": counts(self.clicks), "opens": opens}


def count_hits(session: Writer, classified: Iterable[ClassifiedHit]) -> None:
    """Add these hits of groups to their counts."""
    cells: Counter[Cell] = Counter()
    for tracker, signals, hit_class, times in classified:
        cells[tracker, signals.link, _hour(signals.at), hit_class] += times
    _count(session, cells)


def measured_counts(session: Session, mailings: Iterable[int]) -> list[Measured]:
    """The counts over these mailings, group by group, by name; a group without hits has zeros.

    A group is shown only once twenty of its authorities have received a letter: fewer could be identified. Groups of
    one mailing that fewer have received are shown as one, once twenty of all their authorities have received it.
    """
    received = _received(session, list(mailings))
    shown, delivered = _shown(received), Counter[str]()
    for trackers, count in received:
        for name in {shown[tracker.id] for tracker in trackers if tracker.id in shown}:
            delivered[name] += count
    by_name = {name: Measured(name, delivered[name]) for name in sorted(delivered)}
    counted = select(HitCount.tracker_id, HitCount.link, HitCount.hit_class, HitCount.hour, func.sum(HitCount.count))
    single = select(Hit.tracker_id, Hit.link, Hit.hit_class, Hit.at, func.count())
    for query, kind in ((counted, HitCount), (single, Hit)):
        of_these = query.where(kind.tracker_id.in_(shown))
        rows = session.execute(of_these.group_by(*query.selected_columns[:4])).all()
        day_of = {moment: today(moment) for moment in {row[3] for row in rows}}
        for tracker, link, hit_class, moment, count in rows:
            by_name[shown[tracker or 0]].add(link, hit_class, day_of[moment], int(count))
    return list(by_name.values())


def this_hour(session: Session, *, now: datetime) -> dict[str, int]:
    """The openings and clicks since the hour began, of the last month's mailings where they are counted by group."""
    mailings = select(Mailing.id).where(Mailing.created_at > now - ASKED_FOR)
    trackers = session.scalars(select(Tracker.id).where(Tracker.mailing_id.in_(mailings))).all()
    folded = select(HitCount.link, func.sum(HitCount.count)).where(HitCount.tracker_id.in_(trackers))
    single = select(Hit.link, func.count()).where(Hit.at >= _hour(now)).group_by(Hit.link)
    counted = {"opening": 0, "click": 0}
    rows = session.execute(folded.where(HitCount.hour == _hour(now)).group_by(HitCount.link)).all()
    for link, count in [*rows, *session.execute(single).all()]:
        counted["opening" if link == OPENING else "click"] += count
    return counted


def settle_doubts(session: Session, *, now: datetime) -> int:
    """Settle the letters in doubt that were opened or clicked by their own tokens since their gate; returns how many.

    A machine's hits do not count: a relay's scanner also reads letters that the relay then refuses. Hits of a group do
    not count: they identify no letter.
    """
    used = select(Hit.id).where(Hit.message_id == Message.id, Hit.at >= Message.fenced_at, Hit.is_a_reader_s())
    doubts = session.scalars(select(Message).where(is_in(MessageState.IN_DOUBT), used.exists())).all()
    return sum(outbox.count_as_accepted(session, letter, outbox.Proof.HIT, now=now) for letter in doubts)


def _shown(received: Sequence[tuple[Sequence[Tracker], int]]) -> dict[int, str]:
    """The trackers whose hits may be shown, with the name of the group."""
    counts = Counter[Tracker]()
    for trackers, count in received:
        counts.update(dict.fromkeys(trackers, count))
    shown = {tracker.id: tracker.name for tracker, count in counts.items() if count >= SMALLEST}
    small: dict[int, list[Tracker]] = {}
    for tracker in counts:
        if tracker.id not in shown:
            small.setdefault(tracker.mailing_id, []).append(tracker)
    for together in small.values():
        if sum(counts[tracker] for tracker in together) >= SMALLEST:
            name = all_of(sorted(tracker.name for tracker in together))
            shown.update((tracker.id, name) for tracker in together)
    return shown


def _received(session: Session, mailings: Sequence[int]) -> list[tuple[list[Tracker], int]]:
    """How many authorities received a letter of the same mailings, with their trackers there: each authority once.

    A network has one tracker in a mailing at most.
    """
    flags = [func.max(case((Message.mailing_id == mailing, 1), else_=0)).label(f"of_{mailing}") for mailing in mailings]
    is_own = and_(Message.mailing_id.in_(mailings), Message.state == MessageState.ACCEPTED)
    letters = select(Message.authority_id, *flags).where(is_own).group_by(Message.authority_id).subquery("letters")
    by = (Authority.network_id, *(letters.c[flag.name] for flag in flags))
    query = select(*by, func.count()).join(letters, letters.c.authority_id == Authority.id).group_by(*by)
    used = select(Tracker, TrackerNetwork.network_id).join(TrackerNetwork, TrackerNetwork.tracker_id == Tracker.id)
    used = used.where(Tracker.mailing_id.in_(mailings))
    of = {(tracker.mailing_id, network): tracker for tracker, network in session.execute(used)}
    found = []
    for network, *those, count in session.execute(query):
        places = [(mailing, network) for mailing, has in zip(mailings, those, strict=True) if has]
        found.append(([of[place] for place in places if place in of], count))
    return found


def fold_events(session: Session, these: ColumnElement[bool]) -> None:
    """Add these events to their group's counts, and delete them."""
    cells: Counter[Cell] = Counter()
    for hit in session.scalars(select(Hit).where(these)):
        if hit.tracker_id is not None:
            cells[hit.tracker_id, hit.link, _hour(hit.at), hit.hit_class] += 1
    _count(session, cells)
    session.execute(delete(Hit).where(these).execution_options(synchronize_session=False))


def _count(session: Writer, cells: Counter[Cell]) -> None:
    """Add to the counters, always in the same order, so that two processes that count never deadlock."""
    rows = [
        {"tracker_id": tracker, "link": link, "hour": hour, "hit_class": hit_class, "count": count}
        for (tracker, link, hour, hit_class), count in sorted(cells.items())
        if count
    ]
    if rows:
        write_rows(session, rows, _ADDED, _ADDED_AT_ONCE)


def write_rows(session: Writer, rows: Sequence[Mapping[str, Any]], each: Insert, at_once: Insert) -> None:
    """Write rows: on PostgreSQL by one statement that takes them all as JSON (`given`), else by one for each."""
    connection = session.connection() if isinstance(session, Session) else session
    if connection.dialect.name == "postgresql":
        connection.execute(at_once, {"given": orjson.dumps(rows).decode()})
    else:
        connection.execute(each, rows)


def given(table: Table) -> Select[Any]:
    """On PostgreSQL, the rows that `write_rows` passes, of the columns of a table."""
    return select(recordset({column.name: column.type for column in table.columns}))


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _adding(row: postgresql.Insert | sqlite.Insert) -> Insert:
    """The statement that adds to a counter, or makes it."""
    counters = table_of(HitCount).c
    return row.on_conflict_do_update(
        index_elements=list(table_of(HitCount).primary_key), set_={"count": counters.count + row.excluded.count}
    )


# Built once: building a statement costs as much as executing it.
_CELL = [column.name for column in table_of(HitCount).columns]
_ADDED = _adding(sqlite.insert(table_of(HitCount)))
_ADDED_AT_ONCE = _adding(postgresql.insert(table_of(HitCount)).from_select(_CELL, given(table_of(HitCount))))
