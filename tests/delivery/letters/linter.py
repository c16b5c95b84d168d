"""Checks the bytes of a message as a receiver would, and lists its faults; it must have none.

Sources: RFC 5322 (headers, lines of 998), RFC 2045–2047 (MIME), RFC 2919 (List-Id), RFC 2369 and 8058 (unsubscribing),
RFC 3834 (automatic mail), and the receivers' published rules for bulk mail.
"""

import re
import unicodedata
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses

from outreach.delivery.letters import LENGTH, lines_end

LONGEST_LINE = 998
MARKED = re.compile(r"\+[a-z2-7]{40}@")  # a mailbox of replies, with the mark of a letter
ALERTS = "alertes"  # in the Feedback-ID of a mail about an alert, which shows no address
DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # Bidi_Control (UAX #9)
LONGEST_HTML = 100_000  # Gmail cuts what is longer
ONCE = (
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"),
    *("List-Id", "Feedback-ID", "Auto-Submitted", "X-Auto-Response-Suppress"),
)
NEVER = ("Bcc", "Cc", "X-Mailer", "User-Agent", "Received", "Sender", "Return-Path", "X-Originating-IP")
ACTIVE = re.compile(r"<\s*(script|iframe|form|object|embed|base|svg|link)\b|\son\w+\s*=|\ssrc\s*=", re.IGNORECASE)
# The only picture a letter may load: its own, invisible, at an address that contains only a token.
LOGO = re.compile(r'<img src="cid:logo\.[0-9a-f]{16}@[^"]+" width="\d+" height="\d+" alt="[^"]*" style="[a-z:;0]*">')
PARTS = ["multipart/alternative", "text/plain", "text/html"]
PARTS_WITH_LOGO = [*PARTS[:2], "multipart/related", "text/html", "image/png"]
LARGEST_LOGO = 20_000  # bytes
PIXEL = re.compile(r'<img src="https?://[^"/]+/o/[a-z2-7]{40}\.gif" width="1" height="1" alt="" style="[a-z:;0]*">')
# Names and addresses that mean something inside a network only (RFC 6761, 6762, 8375, 1918, 3927, 4193, 4291).
INSIDE = re.compile(
    r"(?<![\w-])localhost(?![\w.-])|\.(?:local|localdomain|internal|lan|intranet|home\.arpa)(?![\w.-])"
    r"|(?<![\d.])(?:(?:10|127)\.\d{1,3}|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2}(?![\d.])"
    r"|[\[:](?:::1|fe80:[\da-f:]{1,39}|f[cd][\da-f]{2}:[\da-f:]{1,39})\]",
    re.IGNORECASE,
)
NOT_NAMES = {"subject", "to", "list-unsubscribe", "feedback-id"}  # free text, a URL from the settings, numbers
# The link first, then the address for a message, where there is one (RFC 2369 §3.2).
UNSUBSCRIBE = re.compile(
    r"<(https?://[^<>\s]+)>(?:, <mailto:[^<>@?\s]+@([^<>@?\s]+)(?:\?subject=[A-Za-z0-9%._~-]+)?>)?"
)
OF_LETTER = 12  # first characters of a token, which all tokens of a letter share: they hold its identity
NAME = re.compile(r"[\w.-]+")
MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")
UNSUBSCRIBE_LINE = re.compile(rb"^List-Unsubscribe: ([^\r\n]*)\r\n(?![ \t])", re.MULTILINE)


def faults(wire: bytes, machine: str = "") -> list[str]:
    """Every rule that this message breaks, in words; its class is read from its Feedback-ID.

    `machine` is the name of the machine that made it, if known: no header may contain it.
    """
    message = message_from_bytes(wire, policy=default)
    return [
        *_lines(wire),
        *_headers(message),
        *_thread(message),
        *_inside(message, machine),
        *_people(message),
        *_parts(message),
        *_class(message),
        *_unsubscribing(wire, message),
    ]


def _lines(wire: bytes) -> Iterator[str]:
    if not lines_end(wire):
        yield "a line does not end with CRLF"
    lines = wire.split(b"\r\n")
    if any(len(line) > LONGEST_LINE for line in lines):
        yield "a line is longer than 998"
    if any(line.startswith(b".") for line in lines):
        yield "a line begins with a dot"
    if any(byte > 126 for byte in wire.partition(b"\r\n\r\n")[2]):
        yield "the body is not 7 bit"


def _headers(message: EmailMessage) -> Iterator[str]:
    for name in ONCE:
        if len(message.get_all(name, [])) != 1:
            yield f"{name} is not there exactly once"
    for name in NEVER:
        if name in message:
            yield f"{name} must not be there"
    subject = str(message["Subject"] or "")
    if not subject.strip() or any(_is_hidden(character) for character in subject):
        yield "the subject is empty or hides a character"
    if message["Date"] is not None and message["Date"].datetime is None:
        yield "the date is no date"
    if message["Auto-Submitted"] != "auto-generated" or message["X-Auto-Response-Suppress"] != "OOF, AutoReply":
        yield "it does not say that a machine sent it"


