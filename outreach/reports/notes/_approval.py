"""A second person's decision about a frozen note: approved with number, signature and files at once, or refused.

Files are made before the transaction, from the number that comes next. The transaction takes its turn, and stores them
only if that number still comes next. So a program that is killed, or a full disk, uses up no number, and two approvals
at once make two.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from outreach.access import approvals
from outreach.access.approvals import DecisionKind
from outreach.core import audit
from outreach.core.audit import EventKind, publish_event
from outreach.core.db import Database, Session, take_lock
from outreach.core.db.errors import says_full
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import line_of_words
from outreach.reports.notes._content import NumberedNote, public_address, stamp
from outreach.reports.notes._drafts import LONGEST_QUESTION, LONGEST_TITLE, stated_reason
from outreach.reports.notes._freezing import content_of, note_subject
from outreach.reports.notes._listing import by_number, get_note_by_key, stored_content
from outreach.reports.notes._models import Note, NoteApproval, NoteFile, NotePublication
from outreach.reports.notes._requests import answer

TURN = "note-numbers"
MOST_TRIES = 10  # each needs another approval to come first in between


@dataclass(frozen=True, slots=True)
class FinishedNote:
    """What approval stores beside the number: the signature and its public key as text, and the files by kind."""

    signature: str
    public_key: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class NextNumber:
    """The number that an approval gives, and the digest of the note before it ('' for the first)."""

    position: int
    year: int
    rank: int
    previous_sha256: str

    @property
    def number(self) -> str:
        """As people write it: 2026-014."""
        return f"{self.year}-{self.rank:03}"


Finish = Callable[[NumberedNote], FinishedNote]
"""Signs a numbered note and makes its files; it may take seconds, and raises InputError or Refused when it cannot."""


def approve_note(
    database: Database, key: int, finish: Finish, *, address: str, now: datetime, actor: str, approved_as: str
) -> str:
    """Approve the frozen note of this key, and return its number. It opens its own transactions.

    `address` is the service's own, `approved_as` the function that the files name ('' for the role). Raises NotFound,
    InputError for an unfit function, Refused where the note awaits no approval of this person, and what `finish`
    raises: then nothing is stored.
    """
    function = _function(approved_as)
    for _ in range(MOST_TRIES):
        with database.reading() as session:
            note = get_note_by_key(session, key)
            _refuse_unfit(session, note, actor)
            next_number = number_after(session, now)
            content = stored_content(note)
        numbered = NumberedNote(
            content,
            next_number.number,
            stamp(now),
            function,
            next_number.previous_sha256,
            public_address(address, next_number.number),
        )
        finished = finish(numbered)
        with _unless_full(), database.writing() as session:
            take_lock(session, TURN)
            note = get_note_by_key(session, key)
            _refuse_unfit(session, note, actor)
            if number_after(session, now) == next_number:
                _store(session, note, next_number, finished, now=now, actor=actor, approved_as=function)
                return next_number.number
    raise Refused("D’autres notes sont validées en ce moment : réessayez dans un instant. Rien n’est enregistré.")


def refuse_note(session: Session, key: int, reason: str, *, now: datetime, actor: str) -> Note:
    """Refuse a frozen note: it stays without a number. Raises as `approve_note` does, and InputError without a
    reason."""
    take_lock(session, TURN)
    note = get_note_by_key(session, key)
    approvals.refuse_unawaited(session, content_of(note), DecisionKind.REFUSED, actor)
    asks = f"Dites pourquoi la note est refusée, en {french.number(LONGEST_QUESTION)} caractères."
    words = stated_reason(reason, asks)
    content = content_of(note)
    text = f"{content.named} refusée : {words}"
    approvals.record_decision(session, content, DecisionKind.REFUSED, text, now=now, actor=actor, reason=words)
    return note


def publish_note(session: Session, number: str, *, now: datetime, actor: str) -> Note:
    """Publish an approved note: its public page can be opened from now on. Raises NotFound, Refused when it is."""
    take_lock(session, TURN)
    note = by_number(session, number)
    if note.publication is not None:
        raise Refused(f"La note {number} est publiée depuis le {french.day(note.publication.published_at)}.")
    session.add(NotePublication(note_id=note.id, published_at=now, published_by=actor))
    session.flush()
    publish_event(
        session, EventKind.NOTE_PUBLISHED, f"note:{number}", {"number": number, "sha256": note.sha256}, at=now
    )
    audit.record_entry(session, now, actor, f"Note {number} publiée.", note_subject(note))
    return note


def number_after(session: Session, now: datetime) -> NextNumber:
    """The number of the note that is approved next, in the year of `now` in Brussels."""
    year = today(now).year
    last = session.scalar(select(NoteApproval).order_by(NoteApproval.position.desc()).limit(1))
    rank = session.scalar(select(func.max(NoteApproval.rank)).where(NoteApproval.year == year)) or 0
    if last is None:
        return NextNumber(1, year, rank + 1, "")
    previous = session.scalars(select(Note.sha256).where(Note.id == last.note_id)).one()
    return NextNumber(last.position + 1, year, rank + 1, previous)


def _refuse_unfit(session: Session, note: Note, actor: str) -> None:
    """Raises Refused where a note awaits no approval of this person, or has to be counted again first."""
    approvals.refuse_unawaited(session, content_of(note), DecisionKind.APPROVED, actor)
    if note.recount is not None:
        raise Refused(
            "Cette note compte selon des définitions qui ont changé : faites-la recompter sur sa page, puis validez la "
            "nouvelle."
        )


@contextmanager
def _unless_full() -> Iterator[None]:
    """Raises Refused where the database has no room: the transaction has stored nothing."""
    try:
        yield
    except DBAPIError as error:
        if not says_full(error):
            raise
        lost = "la note n’est pas validée, aucun numéro n’est pris, rien n’est perdu"
        raise Refused(
            f"Le disque de la base de données est plein : {lost}. Prévenez la personne qui exploite le service, puis "
            "réessayez."
        ) from None


def _function(typed: str) -> str:
    words = " ".join(line_of_words(typed).split()) or RoleName.APPROVER.label
    if len(words) > LONGEST_TITLE:
        raise InputError(f"Indiquez votre fonction en {LONGEST_TITLE} caractères au plus.")
    return words


def _store(
    session: Session,
    note: Note,
    given: NextNumber,
    finished: FinishedNote,
    *,
    now: datetime,
    actor: str,
    approved_as: str,
) -> None:
    session.add(
        NoteApproval(
            position=given.position,
            note_id=note.id,
            corrects_id=note.corrects_id,
            year=given.year,
            rank=given.rank,
            number=given.number,
            approved_at=now,
            approved_as=approved_as,
            previous_sha256=given.previous_sha256,
            signature=finished.signature,
            public_key=finished.public_key,
        )
    )
    for kind, content in finished.files.items():
        sha256 = hashlib.sha256(content).hexdigest()
        session.add(NoteFile(note_id=note.id, kind=kind, sha256=sha256, content=content))
    session.flush()
    under = f"sous le numéro {given.number}"
    approvals.record_decision(session, content_of(note), DecisionKind.APPROVED, now=now, actor=actor, reason=under)
    answer(session, note, given.number, now=now, actor=actor)
