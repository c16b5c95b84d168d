"""The recipients of a mailing: written in batches, with the schools listed, and read to be composed."""

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Executable,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeEngine

from outreach.core import erasure
from outreach.core.db import Session, UtcDateTime, table_of
from outreach.core.db.bulk import among
from outreach.core.db.prepared import PreparedForAll, PreparedForEach
from outreach.core.erasure import ErasedAddresses
from outreach.delivery.models import (
    Batch,
    Composition,
    Mailing,
    Message,
    MessageState,
    MessageSubject,
    Purpose,
    Reason,
    is_in,
)
from outreach.delivery.outbox._outbox import LEFT

BATCH = 480  # a multiple of the usual numbers of connections, so that the last round of a batch is full, too
ADDRESS = ("address", "address_key", "address_ascii")
AT_ONCE = 1000  # rows held in memory at a time: holding all those of a large launch would take the most memory of all


@dataclass(frozen=True, slots=True)
class Addressee:
    """An intended recipient: an authority or a federation, by its key (the other is None), at one address.

    Both are None for the service's own people.

    `schools` are those that the letter lists as open; a `reason` leaves the recipient out. `is_limited` says that the
    address answers for some schools of the authority only.
    """

    authority_id: int | None
    address: str
    address_key: str
    address_ascii: str
    schools: tuple[int, ...] = ()
    reason: Reason | None = None
    federation_id: int | None = None
    is_limited: bool = False


