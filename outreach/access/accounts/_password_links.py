"""Links by which a person chooses a password, and requests for one that was forgotten.

A link holds a random token, its row the token's digest: whoever reads the table cannot use it. A link serves once. A
newer one ends it, but one that anybody may ask for ends none that an administrator made: a stranger would lock a person
out who was just invited. Opening a link changes nothing, as programs that scan mail open every link.

So the page that takes them does the same in the same time for any address. A row is a moment and two keyed digests, of
the address and of the network: without the secret key nobody can tell whose they are.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, Index, LargeBinary, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from outreach.access.colleagues import USERS
from outreach.core.db import Base, Session, enum_of, table_of, take_lock
from outreach.core.text.errors import OutreachError
from outreach.core.text.french import moment
from outreach.core.text.labelled import Labelled

PATH = "/account/links/"
DIGEST_BYTES = 32


class LinkKind(Labelled):
    """What a link is for: an invitation, a new password asked by an administrator, or by the person."""

    INVITATION = "invitation", "invitation"
    RESET = "reset", "demandé par l’administration"
    FORGOTTEN = "forgotten", "mot de passe oublié"

    @property
    def lifetime(self) -> timedelta:
        """How long a link serves."""
        return timedelta(hours=1) if self is LinkKind.FORGOTTEN else timedelta(hours=72)

    @property
    def replaces(self) -> frozenset["LinkKind"]:
        """The kinds of earlier links that a new one ends."""
        return frozenset({self} if self is LinkKind.FORGOTTEN else LinkKind)


class AccountLink(Base):
    """A link of an account. `used_at`: a password was chosen by it. `ended_at`: a newer one took its place, or the
    account was closed. Personal data.
    """

    __tablename__ = "account_links"
    __table_args__ = (Index("ix_account_links_user_id", "user_id"), Index("ix_account_links_expires_at", "expires_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[LinkKind] = mapped_column(enum_of(LinkKind, "kind"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(DIGEST_BYTES), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class DeadLink(OutreachError):
    """A link does not serve, or no longer; the message says why and what to do."""


class UnknownLink(DeadLink):
    """No link has this token: it was altered, or its row is deleted."""


@dataclass(frozen=True, slots=True)
class LiveLink:
    """A link that serves, and whose it is."""

    id: int
    kind: LinkKind
    user_id: int
    email: str
    name: str
    expires_at: datetime


def new_token() -> str:
    """A token for a link, which nobody can guess."""
    return secrets.token_urlsafe(32)


def make_link(session: Session, user_id: int, kind: LinkKind, token: str, *, now: datetime) -> int:
    """Make the link with this token, and end the person's earlier ones of the kinds it replaces; returns its number."""
    _end(session, user_id, kind.replaces, now=now)
    row = {
        "user_id": user_id,
        "kind": kind,
        "digest": link_digest(token),
        "made_at": now,
        "expires_at": now + kind.lifetime,
    }
    # Not by the ORM, which would ask for the table of accounts: a process that sends does not load it.
    table = table_of(AccountLink)
    number: int = session.execute(insert(table).values(**row).returning(table.c.id)).scalar_one()
    return number


def read_link(session: Session, token: str, *, now: datetime) -> LiveLink:
    """The link with this token. Raises DeadLink."""
    query = select(AccountLink, USERS.c.email, USERS.c.name, USERS.c.active)
    found = session.execute(
        query.join(USERS, USERS.c.id == AccountLink.user_id).where(AccountLink.digest == link_digest(token))
    ).one_or_none()
    if found is None:
        raise UnknownLink(
            "Ce lien n’est pas entier, ou n’est pas de ce service. Recopiez-le en entier du courriel reçu."
        )
    link, email, name, is_open = found
    if not is_open:
        raise DeadLink("Ce compte est fermé. Adressez-vous à l’administration du service.")
    if link.used_at:
        raise DeadLink("Ce lien a déjà servi : le mot de passe est choisi. Connectez-vous, ou demandez un autre lien.")
    if link.ended_at:
        raise DeadLink(
            "Ce lien ne vaut plus : un autre l’a remplacé, ou le compte a été fermé entre-temps. "
            "Ouvrez le dernier courriel reçu."
        )
    if link.expires_at <= now:
        whom = "demandez-en un autre" if link.kind is LinkKind.FORGOTTEN else "demandez-en un autre à l’administration"
        raise DeadLink(f"Ce lien a expiré le {moment(link.expires_at)} : {whom}.")
    return LiveLink(link.id, link.kind, link.user_id, email, name, link.expires_at)


