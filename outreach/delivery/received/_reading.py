"""Reads a mail that came to the mailbox of replies, within bounds: who wrote what, and what it names. No I/O.

Anybody may write any From, and any Authentication-Results: only those of our server count, by the name that the setting
gives it. It takes away what comes under its name from elsewhere (RFC 8601 §5); where it does not, each line under its
name has to prove the sender by itself, and none may hold what a stranger quotes in it.

Anybody may send any bytes. Nothing that a mail says is a proof, except a mark of ours in an address that it came to,
and what our own receiving server says of its sender.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from enum import StrEnum

from outreach.core.text.addresses import LONGEST, key_of
from outreach.delivery import bounces
from outreach.delivery.bounces import (
    ADDRESSED,
    CHARSETS,
    DEEPEST,
    MESSAGE_ID,
    RETURN_PATH,
    Notice,
    NoticeVerdict,
    decoded,
    leaf_parts,
    one_line,
    parse_message,
    part_payload,
    text_of,
)
from outreach.delivery.letters import LENGTH, Keys, TokenKind
from outreach.delivery.received import _markup as markup
from outreach.delivery.received._quotes import Cut, cut

MOST_RESULTS = 10  # lines; with more of them nothing is proved
COMMENT = re.compile(r"\([^()\"\\]{0,500}\)")
QUOTED = re.compile(r'"([\w.+/=@-]{0,320})"', re.ASCII)
ODD = re.compile(r'["\\()]')  # left over: a quoted word that may hold a result, or a comment that ends elsewhere
RESULT = re.compile(r"(dmarc|dkim|spf)\s*=\s*([a-z]{1,20})\b(.{0,500})", re.DOTALL)
PROPERTY = re.compile(r"(?<!\S)(header\.from|header\.d|header\.i|smtp\.mailfrom)=(\S{1,320})")
OF_METHOD = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}


def sender_of(lines: Iterable[str]) -> tuple[str, str]:
    """The name and the one address of From; two '' where there is none, or several."""
    named = [(name, address) for name, address in getaddresses(list(lines), strict=True) if address]
    if len(named) != 1 or named[0][1].count("@") != 1 or any(character.isspace() for character in named[0][1]):
        return "", ""
    return named[0]


def is_proved(results: Iterable[str], server: str, address: str) -> bool:
    """Whether the server of this name says, in each line of its own, that a mail is from the domain of this address."""
    domain, lines = address.rpartition("@")[2].casefold(), list(results)
    if not server or not domain or len(lines) > MOST_RESULTS:
        return False
    said = [line.partition(";") for line in map(_bare, lines)]
    own = [rest for name, _, rest in said if name.split(maxsplit=1)[:1] == [server.casefold()]]
    return bool(own) and all(_proves(rest, domain) for rest in own)


def _bare(line: str) -> str:
    """A line without comments and quotation marks; '' of its results where these may hide something."""
    bare = QUOTED.sub(r"\1", COMMENT.sub(" ", line)).casefold()
    return bare.partition(";")[0] if ODD.search(bare) else bare


def _proves(rest: str, domain: str) -> bool:
    told = _told(rest, domain)
    if "dmarc" in told:
        return told["dmarc"] == {True}
    return any(True in told[method] for method in ("dkim", "spf"))


def _told(rest: str, domain: str) -> dict[str, set[bool]]:
    """By method, what one line says: True where it passed for this domain."""
    told: dict[str, set[bool]] = defaultdict(set)
    for clause in rest.split(";")[:50]:
        match = RESULT.match(clause.strip())
        if match and match[2] != "none":
            about = [value for name, value in PROPERTY.findall(match[3]) if name in OF_METHOD[match[1]]]
            is_about = any(value.rpartition("@")[2] == domain for value in about)
            told[match[1]].add(match[2] == "pass" and is_about)
    return told


MOST_BYTES = 25 * 1024 * 1024
MOST_LINES = 500_000  # a mail of MOST_BYTES has 330,000 as programs break them; each costs 60 bytes and more
MOST_HEADERS = 500
MOST_FILES = 50
MOST_MARKS = 10
MOST_NAMED = 100
MOST_OF_A_PART = 512 * 1024
LONGEST_TEXT = 32 * 1024
LONGEST_NAME = 200
YEARS = range(2000, 2100)
IDENT = re.compile(r"<[!-;=?-~]{1,200}@[!-;=?-~]{1,40}>")  # a Message-ID that may stand in a header of ours
MARK = re.compile(rf"\+([a-z2-7]{{{LENGTH}}})@", re.IGNORECASE | re.ASCII)
SAYS_AUTOMATIC = re.compile(
    r"\W{0,5}(?:(?:ceci est|il s.agit d) ?.?(?:une? )?(?:réponse|message|courriel|e-?mail)"
    r" (?:automatique|généré[e]? automatiquement)|(?:réponse|message) automatique\b(?! (?:re[çc]u|de |d.|que ))"
    r"|dit is een automatisch|dies ist eine automatisch|diese (?:nachricht|e-?mail) wurde automatisch"
    r"|this is an auto(?:mat|-?gen|-?repl)|automatische? (?:antwoord|antwort)\b|automatic reply\b)",
    re.IGNORECASE,
)
LONGEST_STAND_IN = 500
SHARED = 0.75  # of its words, which two forms of one text share
WORD = re.compile(r"\w+")
APART = re.compile(r"https?://\S{1,500}|\[[^\]\n]{0,200}\]")  # links and pictures, which plain texts spell out
FIRST_WORDS = 6  # lines in which a mail says of itself that a program wrote it


class UnreadableMailError(Exception):
    """A mail over a bound, or that has no sender."""


class MailKind(StrEnum):
    """Who wrote a mail."""

    PERSON = "person"
    AUTOMATIC = "automatic"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that a mail brings."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """A mail, read. `digest` is the same for every copy of it.

    `marks` are the letters that genuine marks name, in the order of the addresses. `answers` and `follows` are the
    digits of Message-IDs of ours that In-Reply-To and References name, the newest first; they prove nothing by
    themselves. `ident` is its own Message-ID, or ''. `sender` is one address, or ''. `results` is what servers said of
    it. `notice` is the same mail as the reader of returns reads it.
    """

    digest: str
    kind: MailKind
    notice: Notice
    marks: tuple[bytes, ...]
    answers: tuple[str, ...]
    follows: tuple[str, ...]
    ident: str
    sender: str
    sender_name: str
    results: tuple[str, ...]
    subject: str
    written_at: datetime | None
    text: str
    folded: str
    files: tuple[AttachedFile, ...]


def read(content: bytes, keys: Keys) -> Read:
    """Read a mail. Raises UnreadableMailError for one over a bound, for one without a sender, and for whatever the
    library's parser fails at."""
    lines = content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")
    if len(content) > MOST_BYTES or lines > MOST_LINES:
        raise UnreadableMailError
    try:
        return _read(content, keys)
    except UnreadableMailError:
        raise
    except Exception as fault:  # a parser that reads arbitrary bytes, by recursion in places
        raise UnreadableMailError from fault


