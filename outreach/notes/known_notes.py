"""What the database holds of approved notes, for verifying a file; and the public keys that signed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select

from outreach.approvals.models import Decision, DecisionKind, Thing
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
    """Every numbered note whose approval is of its digest: its files' digests, that of its figures, the keys.

    Reads no file.
    """
    is_approved = exists().where(
        Decision.subject == Thing.NOTE.subjects(Note.id),
        Decision.kind == DecisionKind.APPROVED,
        Decision.digest == Note.sha256,
    )
    numbered = select(NoteApproval.number, Note.sha256).join(Note, Note.id == NoteApproval.note_id).where(is_approved)
    figures = session.execute(numbered)
    files = session.execute(
        numbered.join(NoteFile, NoteFile.note_id == Note.id).with_only_columns(
            NoteApproval.number, NoteFile.kind, NoteFile.sha256
        )
    )
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
