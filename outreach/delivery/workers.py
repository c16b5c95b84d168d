"""Who sends, and from where: workers, clocks, and the refusal to send from a copied database.

An installation is a data folder on a machine. The folder stores its identity and the time of its clock's last
unhindered pass. The database stores the same two for each installation that may send from it, and where it runs. When
the database's time is older than the folder's, the database was restored from a backup: letters that it holds as unsent
may have left. A hindered pass updates neither time, so a hindrance lasts until a person has confirmed.
"""

import json
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, select, update

from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.settings import PROTECTED, Mode, Settings, listed
from outreach.core.text import french
from outreach.core.text.errors import OutreachError
from outreach.delivery.models import ClockPass, Gate, Installation, Mailing, Message, MessageState, Worker, is_in
from outreach.delivery.smtp import Guard, Overdue

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
    take_lock(session, "installation")
    if session.scalar(select(Installation.identity).limit(1)) is None:
        confirm(session, here, now=now, actor="installation")


def confirm(session: Session, here: Here, *, now: datetime, actor: str) -> None:
    """Record that `actor` confirmed this installation: it may send from this database."""
    known = session.get(Installation, here.identity)
    if known is None:
        known = Installation(identity=here.identity)
        session.add(known)
    known.place, known.confirmed_at, known.confirmed_by = here.place, now, actor
    audit.record_entry(session, now, actor, f"Installation confirmée pour l’envoi : {here.place}.", "installation")


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


CLOCK_IS_LATE = timedelta(seconds=30)
OUTLIVED = timedelta(days=1)  # then whoever runs the service has decided to do without this installation


def join_in(session: Session, *, now: datetime) -> str:
    """Register a new worker; returns its identity."""
    worker = Worker(id=uuid.uuid4().hex, place=f"{os.uname().nodename}:{os.getpid()}", started_at=now, seen_at=now)
    session.add(worker)
    return worker.id


class OverdueRelay(NamedTuple):
    """A worker, at `place`, that waits for a relay; `behind` counts the letters that are due meanwhile."""

    relay: str
    place: str
    since: datetime
    connections: int
    behind: int

    @property
    def sentence(self) -> str:
        """The relay that is waited for, since when, in French."""
        owing = french.plural(self.connections, "connexion")
        behind = french.plural(self.behind, "courriel est prêt", "courriels sont prêts")
        since = french.moment(self.since)
        return (
            f"Le serveur d’envoi {self.relay} fait attendre {owing} depuis le {since} ({self.place}) ; "
            f"{behind} à partir."
        )

    def as_json(self) -> dict[str, object]:
        """The same for machines, the time in UTC."""
        return {**self._asdict(), "since": self.since.isoformat()}


def give_sign(session: Session, worker_id: str, *, now: datetime, overdue: Overdue | None = None) -> None:
    """Record that a worker is alive, and what it waits for."""
    relay, count, seconds = overdue or ("", 0, 0.0)
    since = now - timedelta(seconds=seconds) if overdue else None
    sign = update(Worker).where(Worker.id == worker_id)
    session.execute(sign.values(seen_at=now, waits_for=relay, waits_on=count, waits_since=since))


def waiting(session: Session, *, now: datetime) -> list[OverdueRelay]:
    """The waits of the workers that were seen in the last 30 s, the longest first."""
    owed = session.scalars(
        select(Worker).where(*_is_alive(now), Worker.waits_since.is_not(None)).order_by(Worker.waits_since)
    )
    rows = owed.all()
    is_due = is_in(MessageState.QUEUED), Message.due_at <= now
    is_open = exists().where(Mailing.id == Message.mailing_id, Mailing.gate == Gate.OPEN)
    behind = session.scalar(select(func.count()).where(*is_due, is_open)) or 0 if rows else 0
    return [
        OverdueRelay(row.waits_for, row.place, row.waits_since, row.waits_on, behind) for row in rows if row.waits_since
    ]


def at_work(session: Session, *, now: datetime) -> Sequence[str]:
    """The places of the workers that were seen in the last 30 s. It asks for what every version of the table has."""
    return session.scalars(select(Worker.place).where(*_is_alive(now)).order_by(Worker.place)).all()


def _is_alive(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Worker.seen_at > now - CLOCK_IS_LATE, Worker.stopped_at.is_(None)


def leave(session: Session, worker_id: str, *, now: datetime) -> None:
    """Record that a worker stopped in order."""
    session.execute(update(Worker).where(Worker.id == worker_id).values(seen_at=now, stopped_at=now))


def clock_passed(session: Session, hindrance: str, *, place: str, now: datetime) -> None:
    """Record a pass of the clock of the installation at `place`.

    `hindrance` says in French what keeps letters from leaving there, or ''.
    """
    take_lock(session, "clock", place)
    passed = session.scalar(select(ClockPass).where(ClockPass.place == place))
    if passed is None:
        session.add(ClockPass(place=place, at=now, hindrance=hindrance))
    else:
        passed.at, passed.hindrance = now, hindrance


def last_pass(session: Session) -> ClockPass | None:
    """The latest pass of any clock, or None when none ever ran."""
    return session.scalar(select(ClockPass).order_by(ClockPass.at.desc(), ClockPass.id).limit(1))


def is_late(passed_at: datetime | None, *, now: datetime) -> bool:
    """Whether a clock that passed last at a moment is late: for 30 s or more, or it never passed (None)."""
    return passed_at is None or now - passed_at >= CLOCK_IS_LATE


def last_passes(session: Session) -> list[ClockPass]:
    """The last pass of each installation's clock, by place, without those that others have outlived by a day."""
    passes = session.scalars(select(ClockPass).order_by(ClockPass.place)).all()
    return [passed for passed in passes if not _is_outlived(passed, passes)]


def outlived(session: Session) -> list[str]:
    """The places of installations whose clock has not passed for a day before another one's last pass."""
    passes = session.scalars(select(ClockPass)).all()
    return [passed.place for passed in passes if _is_outlived(passed, passes)]


def _is_outlived(passed: ClockPass, passes: Sequence[ClockPass]) -> bool:
    return any(passed.at < other.at - OUTLIVED for other in passes)
