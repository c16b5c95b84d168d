"""Stores openings and clicks: as counts by group and hour, or one by one where a basis is recorded."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    FromClause,
    Insert,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from outreach.days import today
from outreach.db import Session, UtcDateTime, table_of
from outreach.db.compiled import recordset
from outreach.delivery.ledger import outbox
from outreach.delivery.models import Message, MessageState, is_in
from outreach.directory.models import Authority
from outreach.french import all_of
from outreach.measuring import bases
from outreach.measuring.machines import OPENING, SHORTLY, VERSION, Agent, HitClass, Signals, Why, classify, is_burst
from outreach.measuring.models import Hit, HitCount, Tracker, TrackerNetwork
from outreach.measuring.trackers import SMALLEST, Target

KEPT = timedelta(days=396)  # thirteen months: of older events only the counts are kept
MOST_COMPARED = 32  # clicks of one letter: enough for every link of a letter, few enough to compare each with each
Cell = tuple[int, int, datetime, HitClass]
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
    shown = _shown(session, mailings)
    groups: dict[str, set[int]] = {}
    for name, who in shown.values():
        groups.setdefault(name, set()).update(who)
    by_name = {name: Measured(name, len(who)) for name, who in sorted(groups.items())}
    counted = select(HitCount.tracker_id, HitCount.link, HitCount.hit_class, HitCount.hour, func.sum(HitCount.count))
    single = select(Hit.tracker_id, Hit.link, Hit.hit_class, Hit.at, func.count())
    for query, kind, at in ((counted, HitCount, HitCount.hour), (single, Hit, Hit.at)):
        of_these = query.where(kind.tracker_id.in_(shown))
        rows = session.execute(of_these.group_by(kind.tracker_id, kind.link, kind.hit_class, at)).all()
        day_of = {moment: today(moment) for moment in {row[3] for row in rows}}
        for tracker, link, hit_class, moment, count in rows:
            by_name[shown[tracker or 0][0]].add(link, hit_class, day_of[moment], int(count))
    return list(by_name.values())


def settle_doubts(session: Session, *, now: datetime) -> int:
    """Settle the letters in doubt that were opened or clicked by their own tokens since their fence; returns how many.

    A machine's hits do not count: a relay's scanner also reads letters that the relay then refuses. Hits of a group do
    not count: they identify no letter.
    """
    used = select(Hit.id).where(
        Hit.message_id == Message.id, Hit.at >= Message.fenced_at, Hit.hit_class != HitClass.MACHINE
    )
    doubts = session.scalars(select(Message).where(is_in(MessageState.IN_DOUBT), used.exists())).all()
    return sum(outbox.evidence(session, letter, outbox.Proof.HIT, now=now) for letter in doubts)


def _shown(session: Session, mailings: Iterable[int]) -> dict[int, tuple[str, set[int]]]:
    """The trackers whose hits may be shown: the name of the group, and its authorities that received a letter."""
    received = _received(session, list(mailings))
    shown = {tracker: (name, who) for tracker, (_, name, who) in received.items() if len(who) >= SMALLEST}
    small: dict[int, list[int]] = {}
    for tracker in received.keys() - shown.keys():
        small.setdefault(received[tracker][0], []).append(tracker)
    for together in small.values():
        names = sorted(received[tracker][1] for tracker in together)
        who = set[int]().union(*(received[tracker][2] for tracker in together))
        if len(who) >= SMALLEST:
            shown.update(dict.fromkeys(together, (all_of(names), who)))
    return shown


def _received(session: Session, mailings: Sequence[int]) -> dict[int, tuple[int, str, set[int]]]:
    """The mailing and the name of each group of these mailings, and its authorities that received a letter."""
    query = (
        select(Tracker.mailing_id, Tracker.id, Tracker.name, Authority.id)
        .join(TrackerNetwork, TrackerNetwork.tracker_id == Tracker.id)
        .join(Authority, Authority.network_id == TrackerNetwork.network_id)
        .join(Message, and_(Message.mailing_id == Tracker.mailing_id, Message.authority_id == Authority.id))
        .where(Tracker.mailing_id.in_(mailings), Message.state == MessageState.ACCEPTED)
    )
    received: dict[int, tuple[int, str, set[int]]] = {}
    for mailing, tracker, name, authority in session.execute(query):
        received.setdefault(tracker, (mailing, name, set()))[2].add(authority)
    return received


def fold(session: Session, these: ColumnElement[bool]) -> None:
    """Add these events to their group's counts, and delete them."""
    cells: Counter[Cell] = Counter()
    for hit in session.scalars(select(Hit).where(these)):
        if hit.tracker_id is not None:
            cells[hit.tracker_id, hit.link, _hour(hit.at), hit.hit_class] += 1
    _count(session, cells)
    session.execute(delete(Hit).where(these).execution_options(synchronize_session=False))