def _read(content: bytes, keys: Keys) -> Read:
    message = parse_message(content)
    if len(message.keys()) > MOST_HEADERS or message["From"] is None or _depth(message) > DEEPEST:
        raise UnreadableMailError
    parts = list(leaf_parts(message))
    written = _written(message, parts)
    text = written.text[:LONGEST_TEXT]
    name, sender = sender_of(one_line(str(line), MOST_OF_A_PART) for line in message.get_all("From", []))
    sender = one_line(sender, LONGEST + 1)
    notice = bounces.read_notice(content, keys)
    kind = _kind(message, notice.verdict, text)
    ident = text_of(message, "Message-ID").strip()
    return Read(
        digest=hashlib.sha256(repr((ident, sender, text) if ident else content).encode("utf-8", "replace")).hexdigest(),
        kind=kind,
        notice=notice,
        marks=tuple(_marks(message, keys)),
        answers=tuple(_named(message, "In-Reply-To")),
        follows=tuple(_named(message, "References")),
        ident=ident if IDENT.fullmatch(ident) else "",
        sender=sender if max(len(sender), len(key_of(sender))) <= LONGEST else "",  # folding case may add letters
        sender_name=one_line(decoded(name), LONGEST_NAME),
        results=tuple(str(line) for line in message.get_all("Authentication-Results", [])),
        subject=one_line(text_of(message, "Subject")),
        written_at=_moment(message),
        text="" if kind is MailKind.RETURN else text,
        folded=written.folded[:LONGEST_TEXT],
        files=tuple(_files(parts)),
    )


def _kind(message: Message, verdict: NoticeVerdict, text: str) -> MailKind:
    """Who wrote it: what the reader of returns says, and what only replies have."""
    if verdict in {NoticeVerdict.AUTO_REPLY, NoticeVerdict.UNSUBSCRIPTION}:
        return MailKind.AUTOMATIC
    if verdict is not NoticeVerdict.HUMAN:
        return MailKind.RETURN
    is_unanswerable = text_of(message, "Return-Path").strip() == "<>"  # RFC 3834 §3.3
    is_of_rule = message["X-MS-Exchange-Generated-Message-Source"] is not None
    says_so = any(SAYS_AUTOMATIC.match(line) for line in text.split("\n")[:FIRST_WORDS])
    return MailKind.AUTOMATIC if is_unanswerable or is_of_rule or says_so else MailKind.PERSON


def _depth(message: Message) -> int:
    if not message.is_multipart():
        return 0
    return 1 + max((_depth(part) for part in message.get_payload() if isinstance(part, Message)), default=0)


