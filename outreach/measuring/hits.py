"""Stores openings and clicks: as counts by group and hour, or one by one where a basis is recorded."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    ColumnElement,
    Insert,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from outreach.days import today
from outreach.db import Session, table_of, take_turns
from outreach.db.compiled import recordset
from outreach.db.in_list import among
from outreach.delivery.ledger import outbox
from outreach.delivery.models import Mailing, Message, MessageState, is_in
from outreach.directory.models import Authority
from outreach.french import all_of
from outreach.measuring import bases
from outreach.measuring.machines import AT_ONCE, OPENING, SHORTLY, VERSION, WALK, HitClass, Signals, Why, classify
from outreach.measuring.models import UNJUDGED, Hit, HitCount, Tracker, TrackerNetwork
from outreach.measuring.trackers import SMALLEST, Target

KEPT = timedelta(days=396)  # thirteen months: of older events only the counts are kept
ASKED_FOR = timedelta(days=31)  # after a letter: who opens it later is one of few
MOST_JUDGED = 5_000  # clicks at a time: some hundredths of a second
MOST_BEFORE = 20_000  # hits stored before them that are looked at: somebody may ask for one letter without end
Cell = tuple[int, int, datetime, HitClass]
Click = Row[int, int, int, datetime]  # the keys of its letter and its own, the link, the moment
Writer = Session | Connection  # a connection suffices to add hits, and costs less


class Sighting(NamedTuple):
    """A hit to store: added, or subtracted (`times` -1) when a later hit shows that its class was wrong."""

    target: Target
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


def add(session: Writer, sightings: Sequence[Sighting]) -> None:
    """Store these hits. A hit of a letter whose mailbox no longer has a basis is dropped."""
    cells: Counter[Cell] = Counter()
    of_letters = []
    for sighting in sightings:
        target, signals, hit_class, times = sighting
        if target.message is not None:
            of_letters.append(sighting)
        elif target.tracker is not None:
            cells[target.tracker, signals.link, _hour(signals.at), hit_class] += times
    _count(session, cells)
    if of_letters:
        _keep(session, of_letters)


def measured(session: Session, mailings: Iterable[int]) -> list[Measured]:
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
    shown_class = case((Hit.version == UNJUDGED, HitClass.UNDETERMINED), else_=Hit.hit_class)
    single = select(Hit.tracker_id, Hit.link, shown_class, Hit.at, func.count())
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
    """Settle the letters in doubt that were opened or clicked by their own tokens since their fence; returns how many.

    A machine's hits do not count: a relay's scanner also reads letters that the relay then refuses. Hits of a group do
    not count: they identify no letter.
    """
    used = select(Hit.id).where(Hit.message_id == Message.id, Hit.at >= Message.fenced_at, Hit.is_a_reader_s())
    doubts = session.scalars(select(Message).where(is_in(MessageState.IN_DOUBT), used.exists())).all()
    return sum(outbox.evidence(session, letter, outbox.Proof.HIT, now=now) for letter in doubts)


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


def fold(session: Session, these: ColumnElement[bool]) -> None:
    """Add these events to their group's counts, and delete them."""
    cells: Counter[Cell] = Counter()
    for hit in session.scalars(select(Hit).where(these)):
        if hit.tracker_id is not None:
            cells[hit.tracker_id, hit.link, _hour(hit.at), hit.hit_class] += 1
    _count(session, cells)
    session.execute(delete(Hit).where(these).execution_options(synchronize_session=False))


def any_unjudged(session: Session) -> bool:
    """Whether a click waits to be compared."""
    return session.scalar(select(Hit.id).where(Hit.version == UNJUDGED).limit(1)) is not None


