"""Tells whether a file is a note's: its JSON by the signature, any other file by the digest kept with the note.

The question needs no network. Without the database, a JSON file and the JSON attached to a PDF can still be checked,
with the key that they name themselves: the verdict then says what was not checked.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from outreach.notes.files.data import LARGEST, NoteData, UnreadableData, read_data
from outreach.notes.signing import fingerprint, is_signed

ONLY_DATA = "Seules les données jointes sont vérifiées : le texte et les tableaux que montre le fichier ne le sont pas."
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


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """Whether a file is a note's as it was approved; what was checked, and why not, a French sentence each."""

    is_valid: bool
    number: str
    sentences: tuple[str, ...]

    @property
    def said(self) -> str:
        """All of it on one line."""
        return " ".join(self.sentences)


def verify(content: bytes, known: KnownNotes | None = None) -> FileVerdict:
    """Verify a file of a note. `known` is what the database holds; None where there is no database."""
    digest = sha256(content).hexdigest()
    kept = next((file for file in known.files if file.sha256 == digest), None) if known else None
    if kept:
        said = f"Ce fichier est, octet pour octet, le {kept.kind.upper()} de la note {kept.number}, gardé avec elle"
        return FileVerdict(True, kept.number, (f"{said} (empreinte SHA-256 {digest}).",))
    if content.startswith(b"%PDF"):
        return _of_pdf(content, digest, known)
    try:
        data = read_data(content)
    except UnreadableData as error:
        return _unknown(digest, known, str(error))
    return _of_data(data, known)


def _unknown(digest: str, known: KnownNotes | None, why: str) -> FileVerdict:
    sought = "n’est celle d’aucun fichier gardé" if known else "ne peut pas être comparée sans la base de données"
    return FileVerdict(
        False, "", (f"L’empreinte SHA-256 du fichier ({digest}) {sought}.", f"Ce n’est pas le JSON d’une note : {why}.")
    )


def _of_data(data: NoteData, known: KnownNotes | None) -> FileVerdict:
    number = data.seal["number"]
    if sha256(data.figures).hexdigest() != data.seal["sha256"]:
        return FileVerdict(
            False, number, ("Les chiffres ont été modifiés : leur empreinte n’est pas celle qui est signée.",)
        )
    if not is_signed(data.sealed_json, data.signature):
        return FileVerdict(
            False, number, ("La signature ne vaut pas pour ce numéro, cette empreinte et cette validation.",)
        )
    key = fingerprint(data.signature.public_key)
    if known is None:
        sentence = f"Les chiffres sont ceux que la clé {key} a signés sous le numéro {number}."
        return FileVerdict(True, number, (sentence, "Comparez cette clé avec celles que le service publie à /n/key."))
    if data.signature.public_key not in known.public_keys:
        return FileVerdict(False, number, (f"La signature est d’une clé que ce service ne connaît pas ({key}).",))
    if known.figures.get(number) != data.seal["sha256"]:
        return FileVerdict(False, number, (f"La note {number} que ce service garde a d’autres chiffres.",))
    return FileVerdict(True, number, (f"Les chiffres sont ceux de la note {number}, signés par la clé {key}.",))


def _of_pdf(content: bytes, digest: str, known: KnownNotes | None) -> FileVerdict:
    try:
        data = _of_data(read_data(_attached(content)), known)
    except UnreadableData as error:
        data = FileVerdict(False, "", (f"Le PDF n’a pas les données d’une note : {error}.",))
    if known is None:
        return FileVerdict(
            data.is_valid, data.number, (*data.sentences, ONLY_DATA) if data.is_valid else data.sentences
        )
    own = next((file.sha256 for file in known.files if (file.number, file.kind) == (data.number, "pdf")), "")
    if not own:
        return FileVerdict(
            False, data.number, (f"Aucun PDF gardé n’a cette empreinte SHA-256 ({digest}).", *data.sentences)
        )
    digests = f"son empreinte SHA-256 est {digest}, celle du PDF gardé est {own}"
    sentences = [
        f"Ce PDF n’est pas celui qui est gardé avec la note {data.number} : {digests}.",
        "Le fichier entier est vérifié, à l’octet près.",
    ]
    if data.is_valid:
        sentences.append("Les données jointes, elles, sont intactes.")
    return FileVerdict(False, data.number, tuple(sentences))


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
