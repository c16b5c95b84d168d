"""Which installation may send from this database: a copy of it, or a restored backup, sends nothing until confirmed.

Each installation has an identity in its data folder, beside the time of its clock's last pass that nothing hindered.
The database knows the identities it may send from, where they run, and the same time of each; a database that is behind
what the folder remembers was restored: letters it takes for unsent may have left. A hindered pass moves neither, so
that a hindrance lasts until a person has confirmed.
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
from outreach.delivery.models import Installation
from outreach.errors import OutreachError

SLACK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Here:
    """This installation: its identity, where it runs (machine, data folder), its clock's last free pass or None."""

    identity: str
    place: str
    seen_at: datetime | None


class Uncertain(OutreachError):
    """The data folder does not tell which installation this is, or cannot remember what it did."""


def read(folder: Path) -> Here:
    """What the data folder says; an identity is made on first use, once. Raises Uncertain."""
    path = folder / "installation"
    try:
        if not path.exists():
            _create(path)
        kept = json.loads(path.read_text(encoding="utf-8"))
        seen_at = datetime.fromisoformat(kept["seen_at"]) if kept["seen_at"] else None
        return Here(kept["identity"], f"{os.uname().nodename}:{folder.resolve()}", seen_at)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Uncertain(f"L’identité de cette installation ne se lit pas dans {path} ({error}).") from error


def remember(folder: Path, *, now: datetime) -> None:
    """The clock has passed and nothing hindered it: the folder remembers it, whatever becomes of the database.

    Raises Uncertain.
    """
    path, identity = folder / "installation", read(folder).identity
    try:
        with _written(path, {"identity": identity, "seen_at": now.isoformat()}) as fresh:
            fresh.replace(path)
    except OSError as error:
        raise Uncertain(f"Le dossier de données ne s’écrit pas ({error.strerror}) : rien ne part.") from error


def hindrance(session: Session, here: Here) -> str:
    """Why this installation may not send, in a sentence, or ''. A database nobody sent from yet takes the first."""
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
    """The clock has passed and nothing hindered it: the database remembers it. The folder is told once this is sure."""
    session.execute(update(Installation).where(Installation.identity == here.identity).values(passed_at=now))


def settle_in(session: Session, here: Here, *, now: datetime) -> None:
    """The first installation of a fresh database needs no confirmation; several of its processes may start at once."""
    take_turns(session, "installation")
    if session.scalar(select(Installation.identity).limit(1)) is None:
        confirm(session, here, now=now, actor="installation")


def confirm(session: Session, here: Here, *, now: datetime, actor: str) -> None:
    """A person vouches for this installation: it may send from this database."""
    known = session.get(Installation, here.identity)
    if known is None:
        known = Installation(identity=here.identity)
        session.add(known)
    known.place, known.confirmed_at, known.confirmed_by = here.place, now, actor
    audit.record(session, now, actor, f"Installation confirmée pour l’envoi : {here.place}.", "installation")


def _create(path: Path) -> None:
    with _written(path, {"identity": uuid.uuid4().hex, "seen_at": None}) as fresh, suppress(FileExistsError):
        path.hardlink_to(fresh)  # whole, or not at all if another process was faster


@contextmanager
def _written(path: Path, content: dict[str, str | None]) -> Iterator[Path]:
    """A file of this process alone with this content, safe on the disk, to be put in a path's place."""
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
