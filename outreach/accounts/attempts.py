"""Counts failed sign-ins by account and by network address, to slow down password guessing.

A browser whose owner signed in before is counted apart, so that an attacker cannot lock the owner out (OWASP, "Slow
Down Online Guessing Attacks with Device Cookies"). The counts are rows, so they hold for every process and machine.
A row says a moment and a keyed digest: without the secret key nobody can tell which account or network it counts.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Index, LargeBinary, func, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Session, take_turns

PERIOD = timedelta(minutes=15)
PAUSE = timedelta(seconds=5)  # of a name that is slowed, and not locked out
DIGEST_BYTES = 16


class SignInAttempt(Base):
    """An attempt to sign in that failed, under one of the names it counts under.

    Personal data.
    """

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_name_at", "name", "at"), Index("ix_sign_in_attempts_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[bytes] = mapped_column(LargeBinary(DIGEST_BYTES))
    at: Mapped[datetime]


def key_of(secret: str) -> bytes:
    """The key of the digests, derived from the secret that signs sessions."""
    return hmac.digest(secret.encode(), b"failed sign-ins", hashlib.sha256)


def is_open(session: Session, key: bytes, most: Mapping[str, int], *, now: datetime) -> bool:
    """Whether no name has reached the number of failures permitted to it within the last 15 minutes."""
    limits = {digest_of(key, name): count for name, count in most.items()}
    # A row from far ahead was written before the clock was put back: it counts no more than one from long ago.
    recent = SignInAttempt.at > now - PERIOD, SignInAttempt.at < now + PERIOD
    counts = (
        select(SignInAttempt.name, func.count())
        .where(SignInAttempt.name.in_(list(limits)), *recent)
        .group_by(SignInAttempt.name)
    )
    return all(count < limits[name] for name, count in session.execute(counts))


def count_failure(session: Session, key: bytes, most: Mapping[str, int], *, now: datetime) -> bool:
    """Count a failed attempt under each name; False, and nothing is counted, when a name has reached its limit."""
    take_turns(session, "sign-ins")
    if not is_open(session, key, most, now=now):
        return False
    for name in most:
        count(session, key, name, now=now)
    return True


def count(session: Session, key: bytes, name: str, *, now: datetime) -> None:
    """Count a failed attempt under a name."""
    session.add(SignInAttempt(name=digest_of(key, name), at=now))


def may_try(session: Session, key: bytes, name: str, *, most: int, now: datetime) -> bool:
    """Whether a name may try again: after so many failures within 15 minutes it has to wait a little after each."""
    of_name = (
        SignInAttempt.name == digest_of(key, name),
        SignInAttempt.at > now - PERIOD,
        SignInAttempt.at < now + PERIOD,
    )
    count, last = session.execute(select(func.count(), func.max(SignInAttempt.at)).where(*of_name)).one()
    return count < most or abs(now - last) >= PAUSE


def digest_of(key: bytes, name: str) -> bytes:
    """The digest that stands for a name: without the key nobody can tell whose it is."""
    return hmac.digest(key, name.encode("utf-8", "surrogatepass"), hashlib.sha256)[:DIGEST_BYTES]
