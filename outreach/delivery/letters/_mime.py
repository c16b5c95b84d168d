"""Writes a message's bytes: its headers, its text and HTML parts, their encoding.

Bodies are quoted-printable pieces that are joined, never encoded again: a letter's fixed text is encoded once for all
its recipients. The email package writes the same message some thirty times slower; a test proves the two equal.
"""

import re
from base64 import b64decode, b64encode
from binascii import b2a_qp
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

SOFT_BREAK = b"=\r\n"
FULL_AND_SPACE = re.compile(rb"^(.{74,})(=20|=09)(?=\n)", re.MULTILINE)
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
LONGEST = 75  # of a line in quoted-printable, without its soft break
PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
HEADER_LINE = 76
SHORT = 200
PICTURE_BYTES = 57  # a line of 76 characters of base64
WORD_BYTES = 45  # 60 characters of base64, which "=?utf-8?b?" and "?=" make 72


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address as headers carry it, with the name shown beside it (or '')."""

    address: str
    name: str = ""

    def __str__(self) -> str:
        return f"{_phrase(self.name)} <{self.address}>" if self.name else self.address


@dataclass(frozen=True, slots=True)
class SharedHeaders:
    """The headers all the letters of a mailing share.

    `unsubscribe` is the URL to unsubscribe at, up to its token, or ''. `mailto` is the first part of the address for an
    unsubscribe message, or '' when nobody reads such messages; `mailto_subject` is that message's subject. `zone` names
    the time zone in which dates are written, '' for UTC. `references` are the Message-IDs of the letters before
    this one in its thread, separated by spaces and the oldest first, or ''. `reply_to` ends its local part with + where
    the letter's mark goes there, as `is_marked` says.
    """

    sender: Mailbox
    reply_to: Mailbox
    list_id: str
    feedback_id: str
    unsubscribe: str
    mailto: str = ""
    references: str = ""
    mailto_subject: str = ""
    zone: str = ""
    is_marked: bool = False


class Personal(NamedTuple):
    """The headers of one letter.

    `id` is the 16 hexadecimal digits that name it; `unsubscribe`, `mailto` and `mark` are its tokens, or ''.
    """

    id: str
    to: str
    date: datetime
    subject: str
    unsubscribe: str
    mailto: str = ""
    mark: str = ""


def encode(text: str) -> bytes:
    """Encode as quoted-printable (RFC 2045 §6.7), with CRLF line ends and no line that begins with a dot.

    A piece may follow any other after a soft break: its encoding does not depend on the line before it.
    """
    if len(text) <= LONGEST and text.isascii() and text.isalnum():
        return text.encode("ascii")  # tokens and numbers rarely repeat, so that caching them would not pay
    return _encoded_once(text) if len(text) <= SHORT else _encoded(text)


def _encoded(text: str) -> bytes:
    encoded = b2a_qp(text.encode("utf-8"), istext=True)
    if len(encoded) <= LONGEST and b"\n" not in encoded and not encoded.startswith(b"."):
        return encoded  # one line, and nothing to correct
    # Two lines may be longer than allowed. The library counts wrongly on a line that ends with an encoded space. The
    # last line, when it is full, has no room for the soft break that will follow it.
    if b"=20\n" in encoded or b"=09\n" in encoded:
        encoded = FULL_AND_SPACE.sub(rb"\1=\n\2", encoded)
    encoded = encoded.replace(b"\n", b"\r\n")
    if len(encoded) - encoded.rfind(b"\n") - 1 > LONGEST:
        last = -3 if encoded[-3:-2] == b"=" else -1
        encoded = encoded[:last] + SOFT_BREAK + encoded[last:]
    # A dot that begins a line would have to be doubled on the wire (RFC 5321 §4.5.2); =2E avoids it.
    while b"\n." in encoded or encoded.startswith(b"."):
        encoded = LEADING_DOT.sub(b"=2E" + SOFT_BREAK, encoded)
    return encoded


_encoded_once = lru_cache(maxsize=4096)(_encoded)  # most values are short, and the same in every letter


def joined(pieces: Iterable[bytes]) -> bytes:
    """Join encoded pieces: decoded, the result is their texts one after the other."""
    return SOFT_BREAK.join(pieces)


class Inline(NamedTuple):
    """A PNG that a letter's HTML shows by `cid:` and this name: its bytes in base64, on one line."""

    name: str
    base64: str

    def shown_in(self, html: str) -> str:
        """The HTML as a browser shows it, which has no message to find the picture in."""
        return html.replace(f'src="cid:{self.name}"', f'src="data:image/png;base64,{self.base64}"')