def judge(session: Session) -> int:
    """Compare the clicks that are not judged yet with the others of their letter; returns how many were judged.

    Those in a burst become a machine's. Openings neither make a burst nor belong to one. At most MOST_JUDGED at a time.
    """
    take_turns(session, "judging hits")
    waiting = select(Hit.id, Hit.message_id, Hit.at).where(Hit.version == UNJUDGED).order_by(Hit.id).limit(MOST_JUDGED)
    new = session.execute(waiting).all()
    if not new:
        return 0
    since, letters = min(hit.at for hit in new) - 2 * SHORTLY, {hit.message_id for hit in new}
    lately = Hit.at >= since, Hit.id >= new[0].id - MOST_BEFORE
    query = select(Hit.message_id, Hit.id, Hit.link, Hit.at).where(Hit.link != OPENING, *lately)
    rows = session.execute(query.where(among(Hit.message_id, letters)).order_by(Hit.at, Hit.id)).all()
    by_letter: dict[int, list[Click]] = {}
    for click in rows:
        by_letter.setdefault(click.message_id, []).append(click)
    burst = [key for clicks in by_letter.values() for key in _in_bursts(clicks)]
    if burst:
        these = among(Hit.id, burst), Hit.hit_class != HitClass.MACHINE
        judged = {"hit_class": HitClass.MACHINE, "why": Why.BURST, "version": VERSION}
        session.execute(update(Hit).where(*these).values(judged).execution_options(synchronize_session=False))
    judged_now = update(Hit).where(among(Hit.id, (hit.id for hit in new))).values(version=VERSION)
    session.execute(judged_now.execution_options(synchronize_session=False))
    return len(new)


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


def _keep(session: Writer, sightings: Sequence[Sighting]) -> None:
    """Keep these hits one by one, as far as a basis allows it now."""
    rows = [_row(target, signals) for target, signals, _, times in sightings if times > 0]
    if not _is_postgresql(session):
        session.execute(_KEPT, rows)
        return
    # Asked as one statement, PostgreSQL takes a hundred rows for granted, and plans for them three times as slowly.
    allowed = bases.measurable(session, {row["message_id"] for row in rows})
    if kept := [row for row in rows if row["message_id"] in allowed]:
        session.execute(_KEPT_AT_ONCE, {"given": orjson.dumps(kept).decode()})


def _row(target: Target, signals: Signals) -> dict[str, Any]:
    hit_class, why = classify(signals, ())
    judged = {"hit_class": hit_class, "why": why, "version": VERSION if signals.link == OPENING else UNJUDGED}
    return {"message_id": target.message, "tracker_id": target.tracker, **signals._asdict(), **judged}


def _count(session: Writer, cells: Counter[Cell]) -> None:
    """Add to the counters, always in the same order, so that two processes that count never deadlock."""
    rows = [
        {"tracker_id": tracker, "link": link, "hour": hour, "hit_class": hit_class, "count": count}
        for (tracker, link, hour, hit_class), count in sorted(cells.items())
        if count
    ]
    if rows and _is_postgresql(session):
        session.execute(_ADDED_AT_ONCE, {"given": orjson.dumps(rows).decode()})
    elif rows:
        session.execute(_ADDED, rows)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _is_postgresql(session: Writer) -> bool:
    connection = session.connection() if isinstance(session, Session) else session
    return connection.dialect.name == "postgresql"


def _adding(row: postgresql.Insert | sqlite.Insert) -> Insert:
    """The statement that adds to a counter, or makes it."""
    counters = table_of(HitCount).c
    return row.on_conflict_do_update(
        index_elements=list(table_of(HitCount).primary_key), set_={"count": counters.count + row.excluded.count}
    )


def _kept_one_by_one() -> Insert:
    values = {name: bindparam(name, type_=table_of(Hit).c[name].type) for name in _SINGLE}
    return insert(table_of(Hit)).from_select(
        _SINGLE, select(*values.values()).where(bases.is_measurable(values["message_id"]))
    )


def _given(columns: Iterable[str], table: Table) -> Select[Any]:
    return select(recordset({name: table.c[name].type for name in columns}))


# Built once: building a statement costs as much as executing it.
_CELL = [column.name for column in table_of(HitCount).columns]
_SINGLE = [column.name for column in table_of(Hit).columns if column.name != "id"]
_ADDED = _adding(sqlite.insert(table_of(HitCount)))
_ADDED_AT_ONCE = _adding(postgresql.insert(table_of(HitCount)).from_select(_CELL, _given(_CELL, table_of(HitCount))))
_KEPT = _kept_one_by_one()
_KEPT_AT_ONCE = insert(table_of(Hit)).from_select(_SINGLE, _given(_SINGLE, table_of(Hit)))