def put_recipients(
    session: Session,
    mailing: Mailing,
    addressees: Sequence[Addressee],
    return_path: Callable[[str], str],
    *,
    now: datetime,
) -> list[int]:
    """Write the recipients of a mailing, those left out with their reason; returns the keys of their letters.

    `return_path` gives the envelope sender for a `public_id`. Raises IntegrityError when a recipient is there already:
    nobody is written to twice in a mailing. An erased address is left out, and its mark stands in its place.
    """
    erased = ErasedAddresses.of(session)
    batches = _batches(session, mailing, len(addressees))
    written: list[int] = []
    for start in range(0, len(addressees), AT_ONCE):
        some = [_unless_erased(one, erased) for one in addressees[start : start + AT_ONCE]]
        names = [secrets.token_hex(8) for _ in some]
        places = [batches[(start + place) // BATCH] for place in range(len(some))]
        rows = [
            _row(batch, name, return_path(name), addressee)
            for batch, name, addressee in zip(places, names, some, strict=True)
        ]
        keys = dict(_WRITTEN.returned(session, rows, mailing=mailing.id, at=now))
        written += keys.values()
        listed = [
            (keys[name], school) for name, addressee in zip(names, some, strict=True) for school in addressee.schools
        ]
        if listed:
            _LISTED.change(session, listed)
    return written


def listed_schools(moment: datetime) -> Select[int, int | None]:
    """The schools that letters of campaigns listed and which strand these are about: columns school_id, strand_id.

    Of the letters that had left by the moment and had not come back by then; in doubt, a letter counts.
    """
    came_back_later = and_(
        Message.state == MessageState.REFUSED, Message.reply_code.is_(None), Message.settled_at > moment
    )
    has_left = or_(Message.state.in_(LEFT), Message.resent_at.is_not(None), came_back_later)
    return (
        select(MessageSubject.school_id, Mailing.strand_id)
        .join(Message, Message.id == MessageSubject.message_id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(Mailing.purpose == Purpose.CAMPAIGN, Message.fenced_at <= moment, has_left)
    )


def schools_named_in(mailings: Sequence[int]) -> Select[int]:
    """The keys of the schools that letters of some mailings listed as they left."""
    named = select(MessageSubject.school_id).join(Message, Message.id == MessageSubject.message_id)
    return named.where(Message.mailing_id.in_(mailings), Message.fenced_at.is_not(None))


_AT = bindparam("at", type_=UtcDateTime)
_GIVEN: dict[str, type[TypeEngine[Any]]] = {
    **dict.fromkeys(("batch_id", "authority_id", "federation_id"), Integer),
    **dict.fromkeys(("public_id", "return_path"), Text),
    **dict.fromkeys((*ADDRESS, "state", "reason"), Text),
}
_SAME: dict[str, Any] = {
    "mailing_id": bindparam("mailing", type_=Integer),
    **dict.fromkeys(("dated_at", "due_at"), _AT),
    **dict.fromkeys(("attempts", "revision"), literal(0, Integer)),
    **dict.fromkeys(("reply_status", "reply_text"), literal("", Text)),
}


def _writing(given: Any) -> Executable:
    settled: Any = case((given.reason.is_(None), null()), else_=_AT)
    values = [*_SAME.values(), *(getattr(given, name) for name in _GIVEN), settled]
    return (
        insert(table_of(Message))
        .from_select((*_SAME, *_GIVEN, "settled_at"), select(*values), include_defaults=False)
        .returning(Message.public_id, Message.id)
    )


_WRITTEN = PreparedForAll(_writing, **_GIVEN)
_LISTED = PreparedForEach(
    lambda given: insert(table_of(MessageSubject)).from_select(
        ["message_id", "school_id"], select(given.message, given.school)
    ),
    message=BigInteger,
    school=Integer,
)


def _unless_erased(addressee: Addressee, erased: ErasedAddresses) -> Addressee:
    key = addressee.address_key
    mark = key if erasure.is_mark(key) else erased.mark(key)
    if not mark:
        return addressee
    return replace(addressee, address=mark, address_key=mark, address_ascii=mark, reason=Reason.SUPPRESSED)


def _row(batch: int, name: str, return_path: str, addressee: Addressee) -> tuple[Any, ...]:
    state = MessageState.WITHDRAWN if addressee.reason else MessageState.QUEUED
    address = tuple(getattr(addressee, name) for name in ADDRESS)
    reason = addressee.reason and addressee.reason.value
    to = (addressee.authority_id, addressee.federation_id)
    return batch, *to, name, return_path, *address, state.value, reason


def _batches(session: Session, mailing: Mailing, count: int) -> Sequence[int]:
    last = session.scalar(select(func.max(Batch.number)).where(Batch.mailing_id == mailing.id)) or 0
    rows = [{"mailing_id": mailing.id, "number": last + 1 + place} for place in range(-(-count // BATCH))]
    if not rows:
        return []
    return session.scalars(insert(Batch).returning(Batch.id, sort_by_parameter_order=True), rows).all()


class Due(NamedTuple):
    """A letter to compose: its recipient, what was fixed at launch, the keys of the schools it lists, in order.

    `kept` is its stored content, when it must be the same to the byte; else None. `authority_id` is None for a letter
    to a federation, and for a mail to the service's own people.
    """

    schools: tuple[int, ...]
    kept: str | None
    id: int
    mailing_id: int
    authority_id: int | None
    address: str
    address_key: str
    address_ascii: str
    public_id: str
    dated_at: datetime
    return_path: str
    revision: int

    @property
    def recipient(self) -> str:
        """The address in the SMTP envelope."""
        return self.address_ascii or self.address


class Composed(NamedTuple):
    """A letter ready to leave: its bytes, and the content (JSON) to store so that they can be made again.

    `content` is '' when it is stored already. A letter may come from another process, so it holds only what sending
    needs, as plain values.
    """

    id: int
    revision: int
    recipient: str
    sender: str
    wire: bytes
    content: str

    @classmethod
    def of(cls, due: Due, wire: bytes, content: str) -> "Composed":
        """The letter of a recipient. Content that was stored before, and used again, is not stored anew."""
        kept = "" if due.kept is not None else content
        return cls(due.id, due.revision, due.recipient, due.return_path, wire, kept)


def due_in(session: Session, batch: int, *, now: datetime) -> list[Due]:
    """The letters of a batch that are due, in order, with the schools they list."""
    values = {"batch": batch, "now": now}
    listed: dict[int, list[int]] = {}
    for message, school in session.execute(_LISTED_SCHOOLS, values):
        listed.setdefault(message, []).append(school)
    return [Due(tuple(listed.get(facts[0], ())), kept, *facts) for kept, *facts in session.execute(_DUE, values)]


def due_of(session: Session, message: Message) -> Due:
    """One letter to compose, whatever its state."""
    listed = select(MessageSubject.school_id).where(MessageSubject.message_id == message.id)
    schools = tuple(session.scalars(listed.order_by(MessageSubject.school_id)))
    return Due(schools, None, *(getattr(message, fact.key) for fact in _FACTS))


def listed_by_mailbox(mailings: Collection[int], authorities: Collection[int]) -> Select[int | None, str, int]:
    """The schools that letters to some authorities list, none withdrawn: rows of authority, address_key, school."""
    query = select(Message.authority_id, Message.address_key, MessageSubject.school_id)
    query = query.join(MessageSubject, MessageSubject.message_id == Message.id)
    of_them = among(type_coerce(Message.authority_id, Integer), authorities), Message.mailing_id.in_(mailings)
    return query.where(*of_them, Message.state != MessageState.WITHDRAWN)


# Built once: building a statement costs as much as executing it.
_FACTS: Sequence[InstrumentedAttribute[Any]] = (
    Message.id,
    Message.mailing_id,
    Message.authority_id,
    Message.address,
    Message.address_key,
    Message.address_ascii,
    Message.public_id,
    Message.dated_at,
    Message.return_path,
    Message.revision,
)
_OF_BATCH = and_(Message.batch_id == bindparam("batch"), is_in(MessageState.QUEUED))
IS_DUE_OF_BATCH = and_(_OF_BATCH, Message.due_at <= bindparam("now"))
_DUE = (
    select(Composition.content, *_FACTS)
    .outerjoin(
        Composition,
        and_(
            Composition.message_id == Message.id,
            Composition.revision == Message.revision,
            Message.resent_at.is_not(None),
        ),
    )
    .where(IS_DUE_OF_BATCH)
    .order_by(Message.due_at, Message.id)
)
_LISTED_SCHOOLS = (
    select(MessageSubject.message_id, MessageSubject.school_id)
    .join(Message, Message.id == MessageSubject.message_id)
    .where(_OF_BATCH)
    .order_by(MessageSubject.school_id)
)
