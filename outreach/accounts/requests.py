"""Requests for a forgotten password: the same row whether the address has an account or not, read by the clock.

So the page that takes them does the same in the same time for any address. A row is a moment and two keyed digests, of
the address and of the network: without the secret key nobody can tell whose they are.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Index, LargeBinary, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Session, table_of, take_turns

PERIOD = timedelta(hours=1)
MOST_BY_ADDRESS = 3
MOST_BY_NETWORK = 1000  # an office shares an address, as does all that a web server nobody names stands for
DIGEST_BYTES = 16


class PasswordRequest(Base):
    """Somebody typed an address as that of a forgotten password. `handled_at`: the clock has looked whose it is.

    Personal data.
    """

    __tablename__ = "password_requests"
    __table_args__ = (
        Index("ix_password_requests_address_at", "address", "at"),
        Index("ix_password_requests_network_at", "network", "at"),
        Index("ix_password_requests_at", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[bytes] = mapped_column(LargeBinary(DIGEST_BYTES))
    network: Mapped[bytes] = mapped_column(LargeBinary(DIGEST_BYTES))
    at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


def key_of(secret: str) -> bytes:
    """The key of the digests, derived from the secret that signs sessions."""
    return hmac.digest(secret.encode(), b"password requests", hashlib.sha256)


def is_slowed(session: Session, key: bytes, network: str, *, now: datetime) -> bool:
    """Whether too many requests came from a network within the hour. It only reads: a flood holds up no writer."""
    return _count(session, PasswordRequest.network == _digest(key, "network", network), now) >= MOST_BY_NETWORK


def is_enough(session: Session, key: bytes, address: str, *, now: datetime) -> bool:
    """Whether an address key was asked for as often as is answered within the hour. It only reads, as `is_slowed`."""
    return _count(session, PasswordRequest.address == _digest(key, "address", address), now) >= MOST_BY_ADDRESS


def ask(session: Session, key: bytes, address: str, network: str, *, now: datetime) -> None:
    """Keep a request for an address key, unless it is one too many within the hour: three are answered."""
    take_turns(session, "password requests")
    if not is_enough(session, key, address, now=now):
        row = {"address": _digest(key, "address", address), "network": _digest(key, "network", network), "at": now}
        session.execute(insert(table_of(PasswordRequest)).values(**row))


def waiting(session: Session) -> Mapping[int, bytes]:
    """The requests that the clock has not looked at: the digests of their addresses, by number."""
    query = select(PasswordRequest.id, PasswordRequest.address).where(PasswordRequest.handled_at.is_(None))
    return dict(session.execute(query).all())


def digests_of(key: bytes, addresses: Iterable[str]) -> dict[bytes, str]:
    """These address keys, by the digests that requests have of them."""
    return {_digest(key, "address", address): address for address in addresses}


def handle(session: Session, numbers: Sequence[int], *, now: datetime) -> set[int]:
    """Mark these requests as looked at; returns those that no other process had marked."""
    mine = PasswordRequest.id.in_(numbers), PasswordRequest.handled_at.is_(None)
    return set(
        session.scalars(update(PasswordRequest).where(*mine).values(handled_at=now).returning(PasswordRequest.id))
    )


def _count(session: Session, which: ColumnElement[bool], now: datetime) -> int:
    # A row from far ahead was written before the clock was put back: it counts no more than one from long ago.
    recent = PasswordRequest.at > now - PERIOD, PasswordRequest.at < now + PERIOD
    return session.scalar(select(func.count()).select_from(PasswordRequest).where(which, *recent)) or 0


def _digest(key: bytes, kind: str, name: str) -> bytes:
    return hmac.digest(key, f"{kind}:{name}".encode("utf-8", "surrogatepass"), hashlib.sha256)[:DIGEST_BYTES]