def _written(message: Message, parts: Iterable[Message]) -> Cut:
    """What a mail says: its plain text; that of its HTML where there is none, or one that stands in for it."""
    of_kind: dict[str, list[Message]] = {"text/plain": [], "text/html": []}
    for part in parts:
        if not _is_file(part):
            of_kind.get(part.get_content_type(), []).append(part)
    plain = cut("\n".join(map(_plain, of_kind["text/plain"])).strip())
    if (plain.text or plain.folded) and not _are_two_forms(message, *of_kind.values()):
        return plain
    shown = cut("\n".join(markup.text_of(_decoded(part)) for part in of_kind["text/html"]))
    if not (plain.text or plain.folded):
        return shown
    return Cut(shown.text, f"{plain.text}\n\n{shown.folded}".strip()) if _stands_in(plain.text, shown.text) else plain


def _are_two_forms(message: Message, plain: list[Message], shown: list[Message]) -> bool:
    """Whether a mail is one plain text and one HTML of which a program shows either (RFC 2046 §5.1.4)."""
    if len(plain) != 1 or len(shown) != 1:
        return False
    alternatives = (part for part in message.walk() if part.get_content_type() == "multipart/alternative")
    return any({*map(id, plain), *map(id, shown)} <= set(map(id, leaf_parts(part))) for part in alternatives)


def _stands_in(plain: str, shown: str) -> bool:
    """Whether a plain text says nothing of what the HTML says beside it, as « Votre programme ne lit pas le HTML. »."""
    said, also = (set(WORD.findall(APART.sub(" ", text).casefold())) for text in (plain, shown))
    return len(plain) <= LONGEST_STAND_IN and bool(also) and len(said & also) < SHARED * len(said)


def _plain(part: Message) -> str:
    text = _decoded(part)
    return _unflowed(text, part) if _parameter(part, "format").casefold() == "flowed" else text


def _unflowed(text: str, part: Message) -> str:
    """The lines as they were typed, where the program had broken them (RFC 3676)."""
    joined: list[str] = []
    deletes, goes_on = _parameter(part, "delsp").casefold() == "yes", False
    for line in text.replace("\r\n", "\n").split("\n"):
        own = line.removeprefix(" ")
        if goes_on and not own.startswith(">") and not joined[-1].startswith(">"):
            joined[-1] = (joined[-1][:-1] if deletes else joined[-1]) + own
        else:
            joined.append(own)
        goes_on = own.endswith(" ") and own != "-- " and len(joined[-1]) < MOST_OF_A_PART
    return "\n".join(joined)


def _decoded(part: Message) -> str:
    """The text of a part, in characters that any database takes."""
    content, charset = part_payload(part)[:MOST_OF_A_PART], _parameter(part, "charset")
    text = (
        content.decode(charset, "replace") if CHARSETS.fullmatch(charset) and _is_known(charset) else _guessed(content)
    )
    return "".join(one if one.isprintable() or one in "\n\r\t\u00a0" else " " for one in text)


def _is_known(charset: str) -> bool:
    try:
        b"".decode(charset)
    except LookupError:
        return False
    return True


def _guessed(content: bytes) -> str:
    """A text that does not say its character set, or one that is none."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _parameter(part: Message, name: str) -> str:
    try:
        said = part.get_param(name)
    except (LookupError, ValueError, MessageError):
        return ""
    return (said[2] if isinstance(said, tuple) else str(said or "")).strip("\"' ")


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_file_name(part))


def _file_name(part: Message) -> str:
    try:
        named = part.get_filename() or ""
    except (LookupError, ValueError, MessageError):
        named = "?"
    return one_line(decoded(named).replace("\\", "/").rpartition("/")[2], LONGEST_NAME)


def _files(parts: Iterable[Message]) -> Iterator[AttachedFile]:
    files = [part for part in parts if _is_file(part) or part.get_content_maintype() not in {"text", "multipart"}]
    for part in files[:MOST_FILES]:
        yield AttachedFile(_file_name(part), one_line(part.get_content_type(), LONGEST_NAME), part_payload(part))


def _marks(message: Message, keys: Keys) -> Iterator[bytes]:
    """The letters that genuine marks in the addresses of a mail name."""
    lines = [str(line) for header in ADDRESSED for line in message.get_all(header, [])]
    for pattern, kind in ((MARK, TokenKind.REPLY), (RETURN_PATH, TokenKind.BOUNCE)):
        written = [mark for line in lines for mark in pattern.findall(line)][:MOST_MARKS]
        yield from (token.id for mark in written if (token := keys.read(mark, kind)))


def _named(message: Message, header: str) -> list[str]:
    lines = " ".join(str(line) for line in message.get_all(header, []))
    return list(dict.fromkeys(reversed(MESSAGE_ID.findall(lines))))[:MOST_NAMED]


def _moment(message: Message) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text_of(message, "Date"))
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment.year in YEARS else None
