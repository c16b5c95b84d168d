"""Groups of recipients that share a pixel (or none) and links, each big enough to hide everybody in it."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, Integer, bindparam, delete, exists, func, insert, select
from sqlalchemy.engine import Connection

from outreach.core.db import Session
from outreach.delivery.models import Mailing, Message, MessageState
from outreach.directory.models import Authority, Network
from outreach.engagement.tracking._bases import measurable_at
from outreach.engagement.tracking._models import TrackedLink, Tracker, TrackerNetwork, TrackingMode

SMALLEST = 20
OTHERS = "Autres réseaux"
Writer = Session | Connection  # a connection suffices to store hits, and costs less
Links = dict[int, Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a token: the group it names, or None where it names a letter; the addresses of the links."""

    tracker: int | None
    links: Mapping[int, str]


def set_up(session: Session, mailing: Mailing, urls: Mapping[int, str], mode: TrackingMode) -> None:
    """Give a mailing its groups, each with a pixel and these links, once all its recipients are stored.

    Call it again when recipients are added, as long as no letter has left. In individual mode, mailboxes with a basis
    are left out of the groups, as they are measured alone and hide nobody. The basis is read as of `filled_at`, so
    groups are final only then.
    """
    _forget(session, mailing)
    rows = [{"mailing_id": mailing.id, "number": number, "url": url} for number, url in urls.items()]
    if rows:
        session.execute(insert(TrackedLink), rows)
    sizes = _sizes(session, mailing, mode)
    labels = {network.id: network.label for network in session.scalars(select(Network))}
    for group in groups(sizes):
        name = labels[next(iter(group))] if len(group) == 1 else _named(group, sizes, labels)
        recipients = sum(sizes[network] for network in group)
        tracker = Tracker(mailing_id=mailing.id, public_id=secrets.token_hex(8), name=name, recipients=recipients)
        session.add(tracker)
        session.flush()
        session.add_all(TrackerNetwork(tracker_id=tracker.id, network_id=network) for network in sorted(group))


def are_set_up(session: Session, mailing: Mailing) -> bool:
    """Whether a mailing has its groups, or links that are counted."""
    has_groups = exists().where(Tracker.mailing_id == mailing.id)
    return bool(session.scalar(select(has_groups | exists().where(TrackedLink.mailing_id == mailing.id))))


def groups(sizes: Mapping[int, int]) -> list[frozenset[int]]:
    """Networks put together so that no group has fewer than twenty recipients; no group when all together have fewer.

    The networks below twenty form one group; if that group is too small, it joins the largest network.
    """
    if sum(sizes.values()) < SMALLEST:
        return []
    small = frozenset(network for network, size in sizes.items() if size < SMALLEST)
    big = [frozenset({network}) for network in sizes.keys() - small]
    if sum(sizes[network] for network in small) >= SMALLEST:
        return [*big, small]
    if small:
        largest = max(big, key=lambda group: (sizes[next(iter(group))], -next(iter(group))))
        big = [group | small if group is largest else group for group in big]
    return big


def of_mailing(session: Session, mailing: int) -> dict[int, bytes]:
    """The eight bytes that the tokens of a mailing hold, by the key of the recipient's network."""
    query = select(TrackerNetwork.network_id, Tracker.public_id).join(Tracker, Tracker.id == TrackerNetwork.tracker_id)
    rows = session.execute(query.where(Tracker.mailing_id == mailing))
    return {network: bytes.fromhex(public_id) for network, public_id in rows}


def target_of(session: Session, identity: bytes) -> Target | None:
    """The target of a token with these eight bytes: a group, or one letter; None when they name neither."""
    return targets_of(session, [identity], {}).get(identity)


def targets_of(session: Writer, identities: Iterable[bytes], links: Links) -> dict[bytes, Target]:
    """The targets of tokens, by their eight bytes; those that name nothing are left out.

    `links` remembers the addresses of each mailing, which never change once a letter has left. It is added to.
    """
    names = [identity.hex() for identity in identities]
    found: list[tuple[str, int, int | None]] = [
        (name, mailing, None) for name, mailing in session.execute(_MAILINGS, {"names": names})
    ]
    if rest := set(names) - {name for name, _, _ in found}:
        found += groups_named(session, list(rest))
    return _with_links(session, found, links)


