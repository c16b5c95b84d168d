"""The letterhead of the service: a logo and lines that an administrator gives, kept in dated versions.

A logo is a PNG within limits, read to its last byte before it is kept: what is not needed to show it is left out, and a
damaged one would stop notes from being made.
"""

import struct
import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from sqlalchemy import LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core import audit
from outreach.core.db import Base, Session
from outreach.core.text.errors import InputError
from outreach.core.text.french import number, plural, size
from outreach.core.text.typed import is_forbidden

SUBJECT = "letterhead"  # of what the audit records about it
MOST_LINES, LONGEST_LINE = 4, 80
LARGEST_LOGO = 300_000  # bytes
LARGEST_IN_LETTER = 20_000  # bytes: a wave sends it as many times as it has letters
BOX = 220, 64  # pixels, of the logo in a letter
MOST_WIDE, MOST_HIGH, LEAST = 1600, 800, 32  # pixels
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEPT_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the type of colour (PNG, ISO/IEC 15948 §11.2.2)
NOT_PNG = "Ce fichier n’est pas une image PNG entière : enregistrez le logo en PNG, puis envoyez-le de nouveau."


class LetterheadVersion(Base):
    """A version of the letterhead: its lines, one a row of text, and its logo, if any. The newest one holds."""

    __tablename__ = "letterhead_versions"

    id: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[str] = mapped_column(Text)
    logo: Mapped[bytes | None] = mapped_column(LargeBinary)
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(255))


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The lines in order, and the logo as PNG (empty: none). `get_letterhead` is the key of the row that it is, 0 of
    none."""

    lines: tuple[str, ...] = ()
    logo: bytes = b""
    version: int = 0

    @property
    def digest(self) -> str:
        """What tells its logo from another one."""
        return sha256(self.logo).hexdigest()[:16] if self.logo else ""

    @property
    def in_letters(self) -> "Letterhead":
        """What letters bear of it: the lines, and the logo unless it is too heavy."""
        return self if len(self.logo) <= LARGEST_IN_LETTER else self.lines_alone

    @property
    def lines_alone(self) -> "Letterhead":
        """The lines without the logo."""
        return replace(self, logo=b"")

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height at which a letter shows the logo, in pixels: within BOX, and never larger than it is."""
        wide, high = struct.unpack(">II", self.logo[16:24])
        scale = min(1, BOX[0] / wide, BOX[1] / high)
        return max(1, round(wide * scale)), max(1, round(high * scale))


NONE = Letterhead()


def current_letterhead(session: Session) -> Letterhead:
    """The letterhead that holds; an empty one where nobody gave any."""
    return _of(session.scalar(select(LetterheadVersion).order_by(LetterheadVersion.id.desc()).limit(1)))


def get_letterhead(session: Session, key: int | None) -> Letterhead:
    """The letterhead that a row holds; an empty one without a key."""
    return _of(session.get_one(LetterheadVersion, key)) if key else NONE


def _of(held: LetterheadVersion | None) -> Letterhead:
    if held is None:
        return NONE
    return Letterhead(tuple(held.lines.split("\n")) if held.lines else (), held.logo or b"", held.id)


def change_letterhead(session: Session, head: Letterhead, *, now: datetime, actor: str) -> None:
    """Keep a new version, whose lines and picture were judged before, and what the audit says of it."""
    made = LetterheadVersion(lines="\n".join(head.lines), logo=head.logo or None, set_at=now, set_by=actor)
    session.add(made)
    session.flush()
    image = f"logo {head.digest}" if head.logo else "sans logo"
    audit.record_entry(session, now, actor, f"En-tête changé : {plural(len(head.lines), 'ligne')}, {image}.", SUBJECT)


def lines_of(typed: str) -> tuple[str, ...]:
    """The lines of a text as it was typed, without empty ones."""
    return tuple(filter(None, (" ".join(line.split()) for line in typed.splitlines())))


def refuse_lines(lines: tuple[str, ...]) -> None:
    """Raises InputError where there are too many lines, or one is too long."""
    if len(lines) > MOST_LINES or any(len(line) > LONGEST_LINE for line in lines):
        raise InputError(f"Écrivez {MOST_LINES} lignes au plus, de {LONGEST_LINE} caractères chacune.")
    if any(is_forbidden(character) for line in lines for character in line):
        raise InputError("Le texte contient un caractère interdit.")


def shown_png(content: bytes) -> bytes:
    """A PNG with only what shows it: no comment, no other picture. Raises InputError where it is out of its limits."""
    if len(content) > LARGEST_LOGO:
        raise InputError(f"Le logo dépasse {size(LARGEST_LOGO)} : enregistrez-le plus petit.")
    kept = [(kind, data) for kind, data in _chunks(content) if kind in KEPT_CHUNKS]
    if len(kept) < 3 or kept[0][0] != b"IHDR" or len(kept[0][1]) != 13 or kept[-1][0] != b"IEND":
        raise InputError(NOT_PNG)
    _refuse_picture(kept[0][1], b"".join(data for kind, data in kept if kind == b"IDAT"))
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in kept
    )


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """The parts of a PNG in order, each by its own checksum."""
    found, place = [], len(SIGNATURE)
    if not content.startswith(SIGNATURE):
        raise InputError(NOT_PNG)
    while place + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        data, check = content[place + 8 : place + 8 + length], content[place + 8 + length : place + 12 + length]
        if len(check) < 4 or struct.unpack(">I", check)[0] != zlib.crc32(kind + data):
            raise InputError(NOT_PNG)
        found.append((kind, data))
        if kind == b"IEND":
            break
        place += 12 + length
    return found


def _refuse_picture(header: bytes, packed: bytes) -> None:
    """Raises InputError where a picture is too large or too small, or its bytes are not as many as its header says."""
    wide, high, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if not (LEAST <= wide <= MOST_WIDE and LEAST <= high <= MOST_HIGH):
        most = f"{number(MOST_WIDE)} sur {number(MOST_HIGH)}"
        raise InputError(f"Le logo a {wide} sur {high} points : il en faut {LEAST} au moins, {most} au plus.")
    if colour not in CHANNELS or interlaced:
        raise InputError(NOT_PNG if colour not in CHANNELS else "Enregistrez le logo en PNG non entrelacé.")
    octets = high * (1 + (wide * depth * CHANNELS[colour] + 7) // 8)
    try:
        unpacked = zlib.decompressobj()
        pixels = unpacked.decompress(packed, octets + 1)
    except zlib.error:
        raise InputError(NOT_PNG) from None
    if len(pixels) != octets or not unpacked.eof:
        raise InputError(NOT_PNG)
