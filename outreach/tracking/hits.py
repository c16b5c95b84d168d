"""Stores openings and clicks: as counts by group and hour, or one by one where a basis is recorded."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.models import Message, MessageState, is_in
from outreach.directory.models import Authority
from outreach.tracking import bases
from outreach.tracking.machines import OPENING, VERSION, HitClass, Signals, classify
from outreach.tracking.models import Hit, HitCount, Tracker, TrackerNetwork
from outreach.tracking.trackers import SMALLEST, Target

KEPT = timedelta(days=396)  # thirteen months: of older events only the counts are kept
Cell = tuple[int, int, datetime, HitClass]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A hit to store: added, or subtracted (`count` -1) when a later hit shows that its class was wrong."""

    target: Target
    signals: Signals
    hit_class: HitClass
    count: int = 1


@dataclass
class Measured:
    """The openings and clicks of one group over some mailings, by who seems to be behind them."""

    name: str
    recipients: int = 0
    opens: Counter[HitClass] = field(default_factory=Counter)
    clicks: Counter[HitClass] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON, under fixed names."""
        tallies = {"clicks": self.clicks, "opens": self.opens}
        counts = {
            name: {hit_class.value: tally[hit_class] for hit_class in HitClass} for name, tally in tallies.items()
        }
        return {"group": self.name, "recipients": self.recipients, **counts}


def add(session: Session, sightings: Sequence[Sighting]) -> None:
    """Store these hits. A hit of a letter whose mailbox no longer has a basis is dropped."""
    cells: Counter[Cell] = Counter()
    letters = [sighting for sighting in sightings if sighting.target.message is not None]
    allowed = bases.measurable(session, {sighting.target.message or 0 for sighting in letters}) if letters else set()
    for sighting in sightings:
        if sighting.target.message is None and sighting.target.tracker is not None:
            cells[sighting.target.tracker, sighting.signals.link, _hour(sighting.signals.at), sighting.hit_class] += (
                sighting.count
            )
        elif sighting.target.message in allowed and sighting.count > 0:
            _keep(session, sighting)
    _count(session, cells)


def measured(session: Session, mailings: Iterable[int]) -> list[Measured]:
    """The counts over these mailings, group by group, by name; a group without hits has zeros.

    A group is shown only once twenty of its authorities have received a letter: fewer could be identified.
    """
    received = _received(session, list(mailings))
    of_these = Tracker.id.in_([tracker for tracker, (_, who) in received.items() if len(who) >= SMALLEST])
    groups: dict[str, set[int]] = {}
    for name, who in (received[tracker] for tracker in session.scalars(select(Tracker.id).where(of_these))):
        groups.setdefault(name, set()).update(who)
    by_name = {name: Measured(name, len(who)) for name, who in sorted(groups.items())}
    total = func.sum(HitCount.count)
    counted = select(Tracker.name, HitCount.link, HitCount.hit_class, total).join(
        HitCount, HitCount.tracker_id == Tracker.id
    )
    single = select(Tracker.name, Hit.link, Hit.hit_class, func.count()).join(Hit, Hit.tracker_id == Tracker.id)
    for query, kind in ((counted, HitCount), (single, Hit)):
        for name, link, hit_class, count in session.execute(
            query.where(of_these).group_by(Tracker.name, kind.link, kind.hit_class)
        ):
            tally = by_name[name].opens if link == OPENING else by_name[name].clicks
            tally[hit_class] += int(count)
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


def _received(session: Session, mailings: Sequence[int]) -> dict[int, tuple[str, set[int]]]:
    """The name of each group of these mailings, and its authorities that received a letter."""
    query = (
        select(Tracker.id, Tracker.name, Authority.id)
        .join(TrackerNetwork, TrackerNetwork.tracker_id == Tracker.id)
        .join(Authority, Authority.network_id == TrackerNetwork.network_id)
        .join(Message, and_(Message.mailing_id == Tracker.mailing_id, Message.authority_id == Authority.id))
        .where(Tracker.mailing_id.in_(mailings), Message.state == MessageState.ACCEPTED)
    )
    received: dict[int, tuple[str, set[int]]] = {}
    for tracker, name, authority in session.execute(query):
        received.setdefault(tracker, (name, set()))[1].add(authority)
    return received


def fold_old(session: Session, *, now: datetime) -> int:
    """Add events older than thirteen months to their group's counts, and delete them; returns how many."""
    old = Hit.at < now - KEPT
    cells: Counter[Cell] = Counter()
    for hit in session.scalars(select(Hit).where(old)):
        if hit.tracker_id is not None:
            cells[hit.tracker_id, hit.link, _hour(hit.at), hit.hit_class] += 1
    _count(session, cells)
    return len(session.scalars(delete(Hit).where(old).returning(Hit.id)).all())


def judge_again(session: Session, message: int) -> None:
    """Classify the stored hits of a letter again, with the current version."""
    kept = session.scalars(select(Hit).where(Hit.message_id == message).order_by(Hit.at, Hit.id)).all()
    seen = [Signals(hit.link, hit.at, hit.agent, hit.is_head) for hit in kept]
    for place, hit in enumerate(kept):
        others = seen[:place] + seen[place + 1 :]
        hit.hit_class, hit.why = classify(seen[place], others)
        hit.version = VERSION


def _keep(session: Session, sighting: Sighting) -> None:
    signals = sighting.signals
    hit_class, why = classify(signals, ())
    session.add(
        Hit(
            message_id=sighting.target.message,
            tracker_id=sighting.target.tracker,
            link=signals.link,
            at=signals.at,
            agent=signals.agent,
            is_head=signals.is_head,
            hit_class=hit_class,
            why=why,
            version=VERSION,
        )
    )
    session.flush()
    judge_again(session, sighting.target.message or 0)


def _count(session: Session, cells: Counter[Cell]) -> None:
    """Add to the counters, always in the same order, so that two processes that count never deadlock."""
    rows = [
        {"tracker_id": tracker, "link": link, "hour": hour, "hit_class": hit_class, "count": count}
        for (tracker, link, hour, hit_class), count in sorted(cells.items())
        if count
    ]
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(HitCount)
    keys = [HitCount.tracker_id, HitCount.link, HitCount.hour, HitCount.hit_class]
    more = {"count": HitCount.count + insert.excluded.count}
    session.execute(insert.on_conflict_do_update(index_elements=keys, set_=more), rows)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
