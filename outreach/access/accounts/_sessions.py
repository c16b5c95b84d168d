"""Sessions of staff, a row for each browser; and failed sign-ins, counted to slow guessing down.

A browser whose owner signed in before is counted apart, so that an attacker cannot lock the owner out (OWASP, "Slow
Down Online Guessing Attacks with Device Cookies"). The counts are rows, so they hold for every process and machine.
A row says a moment and a keyed digest: without the secret key nobody can tell which account or network it counts.

The browser's cookie holds a random key, the row its digest: whoever reads the table cannot enter by it. A row says
when a session began and in what kind of browser. It says no network address, and nothing of what was done. A session
that ends loses its row.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, Index, LargeBinary, String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.access.accounts._calendar_keys import end_calendar_key
from outreach.core.db import Base, Session, take_lock
from outreach.core.text.errors import NotFound

PERIOD = timedelta(minutes=15)
PAUSE = timedelta(seconds=5)  # of a name that is slowed, and not locked out
ATTEMPT_DIGEST_BYTES = 16


class SignInAttempt(Base):
    """An attempt to sign in that failed, under one of the names it counts under.

    Personal data.
    """

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_name_at", "name", "at"), Index("ix_sign_in_attempts_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[bytes] = mapped_column(LargeBinary(ATTEMPT_DIGEST_BYTES))
    at: Mapped[datetime]


def attempt_key(secret: str) -> bytes:
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
    take_lock(session, "sign-ins")
    if not is_open(session, key, most, now=now):
        return False
    for name in most:
        count_attempt(session, key, name, now=now)
    return True


def count_attempt(session: Session, key: bytes, name: str, *, now: datetime) -> None:
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
    return hmac.digest(key, name.encode("utf-8", "surrogatepass"), hashlib.sha256)[:ATTEMPT_DIGEST_BYTES]


LIFETIME = timedelta(hours=12)
DIGEST_BYTES = 32


class StaffSession(Base):
    """A browser in which somebody is signed in. `browser` is French and coarse: “Firefox sous Windows”.

    `has_factor`: whoever signed in gave a second factor, too. Personal data. The row goes when it ends.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id", "user_id"), Index("ix_sessions_began_at", "began_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(DIGEST_BYTES), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    began_at: Mapped[datetime]
    browser: Mapped[str] = mapped_column(String(60))
    has_factor: Mapped[bool] = mapped_column(default=False)


def begin_session(session: Session, user_id: int, browser: str, *, has_factor: bool = False, now: datetime) -> str:
    """Begin a session of this person, and return the key for the cookie; it cannot be read again."""
    key = secrets.token_urlsafe(32)
    row = StaffSession(digest=_digest(key), user_id=user_id, began_at=now, browser=browser, has_factor=has_factor)
    session.add(row)
    session.flush()
    return key


def is_key(key: str) -> ColumnElement[bool]:
    """The condition that a row is that of this key."""
    return StaffSession.digest == _digest(key)


def is_going_on(now: datetime) -> ColumnElement[bool]:
    """The condition that a session is no older than 12 hours."""
    return StaffSession.began_at > now - LIFETIME


def sessions_of(session: Session, user_id: int, *, now: datetime) -> Sequence[StaffSession]:
    """A person's sessions that go on, the newest first."""
    query = select(StaffSession).where(StaffSession.user_id == user_id, is_going_on(now))
    return session.scalars(query.order_by(StaffSession.began_at.desc(), StaffSession.id.desc())).all()


def session_number(session: Session, key: str) -> int | None:
    """The number of the session with this key, or None."""
    return session.scalar(select(StaffSession.id).where(is_key(key)))


def began_at(session: Session, key: str) -> datetime | None:
    """When the session with this key began; None when it has ended."""
    return session.scalar(select(StaffSession.began_at).where(is_key(key)))


def has_factor(session: Session, key: str) -> bool:
    """Whether the session with this key began with a second factor."""
    return bool(session.scalar(select(StaffSession.has_factor).where(is_key(key))))


def end_session(session: Session, key: str) -> None:
    """End the session with this key, if it still goes on."""
    session.execute(delete(StaffSession).where(is_key(key)))


def end_numbered(session: Session, user_id: int, number: int) -> None:
    """End a session of this person. Raises NotFound when there is none with this number."""
    mine = StaffSession.id == number, StaffSession.user_id == user_id
    if session.scalar(delete(StaffSession).where(*mine).returning(StaffSession.id)) is None:
        raise NotFound("Cette session est déjà terminée.")


def end_sessions(session: Session, user_id: int, *, but: str = "") -> bool:
    """End every session of this person, except the one with the key `but`, and the address of the person's calendar.

    Says whether there was one: whoever thinks that somebody else came in wants that one out, too.
    """
    others = [~is_key(but)] if but else []
    session.execute(delete(StaffSession).where(StaffSession.user_id == user_id, *others))
    return end_calendar_key(session, user_id)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
