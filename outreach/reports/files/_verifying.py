"""Tells whether a file is a note's: by its signature, or by the digest that the database keeps.

A file is valid only by something trusted: what the database holds, or public keys that somebody vouches for. Without
both, the data can still be checked with the key that they name themselves: whoever changes a note can sign it with a
key of their own, so that proves nothing, and the verdict says so.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice

from sqlalchemy import Select, exists, func, select

from outreach.access.approvals import Decision, DecisionKind, Thing
from outreach.core.db import Session
from outreach.core.text.labelled import Labelled
from outreach.reports import notes
from outreach.reports.files._rendering import LARGEST, NoteData, UnreadableData, read_data
from outreach.reports.notes import Note, NoteApproval, NoteFile, NoteSignature, is_signed, key_fingerprint

ONLY_DATA = "Seules les données jointes sont vérifiées : le texte et les tableaux que montre le fichier ne le sont pas."
ASK_WITH_KEY = (
    "Rien ne prouve que cette clé est celle du service : relancez la commande quand la base de données répond, "
    "ou avec --key et la clé que le service publie à /n/key."
)
COMPARE_DIGEST = (
    "Relancez la commande quand la base de données répond, "
    "ou comparez ce code de contrôle avec celui que donne la page publique de la note."
)
ARCHIVE = b"PK\x03\x04"  # begins a DOCX, an XLSX, or the ZIP of CSV files of an older note
# An attached file in a PDF, as typst writes it: the dictionary of its stream, after which its bytes begin.
ATTACHED = re.compile(
    rb"<<([^<>]{0,200}/Type/EmbeddedFile[^<>]{0,200}+(?:<<[^<>]{0,200}+>>)?+[^<>]{0,200}+)>>\s{0,4}stream\r?\n"
)
LENGTH = re.compile(rb"/Length (\d{1,9})\b")


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file as it was kept with its note: the note's number and the kind of file (pdf, docx…)."""

    number: str
    kind: str
    sha256: str


@dataclass(frozen=True, slots=True)
class KnownNotes:
    """What an installation knows: the kept files, the digest of figures by number, and the public keys (base64)."""

    files: Sequence[KeptFile]
    figures: Mapping[str, str]
    public_keys: frozenset[str]


class NoteVerdict(Labelled):
    """What can be said of a file, as programs read it."""

    VALID = "valid", "valide"
    UNPROVEN = "unproven", "non prouvé"
    INVALID = "invalid", "non valide"


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """Whether a file is a note's as it was approved; what was checked, and why not, a French sentence each."""

    verdict: NoteVerdict
    number: str
    sentences: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        """Whether something trusted proves it."""
        return self.verdict is NoteVerdict.VALID

    @property
    def said(self) -> str:
        """All sentences on one line."""
        return " ".join(self.sentences)


def verify_file(content: bytes, known: KnownNotes | None = None, trusted: frozenset[str] = frozenset()) -> FileVerdict:
    """Verify a file of a note.

    `known` is what the database holds, None where there is no database. `trusted` are public keys (base64) that
    somebody vouches for.
    """
    if len(content) > LARGEST:
        return _invalid("", f"Le fichier dépasse {LARGEST // 1_000_000} Mo : aucun fichier d’une note n’est si grand.")
    digest = sha256(content).hexdigest()
    kept = next((file for file in known.files if file.sha256 == digest), None) if known else None
    if kept:
        said = f"Ce fichier est, octet pour octet, le {kept.kind.upper()} de la note {kept.number}, gardé avec elle"
        return FileVerdict(NoteVerdict.VALID, kept.number, (f"{said} (code de contrôle SHA-256 {digest}).",))
    if content.startswith(b"%PDF"):
        return _of_pdf(content, digest, known, trusted)
    if content.startswith(ARCHIVE) and known is None:
        said = f"Le code de contrôle SHA-256 du fichier ({digest}) ne peut pas être comparé sans la base de données."
        return FileVerdict(NoteVerdict.UNPROVEN, "", (said, COMPARE_DIGEST))
    try:
        data = read_data(content)
    except UnreadableData as error:
        compared = "n’est celui d’aucun fichier gardé" if known else "ne peut pas être comparé sans la base de données"
        reason = f"Ce n’est pas le JSON d’une note : {error}."
        return _invalid("", f"Le code de contrôle SHA-256 du fichier ({digest}) {compared}.", reason)
    return _of_data(data, known, trusted)


def _invalid(number: str, *sentences: str) -> FileVerdict:
    return FileVerdict(NoteVerdict.INVALID, number, sentences)


def _of_data(data: NoteData, known: KnownNotes | None, trusted: frozenset[str]) -> FileVerdict:
    number = data.seal["number"]
    if sha256(data.figures).hexdigest() != data.seal["sha256"]:
        return _invalid(number, "Les chiffres ont été modifiés : leur code de contrôle n’est pas celui qui est signé.")
    if not is_signed(data.sealed_json, data.signature):
        return _invalid(number, "La signature ne vaut pas pour ce numéro, ce code de contrôle et cette validation.")
    if known and known.figures.get(number, data.seal["sha256"]) != data.seal["sha256"]:
        return _invalid(number, f"La note {number} que ce service garde a d’autres chiffres.")
    key = key_fingerprint(data.signature.public_key)
    if data.signature.public_key in trusted:
        said = f"Les chiffres sont ceux que la clé donnée ({key}) a signés sous le numéro {number}."
        return FileVerdict(NoteVerdict.VALID, number, (said,))
    return _by_known(data, known, key) if known else _by_itself(number, key, has_trusted=bool(trusted))


