"""The audit: who did what to what, when and by which way; added to only, and sealed by a chain of digests.

The table has no foreign keys, so that an entry outlives its subject. Triggers in the database refuse to change or
delete a row (see the migrations), with one exception: retention may empty the sentence of an entry that is sealed
(`seals.erase_words`).

A seal covers a batch of entries and the digest of the seal before it. An entry is sealed by what it says, its words by
the digest of a random salt and the words. Retention may destroy the salt and empty the words: the digest of both is
kept beside, so the seal still holds, and nobody can find out by trying what the words were.

An erasure may also take out of a sealed entry who acted, and on whom: one more entry names it, with the digest of what
is left, so that `verify_seals` finds any later change.

An entry that somebody adds by hand is sealed as any other. Seals prove nothing to whoever can write new ones. Their
last digest goes to the log every day: a head that the log kept and the chain no longer holds (`verify_seals`) shows
that the chain was made anew.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, ForeignKey, String, Text, exists, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, Way, enum_of, system_user, take_lock

ERASED = "effacé"
PROGRAM = "api_key:"  # begins an actor that is a program, which has the key of this number
SENDER = "hook:"  # begins an actor that is a service which sends joinings by itself
MAILBOX = "mailbox:"  # begins an actor that is the mailbox of an authority: records outlive its address


class AuditEntry(Base):
    """One thing that somebody did. `subject` names what it was done to, as `kind:key`, or is empty.

    `way` is None for entries from before it was recorded. `run_by` is the system user who ran a command on the machine.
    """

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(255))
    sentence: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(String(300), index=True)
    way: Mapped[Way | None] = mapped_column(enum_of(Way, "way"))
    run_by: Mapped[str | None] = mapped_column(String(255))

    @property
    def in_words(self) -> str:
        """The sentence, or a word that says that it was erased."""
        return self.sentence or ERASED


def record_entry(session: Session, now: datetime, actor: str, sentence: str, subject: str = "") -> AuditEntry:
    """Add an entry to the current transaction, so that it is committed exactly when the change is.

    The session says by which way it came (`Database.by`), so no caller can forget it.
    """
    way = session.info.get("way", Way.COMMAND)
    user = system_user() if way is Way.COMMAND else None
    entry = AuditEntry(at=now, actor=actor, sentence=sentence, subject=subject, way=way, run_by=user)
    session.add(entry)
    return entry


def mailbox_actor(number: int) -> str:
    """How records name the mailbox of a contact that acted."""
    return f"{MAILBOX}{number}"


def entries_about(session: Session, subject: str) -> Sequence[AuditEntry]:
    """The entries about one subject, newest first."""
    query = select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    return session.scalars(query).all()


def latest_entries(session: Session, subjects: Iterable[str], most: int) -> Sequence[AuditEntry]:
    """The last `most` entries about any of these subjects, newest first."""
    query = select(AuditEntry).where(AuditEntry.subject.in_(list(subjects)))
    return session.scalars(query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(most)).all()


MOST_ENTRIES = 500  # of a seal: its rows are written within some ten milliseconds
LATEST_ENTRIES = 10_000  # before the last sealed one: one that is committed late has a number among these
FIRST = "0" * 64  # stands for the seal before the first
ERASURE = "audit-erasure"  # the subject of the entries that name others whose words were emptied
NAMED = re.compile(r"(\d+)(?:=([0-9a-f]{64}))?")  # an entry, and the digest of what is left of it


class AuditSeal(Base):
    """A seal: `digest` is of its number, time and batch, and of `previous`, the digest of the seal before.

    Digests are SHA-256, hexadecimal. Numbers have no gaps.
    """

    __tablename__ = "audit_seals"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed_at: Mapped[datetime]
    entries: Mapped[int]
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class SealedEntry(Base):
    """An entry of the audit under its seal: the digests of its words and of all it says, and the salt, or None."""

    __tablename__ = "sealed_entries"

    entry_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seal_id: Mapped[int] = mapped_column(ForeignKey("audit_seals.id"), index=True)
    salt: Mapped[str | None] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class NextSeal:
    """A seal that is not written yet, with its entries."""

    seal: AuditSeal
    entries: list[SealedEntry]


@dataclass(frozen=True, slots=True)
class SealCheck:
    """What checking the seals found: counts, the last digest, and the first fault as a French sentence, or ''.

    `entry` is the first entry that does not fit, or None.
    """

    seals: int = 0
    entries: int = 0
    erased: int = 0
    waiting: int = 0
    head: str = ""
    fault: str = ""
    entry: int | None = None


def next_batch(session: Session, *, now: datetime) -> NextSeal | None:
    """The next seal, of the entries that have none, the oldest first; None when there are none.

    Entries are committed in any order, so they are found by having no seal, not by their number: one that is committed
    late comes under a later seal. It needs only a reading session, which no writer waits for.
    """
    query = select(AuditEntry).where(_is_unsealed()).order_by(AuditEntry.id).limit(MOST_ENTRIES)
    found = session.scalars(query).all()
    if not found:
        return None
    last = last_seal(session)
    number, previous = (last.id + 1, last.digest) if last else (1, FIRST)
    entries = [_sealed(entry, number) for entry in found]
    digest = _digest_of_seal(number, now, previous, [entry.digest for entry in entries])
    return NextSeal(
        AuditSeal(id=number, sealed_at=now, entries=len(entries), previous=previous, digest=digest), entries
    )


def add_seal(session: Session, batch: NextSeal) -> bool:
    """Write a seal. False when another process sealed meanwhile: nothing is written, and the next pass tries again."""
    take_lock(session, "audit-seals")
    last = last_seal(session)
    if (last.digest if last else FIRST) != batch.seal.previous:
        return False
    session.add(batch.seal)
    session.flush()
    columns = ("entry_id", "seal_id", "salt", "words", "digest")
    session.execute(insert(SealedEntry), [{name: getattr(entry, name) for name in columns} for entry in batch.entries])
    return True


def count_unsealed(session: Session) -> tuple[int, datetime | None]:
    """How many entries of the audit have no seal yet, and when the oldest of them was made.

    Only the newest are looked at, as a monitor asks often: `verify_seals` looks at all.
    """
    last = select(func.coalesce(func.max(SealedEntry.entry_id), 0)).scalar_subquery()
    recent = AuditEntry.id > last - LATEST_ENTRIES
    query = select(func.count(), func.min(AuditEntry.at)).where(recent, _is_unsealed())
    count, oldest = session.execute(query).one()
    return count, oldest


def last_seal(session: Session) -> AuditSeal | None:
    """The last seal. Its digest is the head of the chain."""
    return session.scalars(select(AuditSeal).order_by(AuditSeal.id.desc()).limit(1)).first()


def erase_words(session: Session, entries: Iterable[int], because: str, *, now: datetime, actor: str) -> int:
    """Empty the words of these entries for good, as retention asks; returns how many. Entries without a seal stay.

    One more entry says why and names them: `verify_seals` excuses only what such an entry names.
    """
    keys = list(entries)
    forgotten = update(SealedEntry).where(SealedEntry.entry_id.in_(keys), SealedEntry.salt.is_not(None))
    erased = session.scalars(forgotten.values(salt=None).returning(SealedEntry.entry_id)).all()
    spoken = update(AuditEntry).where(AuditEntry.id.in_(erased), AuditEntry.sentence != "")
    session.execute(spoken.values(sentence=""), execution_options={"synchronize_session": False})
    if erased:
        numbers = ", ".join(map(str, sorted(erased)))
        record_entry(session, now, actor, f"{because} Entrées vidées : {numbers}.", ERASURE)
    return len(erased)


Said = Callable[[str], str]


def take_out(session: Session, entries: Iterable[int], said: Said, because: str, *, now: datetime, actor: str) -> int:
    """Put what `said` makes of them in the place of actors and subjects, for good; returns how many entries changed.

    Entries without a seal stay. One more entry says why and names the others, each with the digest of what is left:
    `verify_seals` excuses only these.
    """
    query = (
        select(AuditEntry, SealedEntry)
        .join(SealedEntry, SealedEntry.entry_id == AuditEntry.id)
        .where(AuditEntry.id.in_(list(entries)))
        .order_by(AuditEntry.id)
    )
    left = []
    for entry, sealed in session.execute(query).all():
        before = (entry.actor, entry.subject, entry.run_by)
        entry.actor, entry.subject = said(entry.actor), said(entry.subject)
        entry.run_by = said(entry.run_by) if entry.run_by else entry.run_by
        if before != (entry.actor, entry.subject, entry.run_by):
            left.append(f"{entry.id}={_digest_of_entry(entry, sealed.words)}")
    session.flush()
    if left:
        record_entry(session, now, actor, f"{because} Entrées changées : {', '.join(left)}.", ERASURE)
    return len(left)


def _named_as_erased(session: Session) -> dict[int, str]:
    """The entries that others name as emptied, each with the digest of what was last left of it, or ''."""
    said = session.scalars(select(AuditEntry.sentence).where(AuditEntry.subject == ERASURE).order_by(AuditEntry.id))
    named: dict[int, str] = {}
    for sentence in said:
        for number, digest in NAMED.findall(sentence.rpartition(":")[2]):
            named[int(number)] = digest or named.get(int(number), "")
    return named


def verify_seals(session: Session, *, head: str = "") -> SealCheck:
    """Check every seal from the first. `head` is a digest that the log kept: the chain has to hold it."""
    previous, seals, entries, erased, is_held = FIRST, 0, 0, 0, not head
    named = _named_as_erased(session)
    with closing(_chain(session)) as chain:
        for seal, members in chain:
            seals += 1
            fault = _fault(seal, members, seals, previous, named)
            if fault is not None:
                return SealCheck(seals, entries, erased, 0, previous, *fault)
            previous, is_held = seal.digest, is_held or seal.digest == head
            entries += len(members)
            erased += sum(sealed.salt is None or bool(named.get(sealed.entry_id)) for sealed, _ in members)
    astray = select(func.min(SealedEntry.entry_id)).where(SealedEntry.seal_id.not_in(select(AuditSeal.id)))
    if (lost := session.scalar(astray)) is not None:
        return SealCheck(seals, entries, erased, 0, previous, f"Le sceau de l’entrée {lost} a disparu.", lost)
    waiting = session.scalar(select(func.count()).select_from(AuditEntry).where(_is_unsealed())) or 0
    fault_of_head = (
        "" if is_held else f"Aucun sceau ne porte le code de contrôle {head} : la chaîne a été refaite ou raccourcie."
    )
    return SealCheck(seals, entries, erased, waiting, previous, fault_of_head)


Members = list[tuple[SealedEntry, AuditEntry | None]]


def _chain(session: Session) -> Generator[tuple[AuditSeal, Members], None, None]:
    """The seals in order, each with its entries in order; an entry that is gone is None."""
    query = (
        select(AuditSeal, SealedEntry, AuditEntry)
        .outerjoin(SealedEntry, SealedEntry.seal_id == AuditSeal.id)
        .outerjoin(AuditEntry, AuditEntry.id == SealedEntry.entry_id)
        .order_by(AuditSeal.id, SealedEntry.entry_id)
        .execution_options(yield_per=MOST_ENTRIES)
    )
    with session.execute(query) as result:
        for _, rows in groupby(result, key=lambda row: row[0].id):
            held = list(rows)
            yield held[0][0], [(sealed, entry) for _, sealed, entry in held if sealed is not None]


def _fault(
    seal: AuditSeal, members: Members, number: int, previous: str, named: Mapping[int, str]
) -> tuple[str, int | None] | None:
    """The first thing about a seal that does not fit, and the entry that it is about."""
    first = members[0][0].entry_id if members else None
    if seal.id != number:
        return f"Le sceau {number} a disparu.", first
    if seal.previous != previous:
        return f"Le sceau {number} ne suit plus le précédent.", first
    for sealed, entry in members:
        if fault := _fault_of_entry(sealed, entry, named):
            return fault, sealed.entry_id
    if len(members) != seal.entries:
        return f"Le sceau {number} couvrait {seal.entries} entrées, il en reste {len(members)}.", first
    if seal.digest != _digest_of_seal(number, seal.sealed_at, previous, [sealed.digest for sealed, _ in members]):
        return f"Le sceau {number} ne correspond plus à ses entrées.", first
    return None


def _fault_of_entry(sealed: SealedEntry, entry: AuditEntry | None, named: Mapping[int, str]) -> str:
    if entry is None:
        return f"L’entrée {sealed.entry_id} a disparu du journal (sceau {sealed.seal_id})."
    is_erased = sealed.salt is None and not entry.sentence
    if is_erased and entry.id not in named:
        return f"L’entrée {entry.id} est vidée, et aucune entrée ne le dit."
    words = sealed.words if is_erased else _digest_of_words(sealed.salt or "", entry.sentence)
    digest = _digest_of_entry(entry, words)
    if words != sealed.words or digest not in {sealed.digest, named.get(entry.id)}:
        return f"L’entrée {entry.id} ne correspond plus à son sceau ({sealed.seal_id})."
    return ""


def _is_unsealed() -> ColumnElement[bool]:
    return ~exists().where(SealedEntry.entry_id == AuditEntry.id)


def _sealed(entry: AuditEntry, number: int) -> SealedEntry:
    salt = secrets.token_hex(16)
    words = _digest_of_words(salt, entry.sentence)
    return SealedEntry(entry_id=entry.id, seal_id=number, salt=salt, words=words, digest=_digest_of_entry(entry, words))


def _digest_of_words(salt: str, words: str) -> str:
    return _sha256([salt, words])


def _digest_of_entry(entry: AuditEntry, words: str) -> str:
    said = [entry.id, entry.at.isoformat(), entry.actor, entry.subject, entry.way, entry.run_by, words]
    return _sha256(said)


def _digest_of_seal(number: int, at: datetime, previous: str, entries: list[str]) -> str:
    return _sha256([number, at.isoformat(), previous, entries])


def _sha256(said: list[object] | list[str]) -> str:
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
