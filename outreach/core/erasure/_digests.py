"""Erased addresses, known again by a digest that nobody can read, also outside the database.

Without the key, an address cannot be found by trying. With another key no erased address would be known any more, so
whatever adds addresses or writes to them is refused until the key is back.
"""

import hmac
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self
from unicodedata import normalize

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session
from outreach.core.text import french
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName

if TYPE_CHECKING:
    from outreach.core.settings import Settings


INFO = "erasure_key"
MARK = "effacée-"  # begins what stands in the place of an erased address, and no address can begin so: it has no @
MARK_DIGITS = 32  # of the digest: two addresses never share a mark
NO_KEY = "Réglez OUTREACH_ERASURE_KEY : sans cette clé, une adresse effacée ne serait plus reconnue."
OTHER_KEY = (
    "Des adresses ont été effacées avec une clé que cette installation n’a pas : rendez à OUTREACH_ERASURE_KEY sa "
    "valeur d’alors. Tant qu’elle manque, une adresse effacée ne serait pas reconnue, et aucune adresse n’est ajoutée."
)


def info_of(settings: "Settings") -> dict[str, object]:
    """The key that the sessions of a database carry, so that every process knows an erased address."""
    return {INFO: settings.erasure_key.get_secret_value()}


def erasure_key(session: Session) -> str:
    """The key of this installation. Raises Refused without one."""
    key = session.info.get(INFO)
    if not isinstance(key, str) or not key:
        raise Refused(NO_KEY)
    return key


def digest_of(key: str, address_key: str) -> str:
    """The digest of an address as it is compared: 64 hexadecimal digits."""
    return hmac.digest(key.encode(), address_key.encode(), "sha256").hex()


def digests_of(key: str, address_key: str) -> tuple[str, ...]:
    """The digests by which an address may be known: its own, and the one from before “ß” stayed in domains."""
    keys = dict.fromkeys((address_key, normalize("NFC", address_key.casefold())))
    return tuple(digest_of(key, one) for one in keys)


def mark_of(digest: str) -> str:
    """What stands in the place of an address with this digest."""
    return MARK + digest[:MARK_DIGITS]


def is_mark(address_key: str) -> bool:
    """Whether this stands in the place of an erased address."""
    return address_key.startswith(MARK)


def sign_of(key: str) -> str:
    """The sign by which a key is told from others; it says nothing of it."""
    return digest_of(key, "")[:16]


class Erasure(Base):
    """An address that was erased: a digest that only the installation's key makes, and `key`, which tells that key.

    Nobody is written to at such an address again. Rows are only added.
    """

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    key: Mapped[str] = mapped_column(String(16))
    erased_at: Mapped[datetime]
    erased_by: Mapped[str] = mapped_column(String(255))


def refuse_other_key(session: Session) -> None:
    """Raise Refused where addresses were erased with a key that the installation has not. It reads one row."""
    key = session.info.get(INFO)
    others = select(Erasure.id)
    if isinstance(key, str) and key:
        others = others.where(Erasure.key != sign_of(key))
    if session.scalar(others.limit(1)) is not None:
        raise Refused(OTHER_KEY)


@dataclass(frozen=True, slots=True)
class ErasedAddresses:
    """The erased addresses: when each was erased, by digest, and the key that made the digests ('' without any)."""

    key: str
    at: Mapping[str, datetime]

    @classmethod
    def of(cls, session: Session) -> Self:
        """All of them. Raises Refused where there are any, and the installation has not their key."""
        refuse_other_key(session)
        rows = session.execute(select(Erasure.digest, Erasure.erased_at)).all()
        return cls(erasure_key(session), {row.digest: row.erased_at for row in rows}) if rows else cls("", {})

    def mark(self, address_key: str) -> str:
        """What stands in the place of this address, or '' where it is not erased."""
        digest = self._known(address_key)
        return mark_of(digest) if digest else ""

    def refuse(self, address_key: str, remedy: str = "Demandez une autre adresse au pouvoir organisateur.") -> None:
        """Raise InputError for an erased address, with what to do instead."""
        erased_at = self.at.get(self._known(address_key))
        if erased_at is not None:
            raise InputError(
                f"Cette adresse a été effacée le {french.day(erased_at)}, comme la personne l’a demandé : on ne lui "
                f"écrit plus. {remedy}"
            )

    def _known(self, address_key: str) -> str:
        """The digest by which this address is known, or ''."""
        digests = digests_of(self.key, address_key) if self.at else ()
        return next((digest for digest in digests if digest in self.at), "")


FILE = "erasures.jsonl"  # in the data folder


@dataclass(frozen=True, slots=True)
class DigestLine:
    """An erasure: the digest of the address, the sign of the key that made it, when, and whether the address stayed."""

    digest: str
    key: str
    at: datetime
    keeps_address: bool = False


def add_erasure(folder: Path, line: DigestLine) -> None:
    """Add an erasure to the file, down to the disk. Raises OSError."""
    held = {"digest": line.digest, "key": line.key, "at": line.at.isoformat()}
    told = json.dumps(held | ({"keeps_address": True} if line.keeps_address else {})) + "\n"
    place = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(place, "w", encoding="utf-8") as file:
        file.write(told)
        file.flush()
        os.fsync(file.fileno())


def carry_erasures(source: Path, target: Path) -> None:
    """Add to the file of one folder the erasures of another folder's file that it lacks.

    A backup carries them beside itself, and a restore back, as the disk of the data folder may be lost. Raises OSError,
    InputError for a line that is none.
    """
    known = {(line.digest, line.keeps_address) for line in read_erasures(target)}
    for line in read_erasures(source):
        if (line.digest, line.keeps_address) not in known:
            add_erasure(target, line)


def read_erasures(folder: Path) -> list[DigestLine]:
    """The erasures of the file, the oldest first; none without a file. Raises InputError for a line that is none."""
    path = folder / FILE
    if not path.exists():
        return []
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            held = json.loads(text)
            at, keeps = datetime.fromisoformat(held["at"]), bool(held.get("keeps_address"))
            lines.append(DigestLine(held["digest"], held["key"], at, keeps))
        except (ValueError, KeyError, TypeError, AttributeError):
            said = f"{path}, ligne {number} : ce n’est pas un effacement ; remettez la ligne d’origine."
            raise InputError(said) from None
    return lines


CLOSED = (
    "L’adresse de ce courriel a été effacée, comme la personne l’a demandé. Seule l’administration ouvre encore ce "
    "qu’il disait, et le journal des accès le note : demandez-lui."
)


def is_open(address_key: str, roles: Collection[RoleName]) -> bool:
    """Whether somebody with these roles opens a letter to this address, or to the mark in its place."""
    return not is_mark(address_key) or RoleName.ADMINISTRATOR in roles


def refuse_closed(address_key: str, roles: Collection[RoleName]) -> None:
    """Raise Refused, with whose task it is, unless somebody with these roles opens the letter."""
    if not is_open(address_key, roles):
        raise Refused(CLOSED)