def latest_trackers(session: Writer, after: int, most: int, links: Links) -> dict[bytes, Target]:
    """The newest groups of a key greater than this, by the eight bytes of their tokens: at most so many."""
    found = session.execute(_LATEST, {"after": after, "most": most}).all()
    return _with_links(session, found, links)


def groups_named(session: Writer, names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Of the groups with these `public_id`: the name, the keys of the mailing and of the group."""
    return [(name, mailing, tracker) for name, mailing, tracker in session.execute(_GROUPS, {"names": names})]


def letters_named(session: Writer, names: Sequence[str]) -> dict[str, tuple[int, int | None]]:
    """The keys of the letters with these `public_id`, and of their groups, by name."""
    return {name: (letter, tracker) for name, letter, tracker in session.execute(_LETTERS, {"names": names})}


def _with_links(session: Writer, found: Sequence[tuple[str, int, int | None]], links: Links) -> dict[bytes, Target]:
    for mailing in {mailing for _, mailing, _ in found} - links.keys():
        links[mailing] = _links(session, mailing)
    return {bytes.fromhex(name): Target(tracker, links[mailing]) for name, mailing, tracker in found}


def _forget(session: Session, mailing: Mailing) -> None:
    of_mailing = select(Tracker.id).where(Tracker.mailing_id == mailing.id)
    session.execute(delete(TrackerNetwork).where(TrackerNetwork.tracker_id.in_(of_mailing)))
    for table in (Tracker, TrackedLink):
        session.execute(delete(table).where(table.mailing_id == mailing.id))


def _links(session: Writer, mailing: int) -> dict[int, str]:
    query = select(TrackedLink.number, TrackedLink.url).where(TrackedLink.mailing_id == mailing)
    return dict(session.execute(query).all())


def _sizes(session: Session, mailing: Mailing, mode: TrackingMode) -> dict[int, int]:
    """How many authorities of each network this mailing writes to, without those that are measured alone."""
    is_written_to = [Message.mailing_id == mailing.id, Message.state != MessageState.WITHDRAWN]
    if mode is TrackingMode.INDIVIDUAL and mailing.filled_at is not None:
        is_written_to.append(Message.id.not_in(measurable_at(mailing.filled_at)))
    query = select(Authority.network_id, func.count(Authority.id.distinct())).join(
        Message, Message.authority_id == Authority.id
    )
    return dict(session.execute(query.where(*is_written_to).group_by(Authority.network_id)).all())


def _named(group: frozenset[int], sizes: Mapping[int, int], labels: Mapping[int, str]) -> str:
    big: Sequence[int] = [network for network in group if sizes[network] >= SMALLEST]
    return f"{labels[big[0]]} et {OTHERS.lower()}" if big else OTHERS


# Built once: building a statement costs as much as executing it.
_NAMES: BindParameter[Sequence[str]] = bindparam("names", expanding=True)
_GROUPS = select(Tracker.public_id, Tracker.mailing_id, Tracker.id).where(Tracker.public_id.in_(_NAMES))
_LATEST = (
    select(Tracker.public_id, Tracker.mailing_id, Tracker.id)
    .where(Tracker.id > bindparam("after", type_=Integer))
    .order_by(Tracker.id.desc())
    .limit(bindparam("most", type_=Integer))
)
_MAILINGS = select(Message.public_id, Message.mailing_id).where(Message.public_id.in_(_NAMES))
_GROUP_OF_LETTER = (
    select(Tracker.id)
    .join(TrackerNetwork, TrackerNetwork.tracker_id == Tracker.id)
    .join(Authority, Authority.network_id == TrackerNetwork.network_id)
    .where(Tracker.mailing_id == Message.mailing_id, Authority.id == Message.authority_id)
    .correlate(Message)
    .scalar_subquery()
)
_LETTERS = select(Message.public_id, Message.id, _GROUP_OF_LETTER).where(Message.public_id.in_(_NAMES))