def use(session: Session, link: LiveLink, *, now: datetime) -> None:
    """Use a link up, and end the person's other ones."""
    session.execute(update(AccountLink).where(AccountLink.id == link.id).values(used_at=now))
    end_links(session, link.user_id, now=now)


def end_links(session: Session, user_id: int, *, now: datetime) -> None:
    """End every link of a person that could still serve."""
    _end(session, user_id, LinkKind, now=now)


def pending_link(session: Session, user_id: int, *, now: datetime) -> AccountLink | None:
    """The link of a person that serves longest, of those that serve now, or None."""
    serves = AccountLink.used_at.is_(None), AccountLink.ended_at.is_(None), AccountLink.expires_at > now
    query = select(AccountLink).where(AccountLink.user_id == user_id, *serves)
    return session.scalar(query.order_by(AccountLink.expires_at.desc()).limit(1))


def _end(session: Session, user_id: int, kinds: Iterable[LinkKind], *, now: datetime) -> None:
    serves = AccountLink.user_id == user_id, AccountLink.used_at.is_(None), AccountLink.ended_at.is_(None)
    session.execute(update(AccountLink).where(*serves, AccountLink.kind.in_(kinds)).values(ended_at=now))


def link_digest(token: str) -> bytes:
    """What a row keeps of a token, of any text that somebody sends."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


PERIOD = timedelta(hours=1)
MOST_BY_ADDRESS = 3
MOST_BY_NETWORK = 1000  # an office shares an address, as does all that a web server nobody names stands for
REQUEST_DIGEST_BYTES = 16


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
    address: Mapped[bytes] = mapped_column(LargeBinary(REQUEST_DIGEST_BYTES))
    network: Mapped[bytes] = mapped_column(LargeBinary(REQUEST_DIGEST_BYTES))
    at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


def request_key(secret: str) -> bytes:
    """The key of the digests, derived from the secret that signs sessions."""
    return hmac.digest(secret.encode(), b"password requests", hashlib.sha256)


def is_slowed(session: Session, key: bytes, network: str, *, now: datetime) -> bool:
    """Whether too many requests came from a network within the hour. It only reads: a flood holds up no writer."""
    return _count(session, PasswordRequest.network == _digest(key, "network", network), now) >= MOST_BY_NETWORK


def is_enough(session: Session, key: bytes, address: str, *, now: datetime) -> bool:
    """Whether an address key was asked for as often as is answered within the hour. It only reads, as `is_slowed`."""
    return _count(session, PasswordRequest.address == _digest(key, "address", address), now) >= MOST_BY_ADDRESS


def ask_for_link(session: Session, key: bytes, address: str, network: str, *, now: datetime) -> None:
    """Keep a request for an address key, unless it is one too many within the hour: three are answered."""
    take_lock(session, "password requests")
    if not is_enough(session, key, address, now=now):
        row = {"address": _digest(key, "address", address), "network": _digest(key, "network", network), "at": now}
        session.execute(insert(table_of(PasswordRequest)).values(**row))


def waiting_requests(session: Session) -> Mapping[int, bytes]:
    """The requests that the clock has not looked at: the digests of their addresses, by number."""
    query = select(PasswordRequest.id, PasswordRequest.address).where(PasswordRequest.handled_at.is_(None))
    return dict(session.execute(query).all())


def digests_of(key: bytes, addresses: Iterable[str]) -> dict[bytes, str]:
    """These address keys, by the digests that requests have of them."""
    return {_digest(key, "address", address): address for address in addresses}


def claim_requests(session: Session, numbers: Sequence[int], *, now: datetime) -> set[int]:
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
    return hmac.digest(key, f"{kind}:{name}".encode("utf-8", "surrogatepass"), hashlib.sha256)[:REQUEST_DIGEST_BYTES]