def _keep(session: Writer, sightings: Sequence[Sighting]) -> None:
    """Keep these hits one by one, as far as a basis allows it now."""
    allowed = bases.measurable(session, {target.message for target, *_ in sightings if target.message is not None})
    rows = [_row(target, signals) for target, signals, _, times in sightings if target.message in allowed and times > 0]
    if not rows:
        return
    if _is_postgresql(session):
        session.execute(_KEPT_AT_ONCE, {"given": orjson.dumps(rows).decode()})
    else:
        session.execute(_KEPT, rows)
    clicks = [row for row in rows if row["link"] != OPENING]
    if clicks:
        since = min(row["at"] for row in clicks) - 2 * SHORTLY
        _judge_again(session, {row["message_id"] for row in clicks}, since)


def _row(target: Target, signals: Signals) -> dict[str, Any]:
    hit_class, why = classify(signals, ())
    judged = {"hit_class": hit_class, "why": why, "version": VERSION}
    return {"message_id": target.message, "tracker_id": target.tracker, **signals._asdict(), **judged}


def _judge_again(session: Writer, letters: Collection[int], since: datetime) -> None:
    """Find the bursts among the clicks of these letters since then. A click that is in one stays a machine's.

    Openings neither make a burst nor belong to one. Of each letter only the latest clicks are compared, so that the
    cost is bounded however fast somebody asks for its links.
    """
    query = _ON_POSTGRESQL if _is_postgresql(session) else _ON_SQLITE
    clicks: dict[int, list[Any]] = defaultdict(list)
    for letter, *click in session.execute(query, {"letters": list(letters), "since": since}):
        clicks[letter].append(click)
    burst = [key for of_letter in clicks.values() for key in _unmasked(of_letter)]
    if burst:  # in the order of their keys, so that two processes never wait for each other
        session.execute(_UNMASKED, [{"key": key} for key in sorted(burst)])


def _unmasked(clicks: Sequence[Sequence[Any]]) -> list[int]:
    """The keys of a letter's stored clicks that the others show as a machine's, from `_of_a_click`."""
    if len({link for _, link, _, _ in clicks}) < 2:  # as nearly always
        return []
    seen = [Signals(link, at, Agent.BROWSER, is_head=False) for _, link, at, _ in clicks]
    return [
        key
        for (key, _, _, is_machine), signals in zip(clicks, seen, strict=True)
        if not is_machine and is_burst(signals, seen)
    ]


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


def _given(columns: Iterable[str], table: Table) -> Select[Any]:
    return select(recordset({name: table.c[name].type for name in columns}))


def _latest_on_postgresql() -> Select[Any]:
    letters = func.unnest(cast(bindparam("letters"), ARRAY(Integer))).table_valued("value").render_derived()
    latest = _clicks_of(letters.c.value, *_of_a_click(_CLICK)).lateral()
    return select(latest).select_from(letters).join(latest, true())


def _latest_on_sqlite() -> Select[Any]:
    """The same without LATERAL, which SQLite lacks."""
    letters = func.json_each(bindparam("letters", type_=JSON)).table_valued("value")
    latest = _clicks_of(letters.c.value, _CLICK.c.id).correlate(letters).scalar_subquery()
    own = table_of(Hit)
    return select(*_of_a_click(own)).select_from(letters).join(own, own.c.id.in_(latest))


def _of_a_click(hits: FromClause) -> list[ColumnElement[Any]]:
    is_machine = (hits.c.hit_class == HitClass.MACHINE).label("is_machine")
    return [hits.c.message_id, hits.c.id, hits.c.link, hits.c.at, is_machine]


def _clicks_of(letter: ColumnElement[int], *columns: ColumnElement[Any]) -> Select[Any]:
    """The latest clicks of one letter, found by the index."""
    is_of_letter = (_CLICK.c.message_id == letter, _CLICK.c.link != OPENING)
    since = _CLICK.c.at >= bindparam("since", type_=UtcDateTime)
    latest = (_CLICK.c.at.desc(), _CLICK.c.id.desc())
    return select(*columns).where(*is_of_letter, since).order_by(*latest).limit(MOST_COMPARED)


# Built once: building a statement costs as much as executing it.
_CLICK = table_of(Hit).alias("click")
_CELL = [column.name for column in table_of(HitCount).columns]
_SINGLE = [column.name for column in table_of(Hit).columns if column.name != "id"]
_ON_POSTGRESQL, _ON_SQLITE = _latest_on_postgresql(), _latest_on_sqlite()
_ADDED = _adding(sqlite.insert(table_of(HitCount)))
_ADDED_AT_ONCE = _adding(postgresql.insert(table_of(HitCount)).from_select(_CELL, _given(_CELL, table_of(HitCount))))
_KEPT = insert(table_of(Hit))
_KEPT_AT_ONCE = _KEPT.from_select(_SINGLE, _given(_SINGLE, table_of(Hit)))
_UNMASKED = (
    update(table_of(Hit))
    .where(table_of(Hit).c.id == bindparam("key"))
    .values(hit_class=HitClass.MACHINE, why=Why.BURST, version=VERSION)
)
