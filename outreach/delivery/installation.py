"""Refuses to send from a copied or restored database until a person confirms the installation.

An installation is a data folder on a machine. The folder stores its identity and the time of its clock's last
unhindered pass. The database stores the same two for each installation that may send from it, and where it runs. When
the database's time is older than the folder's, the database was restored from a backup: letters that it holds as unsent
may have left. A hindered pass updates neither time, so a hindrance lasts until a person has confirmed.
"""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select, update

from outreach import audit
from outreach.db import Session, take_turns
from outreach.delivery.places import Installation
from outreach.delivery.smtp.guard import Guard
from outreach.errors import OutreachError
from outreach.settings import PROTECTED, Mode, Settings, listed

SLACK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Here:
    """This installation: identity, place (machine, data folder), time of its clock's last unhindered pass or None."""

    identity: str
    place: str
    seen_at: datetime | None


class Uncertain(OutreachError):
    """The identity file in the data folder cannot be read or written."""


def guard_of(settings: Settings) -> Guard:
    """The guard of this installation: whom it may write to."""
    if settings.mode is Mode.PRODUCTION:
        return Guard(anybody=True)
    return Guard(
        anybody=settings.stays_here,
        allowed=frozenset(address.lower() for address in listed(settings.allowed_recipients)),
        protected=frozenset(PROTECTED),
    )


def place_of(folder: Path) -> str:
    """The place of the installation in this data folder: the machine's name, ':' and the folder."""
    return f"{os.uname().nodename}:{folder.resolve()}"


def read(folder: Path) -> Here:
    """Read this installation from its data folder; the identity is created on first use. Raises Uncertain."""
    path = folder / "installation"
    try:
        if not path.exists():
            _create(path)
        kept = json.loads(path.read_text(encoding="utf-8"))
        seen_at = datetime.fromisoformat(kept["seen_at"]) if kept["seen_at"] else None
        return Here(kept["identity"], place_of(folder), seen_at)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Uncertain(f"L’identité de cette installation ne se lit pas dans {path} ({error}).") from error


def remember(folder: Path, *, now: datetime) -> None:
    """Store an unhindered pass of the clock in the data folder. Raises Uncertain.

    The folder keeps it even if the database is restored from a backup later.
    """
    path, identity = folder / "installation", read(folder).identity
    try:
        with _written(path, {"identity": identity, "seen_at": now.isoformat()}) as fresh:
            fresh.replace(path)
    except OSError as error:
        raise Uncertain(f"Le dossier de données ne s’écrit pas ({error.strerror}) : rien ne part.") from error


def hindrance(session: Session, here: Here) -> str:
    """Why this installation may not send, in a French sentence, or ''.

    A database that knows no installation yet accepts any.
    """
    known = session.get(Installation, here.identity)
    how = "Rien ne part avant une confirmation : ./run instance confirm"
    if known is None:
        others = session.scalar(select(Installation.identity).limit(1))
        return f"Cette base vient d’une autre installation. {how}" if others else ""
    if known.place != here.place:
        return f"Cette installation a été déplacée ou copiée. {how}"
    vouched_for = max(known.confirmed_at, known.passed_at or known.confirmed_at)
    if here.seen_at is not None and vouched_for < here.seen_at - SLACK:
        return f"Cette base est une copie de sauvegarde : des courriels sont partis depuis. {how}"
    return ""


def passed(session: Session, here: Here, *, now: datetime) -> None:
    """Store an unhindered pass of the clock in the database. Commit this before `remember`."""
    session.execute(update(Installation).where(Installation.identity == here.identity).values(passed_at=now))


def settle_in(session: Session, here: Here, *, now: datetime) -> None:
    """Confirm the first installation of a fresh database, which needs no person.

    Several of its processes may start at once: only one confirms.
    """
    take_turns(session, "installation")
    if session.scalar(select(Installation.identity).limit(1)) is None:
        confirm(session, here, now=now, actor="installation")


def confirm(session: Session, here: Here, *, now: datetime, actor: str) -> None:
    """Record that `actor` confirmed this installation: it may send from this database."""
    known = session.get(Installation, here.identity)
    if known is None:
        known = Installation(identity=here.identity)
        session.add(known)
    known.place, known.confirmed_at, known.confirmed_by = here.place, now, actor
    audit.record(session, now, actor, f"Installation confirmée pour l’envoi : {here.place}.", "installation")


def _create(path: Path) -> None:
    with _written(path, {"identity": uuid.uuid4().hex, "seen_at": None}) as fresh, suppress(FileExistsError):
        path.hardlink_to(fresh)  # the file appears complete, and the first process wins


@contextmanager
def _written(path: Path, content: dict[str, str | None]) -> Iterator[Path]:
    """A temporary file with this content, synced to disk, for the caller to move or link to `path`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        with fresh.open("x", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)