def assemble_message(
    standing: SharedHeaders, personal: Personal, text: bytes, html: bytes, picture: Inline | None = None
) -> bytes:
    """The whole message, text before HTML (RFC 2046 §5.1.4), with CRLF line ends, ready for DATA without the final dot.

    `text` and `html` are quoted-printable. A `picture` stands with the HTML that shows it (RFC 2387). There is no Bcc,
    no software version and no machine's name in it.
    """
    boundary = b"=_" + personal.id.encode("ascii")  # "=_" cannot stand in quoted-printable text (RFC 2045 §6.7)
    own = _own(standing, personal).encode("utf-8")
    shown = _part(b"html") + html + b"\r\n"
    if picture:
        within = b"=_r" + personal.id.encode("ascii")
        shown = _RELATED % (within, within, shown, within, _encoded_picture(picture), within)
    return _WHOLE % (_fixed(standing), own, boundary, boundary, text, boundary, shown, boundary)


@lru_cache(maxsize=16)
def _encoded_picture(picture: Inline) -> bytes:
    """The part of a picture, the same in all letters of a wave."""
    lines = b"\r\n".join(b64encode(row) for row in _rows(b64decode(picture.base64)))
    return (
        b"\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: inline\r\nContent-ID: <" + picture.name.encode("ascii") + b">\r\n\r\n" + lines + b"\r\n"
    )


def _rows(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PICTURE_BYTES):
        yield content[start : start + PICTURE_BYTES]


def lines_end(wire: bytes) -> bool:
    """Whether every line of a message ends with CRLF, the last one too, and nothing else looks like an end of line.

    A lone CR or LF lets a relay read the end of the message where another one does not, and what follows it as a
    message of somebody else's (SMTP smuggling). It costs 1 µs a kB.
    """
    lines = wire.replace(b"\r\n", b"")
    return not (b"\n" in lines or b"\r" in lines) and wire.endswith(b"\r\n")


def message_id(identity: str, domain: str) -> str:
    """The Message-ID of the letter named by these 16 digits (RFC 5322 §3.6.4)."""
    return f"<{identity}@{domain}>"


@lru_cache(maxsize=64)
def _fixed(standing: SharedHeaders) -> bytes:
    lines = [
        f"From: {standing.sender}",
        *(() if standing.is_marked else (f"Reply-To: {standing.reply_to}",)),
        f"List-Id: {standing.list_id}",
        f"Feedback-ID: {standing.feedback_id}",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: OOF, AutoReply",
    ]
    if standing.unsubscribe:
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    if before := standing.references.split():
        # The letter before, and all of them, one a line (RFC 5322 §3.6.4).
        lines += [f"In-Reply-To: {before[-1]}", "References: " + "\r\n ".join(before)]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8")


def _own(standing: SharedHeaders, personal: Personal) -> str:
    domain = standing.sender.address.rpartition("@")[2]
    lines = (
        f"To: {personal.to}\r\n"
        f"Subject: {_unstructured(personal.subject, len('Subject: '))}\r\n"
        f"Date: {_date(personal.date, standing.zone)}\r\n"
        f"Message-ID: {message_id(personal.id, domain)}\r\n"
    )
    if standing.is_marked:
        box, _, place = standing.reply_to.address.rpartition("@")
        lines += f"Reply-To: {Mailbox(f'{box}{personal.mark}@{place}', standing.reply_to.name)}\r\n"
    if standing.unsubscribe:
        # On one line whatever its length: receivers do not unfold it, and an encoded word would be no address.
        subject = (
            f"?subject={quote(standing.mailto_subject, safe='')}" if standing.mailto_subject else ""
        )  # RFC 6068 §2
        by_mail = f", <mailto:{standing.mailto}{personal.mailto}@{domain}{subject}>" if standing.mailto else ""
        lines += f"List-Unsubscribe: <{standing.unsubscribe}{personal.unsubscribe}>{by_mail}\r\n"
    return lines


def _part(kind: bytes) -> bytes:
    return (
        b"\r\nContent-Type: text/" + kind + b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"Content-Language: fr\r\n\r\n"
    )


def _phrase(name: str) -> str:
    if not name.isascii() or "=?" in name:
        return _unstructured(name, len("Reply-To: "))
    if PLAIN.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_WHOLE = (
    b'%b%bMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="%b"\r\n\r\n'
    b"--%b" + _part(b"plain") + b"%b\r\n--%b%b--%b--\r\n"
)
_RELATED = b'\r\nContent-Type: multipart/related; type="text/html"; boundary="%b"\r\n\r\n--%b%b--%b%b--%b--\r\n'


@lru_cache(maxsize=64)
def _date(moment: datetime, zone: str) -> str:
    return format_datetime(moment.astimezone(ZoneInfo(zone) if zone else UTC))


def _unstructured(text: str, used: int) -> str:
    """A text as it is where it fits, else encoded words (RFC 2047): one per line, each of whole characters."""
    if text.isascii() and len(text) + used <= HEADER_LINE and "=?" not in text:
        return text
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in _words(text, WORD_BYTES - used))


def _words(text: str, first: int) -> Iterator[bytes]:
    """The bytes of a text in pieces of whole characters, the first one shorter."""
    whole, start, room = text.encode("utf-8"), 0, first
    while start < len(whole):
        end = start + room
        while end < len(whole) and whole[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        yield whole[start:end]
        start, room = end, WORD_BYTES
