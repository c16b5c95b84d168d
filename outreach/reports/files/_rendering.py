"""All files of a numbered note, made at once at its approval; its JSON in the one form of RFC 8785.

Whoever changes the order of its keys or its spaces changes nothing of what it says, and it still verifies. It holds
nothing else, as nothing else would be signed.
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import rfc8785

from outreach.core.sandbox import pdf
from outreach.core.site import NONE, Letterhead
from outreach.reports.files._document import Picture, qr_svg
from outreach.reports.files._docx import document
from outreach.reports.files._outline import Outline, checking, outline
from outreach.reports.files._tables import workbook
from outreach.reports.notes import NoteSignature, NumberedNote

FORMAT = "note-1"
ALGORITHM = "Ed25519"
LARGEST = 16_000_000  # bytes; a note of every network, zone and federation has a hundred thousand
PARTS = {"format", "figures", "seal", "signature"}
SIGNATURE = {"algorithm", "public_key", "value"}
NUMBER = re.compile(r"[0-9]{4}-[0-9]{3,9}")  # commands show it: no sentence, no control character of a terminal
SEAL = {"number", "sha256", "approved_at", "approved_by", "previous_sha256"}


class UnreadableData(Exception):
    """These bytes are no JSON file of a note; the message says why, in French, for the end of a sentence."""


@dataclass(frozen=True, slots=True)
class NoteData:
    """A JSON file as it was read: its figures and its seal, each in its one form again, and the signature."""

    figures: bytes
    seal: dict[str, str]
    signature: NoteSignature

    @property
    def sealed_json(self) -> bytes:
        """The bytes that are signed."""
        return rfc8785.dumps(self.seal)


def data_file(note: NumberedNote, signature: NoteSignature) -> bytes:
    """The JSON file of a note. The same note gives the same bytes."""
    return rfc8785.dumps(
        {
            "format": FORMAT,
            "figures": note.content.figures(),
            "seal": note.sealed(),
            "signature": {
                "algorithm": ALGORITHM,
                "public_key": signature.public_key,
                "value": signature.value,
            },
        }
    )


def read_data(content: bytes) -> NoteData:
    """Read a JSON file, whatever the order of its keys. Raises UnreadableData."""
    if len(content) > LARGEST:
        raise UnreadableData(f"le fichier dépasse {LARGEST // 1_000_000} Mo")
    try:
        read = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_once, parse_float=_no_number, parse_constant=_no_number
        )
        if read["format"] != FORMAT or read["signature"]["algorithm"] != ALGORITHM:
            raise UnreadableData("son format est d’une autre version du service")
        if set(read) != PARTS or set(read["signature"]) != SIGNATURE:
            raise UnreadableData("il a une partie de trop, ou il lui en manque une")
        seal, signature = read["seal"], read["signature"]
        is_text = all(isinstance(value, str) for value in (*seal.values(), *signature.values()))
        if set(seal) != SEAL or not is_text or not isinstance(read["figures"], dict):
            raise UnreadableData("il lui manque une partie")
        own = NoteSignature(signature["value"], signature["public_key"])
        rfc8785.dumps(seal)  # half a character has no bytes: it is refused here, as in the figures
        if not NUMBER.fullmatch(seal["number"]):
            raise UnreadableData("son numéro n’est pas celui d’une note")
        return NoteData(rfc8785.dumps(read["figures"]), seal, own)
    except (KeyError, TypeError, AttributeError):
        raise UnreadableData("il lui manque une partie") from None
    except (ValueError, RecursionError):  # UnicodeDecodeError, JSONDecodeError and rfc8785's own among them
        raise UnreadableData("ce n’est pas un JSON lisible") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(written: str) -> None:
    raise ValueError(f"{written} is neither a whole number nor a text")


LOST_NOTHING = "La note n’est pas validée, rien n’est perdu"
DOTS = 220  # an inch, of a picture on paper


def render(note: NumberedNote, signature: NoteSignature, head: Letterhead = NONE) -> dict[str, bytes]:
    """The files of a note by kind: pdf, docx, xlsx, json.

    The PDF and the DOCX bear the letterhead. The same note and signature give the same bytes of json. Raises
    Refused when typst makes no PDF.
    """
    data = data_file(note, signature)
    shown = outline(note, signature)
    approved_at = int(datetime.fromisoformat(note.approved_at).timestamp())
    return {
        "json": data,
        "xlsx": workbook(note, signature),
        "docx": document(note, shown, head, _drawn(shown)),
        "pdf": pdf.set_pdf("note.typ", _document(note, shown, data, head), approved_at, lost_nothing=LOST_NOTHING),
    }


def _drawn(shown: Outline) -> dict[str, bytes]:
    """The pictures of a document as PNG, by their SVG."""
    blocks = [block for section in shown.sections for block in section.blocks]
    return {one.svg: _png(one) for one in blocks if isinstance(one, Picture)}


def _png(picture: Picture) -> bytes:
    values = {"svg": picture.svg, "width": picture.width}
    return pdf.set_png("picture.typ", values, lost_nothing=LOST_NOTHING, dots=DOTS)


def _document(note: NumberedNote, shown: Outline, data: bytes, head: Letterhead) -> dict[str, Any]:
    made = date.fromisoformat(note.approved_at[:10])
    return {
        **asdict(shown),
        "name": f"{shown.title} – note {shown.number}",
        "date": [made.year, made.month, made.day],
        "qr": qr_svg(note.address),
        "address": note.address,
        "checking": checking(note),
        "data": data.decode(),
        "head": {"lines": list(head.lines), "logo": list(head.logo)},
    }
