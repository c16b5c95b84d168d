"""Writes the recipients of a mailing in batches: a row for each, and for each school listed; reads which those were."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

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
)
from sqlalchemy.types import TypeEngine

from outreach.db import Session, UtcDateTime, table_of
from outreach.db.compiled import PreparedForAll, PreparedForEach
from outreach.delivery.ledger.outbox import LEFT
from outreach.delivery.models import Batch, Mailing, Message, MessageState, MessageSubject, Purpose, Reason
from outreach.erasures import digests
from outreach.erasures.digests import ErasedAddresses

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


def put(
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
    mark = key if digests.is_mark(key) else erased.mark(key)
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