def _by_known(data: NoteData, known: KnownNotes, key: str) -> FileVerdict:
    number = data.seal["number"]
    if data.signature.public_key not in known.public_keys:
        return _invalid(number, f"La signature est d’une clé que ce service ne connaît pas ({key}).")
    if number in known.figures:
        said = f"Les chiffres sont ceux de la note {number}, signés par la clé {key}."
        return FileVerdict(NoteVerdict.VALID, number, (said,))
    said = f"La clé {key} de ce service a signé ces chiffres, mais il ne garde aucune note {number}."
    advice = "Après une restauration, relancez la commande avec --key et la clé que le service publie à /n/key."
    return FileVerdict(NoteVerdict.UNPROVEN, number, (said, advice))


def _by_itself(number: str, key: str, *, has_trusted: bool) -> FileVerdict:
    if has_trusted:
        return _invalid(number, f"La signature est d’une autre clé ({key}) que celles données avec --key.")
    said = f"Les chiffres sont ceux que la clé {key}, nommée par le fichier même, a signés sous le numéro {number}."
    return FileVerdict(NoteVerdict.UNPROVEN, number, (said, ASK_WITH_KEY))


def _of_pdf(content: bytes, digest: str, known: KnownNotes | None, trusted: frozenset[str]) -> FileVerdict:
    try:
        data = _of_data(read_data(_attached(content)), known, trusted)
    except UnreadableData as error:
        data = _invalid("", f"Le PDF n’a pas les données d’une note : {error}.")
    own = _digest_of_pdf(known, data.number)
    if known and not own and data.verdict is NoteVerdict.INVALID:
        return _invalid(data.number, f"Aucun PDF gardé n’a ce code de contrôle SHA-256 ({digest}).", *data.sentences)
    if not own:
        return _by_attached_data(data, digest)
    digests = f"son code de contrôle SHA-256 est {digest}, celui du PDF gardé est {own}"
    sentences = [
        f"Ce PDF n’est pas celui qui est gardé avec la note {data.number} : {digests}.",
        "Le fichier entier est vérifié, à l’octet près.",
    ]
    if data.is_valid:
        sentences.append("Les données jointes, elles, sont intactes.")
    return _invalid(data.number, *sentences)


def _digest_of_pdf(known: KnownNotes | None, number: str) -> str:
    files = known.files if known else ()
    return next((file.sha256 for file in files if (file.number, file.kind) == (number, "pdf")), "")


def _by_attached_data(data: FileVerdict, digest: str) -> FileVerdict:
    """Nothing signs the pages of a PDF: a key proves the data attached to it, and never what the pages show."""
    if data.verdict is NoteVerdict.INVALID:
        return data
    more = (f"Le code de contrôle SHA-256 du PDF est {digest}.", COMPARE_DIGEST) if data.is_valid else ()
    return FileVerdict(NoteVerdict.UNPROVEN, data.number, (*data.sentences, ONLY_DATA, *more))


def _attached(pdf: bytes) -> bytes:
    """The one file attached to a PDF. Raises UnreadableData where there is none, or several."""
    found = list(islice(ATTACHED.finditer(pdf), 2))
    if len(found) != 1:
        raise UnreadableData("plusieurs fichiers y sont joints" if found else "aucun fichier n’y est joint")
    length = LENGTH.search(found[0][1])
    start = found[0].end()
    written = pdf[start : start + int(length[1] if length else 0)]
    if b"/Filter" not in found[0][1]:
        return written
    try:
        return zlib.decompressobj().decompress(written, LARGEST + 1)
    except zlib.error:
        raise UnreadableData("le fichier joint est abîmé") from None


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


def find_faults(session: Session) -> list[str]:
    """The approved notes whose figures, signature or files are not those of their approval, a French sentence each."""
    told = []
    for key in session.scalars(select(NoteApproval.note_id).order_by(NoteApproval.position)).all():
        note = session.get_one(Note, key)
        approval = session.scalars(_approval_of(key)).one()
        signature = NoteSignature(approval.signature, approval.public_key)
        if sha256(note.figures.encode()).hexdigest() != note.sha256:  # perhaps nothing that can be read any more
            told.append(f"Les chiffres de la note {approval.number} n’ont plus leur code de contrôle.")
        elif not is_signed(notes.as_numbered(note, "").sealed_json(), signature):
            told.append(f"La signature de la note {approval.number} ne vaut pas pour ses chiffres.")
        told += [
            f"Le fichier {file.kind} de la note {approval.number} n’a plus son code de contrôle."
            for file in notes.files_of(session, note)
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
