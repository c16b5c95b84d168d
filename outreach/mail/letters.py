"""A letter: written once, compiled once into fixed pieces and slots, filled for each recipient.

Each field stands in the text as one character of the private use area, refused in what people write; so the layout may
treat the letter as plain text, and the compiled letter is that text split at these characters. Values go in as plain
text, escaped after everything else: a name that looks like markup leaves as a name.
"""

import difflib
import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape

from outreach.errors import InputError
from outreach.mail import mime

FIRST_MARK = 0xE000
MARKS = re.compile("[\ue000-\uf8ff]")
FIELD = re.compile(r"\(\(\s*([^()]*?)\s*\)\)")
LONGEST_SOURCE = 64 * 1024
LONGEST_SUBJECT = 250


@dataclass(frozen=True, slots=True)
class Value:
    """What a field holds for one recipient, as markup and as text."""

    html: str
    text: str

    @classmethod
    def plain(cls, text: str) -> "Value":
        """Words that mean nothing but themselves; control and direction characters are left out."""
        kept = text if text.isprintable() else "".join(c for c in text if c == "\n" or not _is_forbidden(c))
        return cls(escape(kept).replace("\n", "<br>\n"), kept)


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter whose fields are marks: `fields[i]` is the name behind the mark `FIRST_MARK + i`.

    Kept as it is with a mailing, so that a letter composed a year later is the same to the byte.
    """

    fields: tuple[str, ...]
    subject: str
    html: str
    text: str

    def to_json(self) -> str:
        """What is kept."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, kept: str) -> "Draft":
        """What was kept."""
        read = json.loads(kept)
        return cls(tuple(read["fields"]), read["subject"], read["html"], read["text"])


@dataclass(frozen=True, slots=True)
class Filled:
    """A letter for one recipient: its subject, and its two bodies in quoted-printable."""

    subject: str
    text: bytes
    html: bytes


class Letter:
    """A compiled letter. Filling it costs a join: its fixed text is encoded already."""

    def __init__(self, draft: Draft) -> None:
        self._subject = _split(draft.subject, draft.fields)
        self._html = [piece if slot else mime.encode(piece) for slot, piece in _split(draft.html, draft.fields)]
        self._text = [piece if slot else mime.encode(piece) for slot, piece in _split(draft.text, draft.fields)]

    def fill(self, values: Mapping[str, Value]) -> Filled:
        """The letter with these values. Raises KeyError when a field has none."""
        return Filled(
            subject=one_line("".join(values[piece].text if slot else piece for slot, piece in self._subject)),
            text=mime.joined(mime.encode(values[p].text) if isinstance(p, str) else p for p in self._text),
            html=mime.joined(mime.encode(values[p].html) if isinstance(p, str) else p for p in self._html),
        )


def marked(source: str, marks: Mapping[str, str]) -> str:
    """A source with its fields replaced by their marks, in NFC; `((name))` is a field when `marks` knows the name.

    Raises InputError, with the line, on a field that does not exist, a forbidden character, or too long a text.
    """
    if len(source.encode("utf-8", "replace")) > LONGEST_SOURCE:
        raise InputError("Le courriel dépasse 64 ko : raccourcissez-le.")
    text = unicodedata.normalize("NFC", source).replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        if any(_is_forbidden(character) for character in line):
            raise InputError(f"Ligne {number} : un caractère de commande ou invisible n’est pas permis.")
    return FIELD.sub(lambda found: _mark(found, marks, text), text)


def paragraphs(text: str, blocks: Collection[str]) -> tuple[str, str]:
    """The HTML and the text of a marked source: paragraphs between empty lines, line breaks kept.

    `blocks` are the marks that hold whole blocks (a table): alone in their paragraph, they are not wrapped in one.
    """
    found = [paragraph.strip("\n ") for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    html = [paragraph if paragraph in blocks else _paragraph(paragraph) for paragraph in found]
    return "\n".join(html), "\n\n".join(found)


def marks_of(fields: Iterable[str]) -> dict[str, str]:
    """The character that stands for each field, by their order."""
    return {name: chr(FIRST_MARK + place) for place, name in enumerate(fields)}


def one_line(text: str) -> str:
    """A text fit for a header: one line, without control or direction characters (RFC 5322 §2.2)."""
    spaced = re.sub(r"[\s\u0085\u2028\u2029]+", " ", text).strip()
    return "".join(character for character in spaced if not _is_forbidden(character))


def _paragraph(paragraph: str) -> str:
    return "<p>" + escape(paragraph, quote=False).replace("\n", "<br>\n") + "</p>"


def _mark(found: re.Match[str], marks: Mapping[str, str], text: str) -> str:
    name = found[1]
    if name in marks:
        return marks[name]
    near = difflib.get_close_matches(name, marks, n=1, cutoff=0.6)
    hint = f" Vouliez-vous écrire (({near[0]})) ?" if near else ""
    line = text.count("\n", 0, found.start()) + 1
    raise InputError(f"Ligne {line} : le champ (({name[:40]})) n’existe pas.{hint}")


def _split(text: str, fields: Sequence[str]) -> list[tuple[bool, str]]:
    """Fixed text and names of fields in order, each with whether it is a field."""
    pieces: list[tuple[bool, str]] = []
    start = 0
    for found in MARKS.finditer(text):
        pieces += [(False, text[start : found.start()]), (True, fields[ord(found[0]) - FIRST_MARK])]
        start = found.end()
    return [(slot, piece) for slot, piece in [*pieces, (False, text[start:])] if slot or piece]


def _is_forbidden(character: str) -> bool:
    if character in "\t\u200d\u200c":
        return False
    category = unicodedata.category(character)
    return (
        category in {"Cc", "Cs", "Co", "Zl", "Zp"}
        or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
