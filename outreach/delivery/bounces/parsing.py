"""Parses a message that came from anywhere: its parts and headers, within limits, as text that any database accepts."""

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32, Policy, compat32

MOST_PARTS = 200
DEEPEST = 20
LONGEST_HEADER = 8 * 1024
LONGEST_KEPT = 500
BEYOND_ASCII = re.compile(r"^(\s*message/)global-(?=delivery-status|disposition-notification)", re.IGNORECASE)


class TooComplexError(Exception):
    """A message of more parts than any notice has."""


def parsed(content: bytes) -> Message:
    """Parse a message. Raises TooComplexError."""
    return message_from_bytes(content, _counted(MOST_PARTS), policy=_Cautious())


def leaves(message: Message, depth: int = 0) -> Iterator[Message]:
    """The leaf parts of a message; an attached message is one leaf."""
    if message.get_content_maintype() != "multipart" or not message.is_multipart():
        yield message
    elif depth < DEEPEST:
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from leaves(part, depth + 1)


def payload(part: Message) -> bytes:
    """The content of a part, decoded; empty where it has none."""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def text_of(message: Message, header: str) -> str:
    """One header, decoded, on one line; '' where there is none."""
    return next(iter(texts_of(message, header)), "")


def texts_of(message: Message, header: str) -> list[str]:
    """Every header of this name, decoded, each on one line."""
    return [_decoded(str(raw)) for raw in message.get_all(header, [])]


def one_line(text: str, longest: int = LONGEST_KEPT) -> str:
    """One line that any database accepts: no control characters, invisible characters or lone surrogates."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())[:longest]


class _Cautious(Compat32):
    """Cuts headers at 8 KB, longer than any honest one: parsing a parameter takes quadratic time.

    Decodes UTF-8 headers (RFC 6532), and reads reports about non-ASCII addresses like other reports (RFC 6533).
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """A header's name and value."""
        name, value = super().header_source_parse(sourcelines)
        return name, BEYOND_ASCII.sub(r"\1", value[:LONGEST_HEADER])

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - the library's signature
        """The value of a header, decoded from UTF-8."""
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _counted(most: int) -> Callable[[], Message]:
    """A factory for the parts of one parse. It raises TooComplexError after `most` parts, nested ones included."""
    left = most

    def make(policy: Policy = compat32) -> Message:
        nonlocal left
        left -= 1
        if left < 0:
            raise TooComplexError
        return Message(policy)

    return make


def _decoded(raw: str) -> str:
    try:
        return one_line(str(make_header(decode_header(raw))), LONGEST_HEADER)
    except (LookupError, ValueError, MessageError):
        return one_line(raw, LONGEST_HEADER)
