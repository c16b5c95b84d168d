"""Letters to compose (those due in a batch, with the schools they list), and composed letters."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, and_, bindparam, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from outreach.db import Session
from outreach.db.in_list import among
from outreach.delivery.models import Composition, Message, MessageState, MessageSubject, is_in


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
    asked = {"batch": batch, "now": now}
    listed: dict[int, list[int]] = {}
    for message, school in session.execute(_LISTED, asked):
        listed.setdefault(message, []).append(school)
    return [Due(tuple(listed.get(facts[0], ())), kept, *facts) for kept, *facts in session.execute(_DUE, asked)]


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
_LISTED = (
    select(MessageSubject.message_id, MessageSubject.school_id)
    .join(Message, Message.id == MessageSubject.message_id)
    .where(_OF_BATCH)
    .order_by(MessageSubject.school_id)
)
