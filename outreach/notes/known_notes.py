"""What the database holds of approved notes, for verifying a file; whether it holds; the public keys that signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Select, exists, func, select

from outreach.approvals.models import Decision, DecisionKind, Thing
from outreach.db import Session
from outreach.notes import listing
from outreach.notes.models import Note, NoteApproval, NoteFile
from outreach.notes.signing import NoteSignature, is_signed
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


def faults(session: Session) -> list[str]:
    """The approved notes whose figures, signature or files are not those of their approval, a French sentence each."""
    told = []
    for key in session.scalars(select(NoteApproval.note_id).order_by(NoteApproval.position)).all():
        note = session.get_one(Note, key)
        approval = session.scalars(_approval_of(key)).one()
        signature = NoteSignature(approval.signature, approval.public_key)
        if sha256(note.figures.encode()).hexdigest() != note.sha256:  # perhaps nothing that can be read any more
            told.append(f"Les chiffres de la note {approval.number} n’ont plus leur code de contrôle.")
        elif not is_signed(listing.numbered(note, "").sealed_json(), signature):
            told.append(f"La signature de la note {approval.number} ne vaut pas pour ses chiffres.")
        told += [
            f"Le fichier {file.kind} de la note {approval.number} n’a plus son code de contrôle."
            for file in listing.files_of(session, note)
            if sha256(file.content).hexdigest() != file.sha256
        ]
        session.expunge_all()  # its files weigh
    return told


def _approval_of(key: int) -> Select[NoteApproval]:
    return select(NoteApproval).where(NoteApproval.note_id == key)


def used_keys(session: Session) -> Sequence[UsedKey]:
    """The keys that signed approved notes, the one that signed last first."""
    first, last = func.min(NoteApproval.approved_at), func.max(NoteApproval.approved_at)
    query = select(NoteApproval.public_key, first, last).group_by(NoteApproval.public_key)
    return [UsedKey(*row) for row in session.execute(query.order_by(func.max(NoteApproval.position).desc()))]
