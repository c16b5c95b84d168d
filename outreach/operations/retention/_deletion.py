"""Deletes what was kept for its time; what may be a public archive goes to a sealed file first.

The law on archives forbids to destroy what no sorting list (« tableau de tri ») names. `OUTREACH_SORTING_LIST` states
its reference. A file is JSON, a line each; beside it stand its seal, which says what it holds and its digest, and the
signature of the seal by the key that signs notes. The audit repeats the digest.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from outreach.campaigns.models import CLOCK
from outreach.core import audit
from outreach.core.db import Database, Session, take_lock
from outreach.core.db.watch import is_busy
from outreach.core.settings import Settings
from outreach.core.text.errors import Refused
from outreach.core.text.french import plural
from outreach.operations.retention._policy import SUBJECT, Retention

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


FOLDER = "archives"  # in the data folder


@dataclass(frozen=True, slots=True)
class Archives:
    """Where files are written and by what leave, as an installation's settings say."""

    settings: Settings

    @classmethod
    def of(cls, settings: Settings) -> "Archives | None":
        """The archives of an installation; None where no sorting list is stated."""
        return cls(settings) if settings.sorting_list else None

    @property
    def folder(self) -> Path:
        """Where the files are, in the data folder."""
        return self.settings.data / FOLDER

    @property
    def sorting_list(self) -> str:
        """The reference of the sorting list."""
        return self.settings.sorting_list

    def keep(self, database: Database, rule: Retention, keys: Sequence[Sequence[Any]], *, now: datetime) -> Path:
        """Write these rows of a rule to a sealed file, and have the audit say so. Returns the file.

        Raises Refused where no key seals it.
        """
        key = _key(self.settings)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.folder / f"{rule.name}-{now:%Y%m%dT%H%M%S}-{os.getpid()}.part"
        try:
            digest, count = _written(part, database, rule, keys)
            path = part.with_name(f"{rule.name}-{now:%Y%m%dT%H%M%S}-{digest[:12]}.jsonl")
            fields = {"file": path.name, "sha256": digest, "rows": count, "rule": rule.name, "period": rule.written}
            _seal(path, {**fields, "sorting_list": self.sorting_list, "at": now.isoformat()}, key)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        with database.writing() as session:
            said = (
                f"Exporté avant d’être vidé : « {rule.what} », {plural(count, 'ligne')}, fichier {path.name}, "
                f"code de contrôle {digest}, tableau de tri {self.sorting_list}."
            )
            audit.record_entry(session, now, CLOCK, said, SUBJECT)
        return path


def _written(part: Path, database: Database, rule: Retention, keys: Sequence[Sequence[Any]]) -> tuple[str, int]:
    """Write the rows to a new file, down to the disk; returns their digest and number."""
    digest, count = sha256(), 0
    with database.reading() as session, part.open("xb") as file:
        part.chmod(0o600)
        for row in rule.export(session, keys):
            line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), count


def _key(settings: Settings) -> "Ed25519PrivateKey":
    from outreach.reports import notes  # noqa: PLC0415 - it would stay for months in a process that sends

    try:
        return notes.signing_key(settings)
    except Refused as error:
        raise Refused(str(error).replace(notes.LOST_NOTHING, "Rien n’est effacé.")) from None


def _seal(path: Path, told: dict[str, Any], key: "Ed25519PrivateKey") -> None:
    """Write a file's seal and its signature beside it."""
    from outreach.reports import notes  # noqa: PLC0415 - idem

    seal = rfc8785.dumps({**told, "public_key": notes.public_key_of(key)})
    for suffix, content in ((".seal.json", seal), (".seal.sig", key.sign(seal))):
        sealed = path.with_suffix(suffix)
        sealed.write_bytes(content)
        sealed.chmod(0o600)


REST_SECONDS = 0.12  # on SQLite: others have the turn to write for twice as long as what is deleted
SHORT_REST_SECONDS = 0.02  # on PostgreSQL, where nobody waits for a turn: the processor alone is left to others
# On SQLite everybody waits for a transaction that writes. On PostgreSQL nobody waits for rows that are over: there,
# smaller transactions of a busy machine would only be more of them.
MEANT_SECONDS = 0.05
LEAST_PART = 10  # of the rows that a transaction may take: fewer cost more than they save
MOST_TRIES = 40  # of 15 seconds each, to get SQLite's turn to write: a copy of a large file takes less
MOST_READ = 10_000  # keys that are found at once, while nobody waits
MOST_EXPORTED = 2_000  # rows of a sealed file: some megabytes


def forget_by_rule(
    database: Database,
    rule: Retention,
    clock: Callable[[], datetime],
    stop: threading.Event,
    archives: Archives | None = None,
) -> int:
    """Do what a rule says to all that is over, or until `stop` is set; returns how many rows that was.

    Call it outside any transaction: each batch is one of its own, and others write in between. On SQLite
    a batch has fewer rows after one that took long. What is over is found while reading, so where nothing is, nothing
    is written. What may be an archive waits until there are `archives` to which it is written first.
    """
    size, has_one_writer = rule.binding.most, database.engine.dialect.name == "sqlite"
    rest = REST_SECONDS if has_one_writer else SHORT_REST_SECONDS
    count, has_more = 0, not rule.is_archive or archives is not None
    most = MOST_EXPORTED if rule.is_archive else MOST_READ
    while has_more and not stop.is_set():
        with database.reading() as session:
            due = session.execute(select(*rule.keys).where(rule.is_over(clock())).limit(most)).all()
        if due and rule.is_archive and archives is not None:
            archives.keep(database, rule, due, now=clock())
        done = first = 0
        while first < len(due) and not (first and stop.wait(rest)):
            before = time.monotonic()
            done += _settle_in_turn(database, rule, due[first : first + size], clock, stop)
            first += size
            if has_one_writer:
                size = next_size(size, rule.binding.most, time.monotonic() - before)
        count += done
        has_more = done > 0 and len(due) == most and not stop.wait(rest)
    return count


def next_size(size: int, most: int, seconds: float) -> int:
    """How many rows the next transaction takes, of `most`, after one of `size` rows that took so many seconds."""
    fitting = int(size * min(2.0, MEANT_SECONDS / max(seconds, 0.001)))
    return min(most, max(fitting, most // LEAST_PART, 1))


def count_over(session: Session, rule: Retention, *, now: datetime) -> int:
    """How many rows a rule would take now."""
    return session.scalar(select(func.count()).select_from(rule.model).where(rule.is_over(now))) or 0


def _settle_in_turn(
    database: Database,
    rule: Retention,
    keys: Sequence[Sequence[Any]],
    clock: Callable[[], datetime],
    stop: threading.Event,
) -> int:
    """One transaction, asked for again where somebody else held SQLite's one turn to write for too long."""
    for _ in range(MOST_TRIES - 1):
        try:
            return _settle(database, rule, keys, clock)
        except OperationalError as error:
            if not is_busy(error) or stop.wait(REST_SECONDS):
                raise
    return _settle(database, rule, keys, clock)


def _settle(database: Database, rule: Retention, keys: Sequence[Sequence[Any]], clock: Callable[[], datetime]) -> int:
    """One transaction: what another machine, or somebody, did meanwhile to these rows is left alone."""
    these = rule.has_key(keys)
    with database.writing() as session:
        take_lock(session, "retention", rule.table)
        still = session.execute(select(*rule.keys).where(these, rule.is_over(clock()))).all()
        if still:
            rule.apply(session, still, now=clock())
    return len(still)