def _thread(message: EmailMessage) -> Iterator[str]:
    before, every = message.get_all("In-Reply-To", []), message.get_all("References", [])
    if not before and not every:
        return
    named = [str(value).split() for value in (*before, *every)]
    if len(before) != 1 or len(every) != 1 or len(named[0]) != 1 or named[1][-1:] != named[0]:
        yield "In-Reply-To is not the last of References"
    elif not all(MESSAGE_ID.fullmatch(one) for one in named[1]):
        yield "References holds something else than Message-IDs"


def _inside(message: EmailMessage, machine: str) -> Iterator[str]:
    """A header that names our network helps an attacker, and spam filters take it for a misconfigured machine."""
    domain = (_addresses(message, "From") or [""])[0].rpartition("@")[2].casefold()
    own = machine.casefold() if machine.casefold() != domain else ""
    for name in {name.casefold() for name in message.keys()} - NOT_NAMES:  # noqa: SIM118 - iterating yields payloads
        named = _addresses(message, name) if name in {"from", "reply-to"} else map(str, message.get_all(name, []))
        said = " ".join(named).casefold()
        if INSIDE.search(said) or (own and any(f"{word}.".startswith(f"{own}.") for word in NAME.findall(said))):
            yield f"{name} names a machine or a network of ours"


def _people(message: EmailMessage) -> Iterator[str]:
    sender, recipient = _addresses(message, "From"), _addresses(message, "To")
    if len(sender) != 1 or len(recipient) != 1 or len(_addresses(message, "Reply-To")) != 1:
        yield "From, To and Reply-To hold one address each"
    elif not str(message["Message-ID"]).rstrip(">").endswith("@" + sender[0].rpartition("@")[2]):
        yield "the Message-ID is of another domain than From"
    elif not recipient[0].rpartition("@")[2].isascii():
        yield "the recipient's domain is not in ASCII"


def _parts(message: EmailMessage) -> Iterator[str]:
    yield from (f"defect: {type(defect).__name__}" for part in message.walk() for defect in part.defects)
    kinds = [part.get_content_type() for part in message.walk()]
    if kinds not in (PARTS, PARTS_WITH_LOGO):
        yield f"the parts are {kinds}"
        return
    text, html = _bodies(message)
    if kinds == PARTS_WITH_LOGO:
        yield from _logo(message, html)
    reply_to = [address for address in _addresses(message, "Reply-To") if not MARKED.search(address)]
    if len(html.encode()) > LONGEST_HTML:
        yield "the HTML is longer than 100 kB"
    if 'lang="fr' not in html:
        yield "the HTML does not name its language"
    if len(PIXEL.findall(html)) > 1:
        yield "it has more than one pixel"
    if ACTIVE.search(LOGO.sub("", PIXEL.sub("", html), count=1)):
        yield "the HTML is active or loads something"
    if ALERTS in _words_of_feedback(message):
        reply_to = []
    if not text.strip() or not all(address in text and address in html for address in reply_to):
        yield "the person of contact is not shown in both parts"


def _bodies(message: EmailMessage) -> list[str]:
    return [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]


def _logo(message: EmailMessage, html: str) -> Iterator[str]:
    """The one picture that comes with a letter is shown by its HTML, once, and small."""
    picture = next(part for part in message.walk() if part.get_content_type() == "image/png")
    name = str(picture["Content-ID"]).strip("<>")
    if html.count(f'src="cid:{name}"') != 1:
        yield "the logo is not shown once"
    if picture.get_content_disposition() != "inline" or len(picture.get_content()) > LARGEST_LOGO:
        yield "the logo is an attachment or too heavy"


def _class(message: EmailMessage) -> Iterator[str]:
    """The class decides whether an unsubscribe header is due; without it, a missing header would go unnoticed."""
    named = {"awareness", "statutory"} & _words_of_feedback(message)
    if len(named) != 1:
        yield "Feedback-ID does not name the message's class"
    elif ("List-Unsubscribe" in message) != (named == {"awareness"}):
        yield "it offers to unsubscribe and is no awareness mail, or is and does not"


def _words_of_feedback(message: EmailMessage) -> set[str]:
    return set(str(message["Feedback-ID"]).split(":"))


def _unsubscribing(wire: bytes, message: EmailMessage) -> Iterator[str]:
    if "List-Unsubscribe" not in message:
        if "List-Unsubscribe-Post" in message:
            yield "List-Unsubscribe-Post stands alone"
        return
    raw = UNSUBSCRIBE_LINE.findall(wire)
    link = UNSUBSCRIBE.fullmatch(raw[0].decode("latin-1")) if len(raw) == 1 else None
    if link is None:
        yield "List-Unsubscribe is folded, encoded, or is not a link and perhaps an address after it"
        return
    if link[2] and not _addresses(message, "From")[0].endswith("@" + link[2]):
        yield "the address to unsubscribe is of another domain than From"
    if message["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click":
        yield "one-click unsubscribing is not offered"
    # The token in the text is another one of the same letter: its first characters are those of the letter's identity.
    shown = link[1][: OF_LETTER - LENGTH]
    if not all(shown in body.replace("&amp;", "&") for body in _bodies(message)):
        yield "the link to unsubscribe is not shown in both parts"


def _addresses(message: EmailMessage, name: str) -> list[str]:
    return [address for _, address in getaddresses([str(value) for value in message.get_all(name, [])]) if address]


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Co", "Zl", "Zp"} or character in DIRECTIONS
