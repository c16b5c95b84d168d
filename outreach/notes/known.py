"""What the database holds of approved notes, for verifying a file; and the public keys that signed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from outreach.db import Session
from outreach.notes.models import Note, NoteApproval, NoteFile
from outreach.notes.verifying import KeptFile, KnownNotes


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A public key (base64) with the first and the last approval that it signed."""

    public_key: str
    first_at: datetime
    last_at: datetime


def known_notes(session: Session) -> KnownNotes:
    """Every approved note: its files' digests, the digest of its figures, the keys. Reads no file."""
    files = session.execute(
        select(NoteApproval.number, NoteFile.kind, NoteFile.sha256).join(
            NoteApproval, NoteApproval.note_id == NoteFile.note_id
        )
    )
    figures = session.execute(select(NoteApproval.number, Note.sha256).join(Note, Note.id == NoteApproval.note_id))
    keys = session.scalars(select(NoteApproval.public_key).distinct())
    return KnownNotes(
        [KeptFile(number, kind, sha256) for number, kind, sha256 in files],
        {row.number: row.sha256 for row in figures},
        frozenset(keys),
    )


def used_keys(session: Session) -> Sequence[UsedKey]:
    """The keys that signed approved notes, the one that signed last first."""
    first, last = func.min(NoteApproval.approved_at), func.max(NoteApproval.approved_at)
    query = select(NoteApproval.public_key, first, last).group_by(NoteApproval.public_key)
    return [UsedKey(*row) for row in session.execute(query.order_by(func.max(NoteApproval.position).desc()))]
