"""Makes all files of a numbered note, at once: they are made at its approval and kept with it."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from outreach.about.letterheads import NONE, Letterhead
from outreach.children import pdf
from outreach.notes.content import NumberedNote
from outreach.notes.files import word, workbook
from outreach.notes.files.data import data_file
from outreach.notes.files.outline import Outline, checking, outline
from outreach.notes.files.parts import Picture
from outreach.notes.files.pictures import qr_svg
from outreach.notes.signing import NoteSignature

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
        "xlsx": workbook.workbook(note, signature),
        "docx": word.document(note, shown, head, _drawn(shown)),
        "pdf": pdf.set_pdf("note.typ", _document(note, shown, data, head), approved_at, lost_nothing=LOST_NOTHING),
    }


def _drawn(shown: Outline) -> dict[str, bytes]:
    """The pictures of a document as PNG, by their SVG."""
    blocks = [block for section in shown.sections for block in section.blocks]
    return {one.svg: _png(one) for one in blocks if isinstance(one, Picture)}


def _png(picture: Picture) -> bytes:
    asked = {"svg": picture.svg, "width": picture.width}
    return pdf.set_png("picture.typ", asked, lost_nothing=LOST_NOTHING, dots=DOTS)


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
