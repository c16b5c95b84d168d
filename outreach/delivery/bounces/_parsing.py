"""Reads what came back by mail: its parts within limits, its verdict, its letter and its recipient. No I/O.

Delivery reports (RFC 3464, 6533), complaints (RFC 5965) and receipts (RFC 8098) are read with the standard library, the
prose of older systems with flufl.bounce. Any bytes get a verdict: at most 1 MB is read, 20 levels deep. The claims
of a notice prove nothing: only a token of ours does. Each `label` is in French and in the plural.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32, Policy, compat32

from flufl.bounce import all_failures

from outreach.core.text.addresses import RETURNED, UNSUBSCRIBING
from outreach.core.text.labelled import Labelled
from outreach.delivery.letters import IN_TEXT, LENGTH, Keys, TokenKind, hide_tokens

MOST_PARTS = 200
DEEPEST = 20
LONGEST_HEADER = 8 * 1024
LONGEST_PARAMETERS = 2000  # of a part: reading them takes quadratic time, a few times a part
LONGEST_KEPT = 500
WITH_PARAMETERS = {"content-type", "content-disposition"}
# Character sets that are decoded by name. Others take quadratic time, or mean something else than a text.
CHARSETS = re.compile(
    r"utf-?(?:8|16|32)(?:-?[lb]e)?|(?:us-)?ascii|iso-?8859-?\d{1,2}|latin-?\d{1,2}|(?:windows|cp)-?\d{3,4}"
    r"|koi8-[ru]|mac-?roman|macintosh|big5|gbk?|gb2312|gb18030|shift[-_]jis|euc-(?:jp|kr)",
    re.ASCII | re.IGNORECASE,
)
BEYOND_ASCII = re.compile(r"^(\s*message/)global-(?=delivery-status|disposition-notification)", re.IGNORECASE)


class TooComplexError(Exception):
    """A message of more parts than any notice has."""


def parse_message(content: bytes) -> Message:
    """Parse a message. Raises TooComplexError."""
    return message_from_bytes(content, _counted(MOST_PARTS), policy=_Cautious())


def leaf_parts(message: Message, depth: int = 0) -> Iterator[Message]:
    """The leaf parts of a message; an attached message is one leaf."""
    if message.get_content_maintype() != "multipart" or not message.is_multipart():
        yield message
    elif depth < DEEPEST:
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from leaf_parts(part, depth + 1)


def part_payload(part: Message) -> bytes:
    """The content of a part, decoded; empty where it has none."""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def text_of(message: Message, header: str) -> str:
    """One header, decoded, on one line; '' where there is none."""
    return next((_line_of(str(raw)) for raw in message.get_all(header, [])), "")


def texts_of(message: Message, header: str) -> list[str]:
    """Every header of this name, decoded, each on one line."""
    return [_line_of(str(raw)) for raw in message.get_all(header, [])]


def decoded(words: str) -> str:
    """The words of a header; as they stand where they cannot be decoded (RFC 2047)."""
    try:
        pieces = decode_header(words)
        is_known = all(charset is None or CHARSETS.fullmatch(charset) for _, charset in pieces)
        return str(make_header(pieces)) if is_known else words
    except (LookupError, ValueError, MessageError):
        return words


def one_line(text: str, longest: int = LONGEST_KEPT) -> str:
    """One line that any database accepts: no control characters, invisible characters or lone surrogates."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())[:longest]


class _Cautious(Compat32):
    """Cuts headers at 8 KB, longer than any honest one, and those with parameters at 2,000 characters.

    Decodes UTF-8 headers (RFC 6532), and reads reports about non-ASCII addresses like other reports (RFC 6533).
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """A header's name and value."""
        name, value = super().header_source_parse(sourcelines)
        longest = LONGEST_PARAMETERS if name.casefold() in WITH_PARAMETERS else LONGEST_HEADER
        return name, BEYOND_ASCII.sub(r"\1", value[:longest])

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


def _line_of(raw: str) -> str:
    return one_line(decoded(raw), LONGEST_HEADER)


MOST_BYTES = 1024 * 1024
MOST_BYTES_OF_PROSE = 64 * 1024
LONGEST_ADDRESS = 320

ADDRESSED = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
RETURN_PATH = re.compile(rf"\b{RETURNED}([a-z2-7]{{{LENGTH}}})@", re.IGNORECASE | re.ASCII)
MAILTO = re.compile(rf"\b{UNSUBSCRIBING}([a-z2-7]{{{LENGTH}}})@", re.IGNORECASE | re.ASCII)
MESSAGE_ID = re.compile(r"<([0-9a-f]{16})@[^<>@\s]+>", re.ASCII)
REFUSAL = re.compile(r"(?<![\d.])5(?:\d\d[ -]|\.\d{1,3}\.\d{1,3}(?!\.?\d)).*?(?:\n\s*\n|\Z)", re.ASCII | re.DOTALL)
ADDRESS = re.compile(r"(?<![^\s<>(),;:\"])[^\s<>(),;:\"]+@[^\s<>(),;:\"]+")  # tried once a word: linear
NOT_ASCII = re.compile(rb"[^\x00-\x7f]")
COPY = re.compile(r"^(?:Return-Path|Received|From|Message-ID): ", re.IGNORECASE | re.MULTILINE)
KIND = re.compile(r"^[\w.-]+ ?; ?", re.ASCII)
STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)", re.ASCII)
FULL = "5.2.2"
RECIPIENTS = ("Original-Recipient", "Final-Recipient", "X-Actual-Recipient")
AUTOMATIC = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Autogenerated")
BULK = {"auto_reply", "auto-reply", "bulk", "junk"}  # "list" says that a person's words came over a list
ANSWER_MARK = r"(?:re|aw|antw) ?:"  # what mail programs put before the subject of an answer
ABSENT = re.compile(
    r"(?:\[[^\]]{1,40}\] ?)?absence(?: ?:|$| du \d| jusqu| au \d)"  # « Re: Absence » is a person's
    rf"|(?:(?:\[[^\]]{{1,40}}\]|{ANSWER_MARK}) ?){{0,3}}"  # what mail programs and gateways put before a subject
    r"(?:absen(?:ce|te?) du bureau|absente?(?:\(e\))? ?:|(?:message|notification|avis) d.absence"
    r"|réponse automatique|réponse d.absence"
    r"|automatische?s? (?:antwoord|bericht|e-?mail|reply)"
    r"|afwezig(?:heid(?:sbericht|smelding|sassistent)?)?\b(?! van | op )"
    r"|niet aanwezig\b|buiten kantoor\b"
    r"|abwesen(?:d\b|heits(?:notiz|meldung|nachricht|assistent|agent))|abwesenheit(?: vom\b| bis\b| ?:|$)"
    r"|automatische (?:antwort|rückmeldung)|nicht im büro\b"
    r"|out.of.(?:the.)?office|automatic (?:reply|response)|auto.?(?:reply|response))",
    re.IGNORECASE,
)
SYSTEM = re.compile(r"\b(?:mailer-daemon|mail-?daemon|microsoftexchange[0-9a-f]*)@", re.IGNORECASE)
MAIL_SYSTEM = re.compile(rf"{SYSTEM.pattern}|\bpostmaster@", re.IGNORECASE)  # the second is a person's in places
ANSWERS = re.compile(ANSWER_MARK, re.IGNORECASE)
# What mail systems say of a letter of ours, whatever name they write under.
UNDELIVERED = re.compile(
    r"undeliver(?:able|ed)\b|mail delivery (?:fail(?:ed|ure)|system)|delivery (?:status notification|failure|has fail)"
    r"|returned mail\b|failure notice$|non remis(?:e|able)?s? ?:|(?:message|courrier|courriel) non (?:remis|distribu)"
    r"|échec de (?:la )?(?:remise|distribution|livraison)|onbestelbaar\b|niet bezorgd ?:|unzustellbar\b"
    r"|nicht zugestellt ?:|(?:zustellung|übermittlung) fehlgeschlagen",
    re.IGNORECASE,
)

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it logs a traceback for any malformed message


class NoticeVerdict(Labelled):
    """The kind of a notice."""

    FAILED = "failed", "rejets"
    DELAYED = "delayed", "retards"
    INFORMATION = "information", "avis de remise ou de lecture"
    COMPLAINT = "complaint", "plaintes"
    UNSUBSCRIPTION = "unsubscription", "désinscriptions"
    AUTO_REPLY = "auto_reply", "réponses automatiques"
    HUMAN = "human", "messages de personnes"
    UNDETERMINED = "undetermined", "indéterminés"

    @property
    def is_for_people(self) -> bool:
        """Whether staff should read it."""
        return self in {NoticeVerdict.HUMAN, NoticeVerdict.UNDETERMINED}


# A notice about several recipients gets the worst of their verdicts: the first of these.
_WORST = (NoticeVerdict.FAILED, NoticeVerdict.DELAYED, NoticeVerdict.INFORMATION, NoticeVerdict.UNDETERMINED)
_ACTIONS = {
    "failed": NoticeVerdict.FAILED,
    "delayed": NoticeVerdict.DELAYED,
    "delivered": NoticeVerdict.INFORMATION,
    "relayed": NoticeVerdict.INFORMATION,
    "expanded": NoticeVerdict.INFORMATION,
}
_CLASSES = {"5": NoticeVerdict.FAILED, "4": NoticeVerdict.DELAYED, "2": NoticeVerdict.INFORMATION}
_COMPLAINTS = {"abuse", "fraud"}


@dataclass(frozen=True, slots=True)
class Report:
    """The report about one recipient: addresses (as written to, as refused), verdict, status (5.1.1, or '').

    The last of `names` is the address that failed: an alias stands before what it leads to.
    """

    names: tuple[str, ...]
    verdict: NoticeVerdict
    status: str = ""
    said: str = ""

    @property
    def failing(self) -> str:
        """The address that failed, or ''."""
        return self.names[-1] if self.names else ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice, read. `digest` is the same for every copy of it.

    `proved` is the 8-byte identity of the letter that a genuine token names, or None. `named` is the 16 hexadecimal
    digits of the Message-ID that the notice returns, or ''; it proves nothing, as anybody may write it.
    """

    digest: str
    verdict: NoticeVerdict
    reports: tuple[Report, ...] = ()
    proved: bytes | None = None
    named: str = ""


def read_notice(content: bytes, keys: Keys) -> Notice:
    """Read a message that came to the return address. Never raises: what cannot be understood is UNDETERMINED."""
    try:
        message = parse_message(content[:MOST_BYTES])
        parts = list(leaf_parts(message))
    except TooComplexError:
        return Notice(_digest(content), NoticeVerdict.UNDETERMINED)
    returned = [head for part in parts for head in _returned(part)]
    wrote = [text for header in ADDRESSED for text in texts_of(message, header)]
    leaving = _unsubscribing(message, wrote, keys)
    verdict, reports = _judged(message, parts, content, is_leaving=leaving is not None)
    proved = leaving if verdict is NoticeVerdict.UNSUBSCRIPTION else _token(wrote, returned, keys)
    named = next((match[1] for text in _message_ids(returned) if (match := MESSAGE_ID.search(text))), "")
    digest = _digest(content, text_of(message, "Message-ID"), proved, named, reports)
    return Notice(digest, verdict, reports, proved, named)


def _judged(
    message: Message, parts: list[Message], content: bytes, *, is_leaving: bool
) -> tuple[NoticeVerdict, tuple[Report, ...]]:
    for judge in (_delivery, _complaint, _receipt):
        judged = judge(parts)
        if judged is not None:
            return judged
    if _is_of_a_mail_system(message):
        reports = _prose(parts, content)
        if reports or not _answers_as_a_person(message, parts):
            return (_worst(reports), reports) if reports else (NoticeVerdict.UNDETERMINED, ())
    if _is_automatic(message):
        return NoticeVerdict.AUTO_REPLY, ()
    if is_leaving:
        return NoticeVerdict.UNSUBSCRIPTION, ()
    return (NoticeVerdict.HUMAN if message["From"] else NoticeVerdict.UNDETERMINED), ()


def _delivery(parts: Iterable[Message]) -> tuple[NoticeVerdict, tuple[Report, ...]] | None:
    """Delivery reports, one for each recipient (RFC 3464 §2.3); None when there is none."""
    groups = [group for part in parts for group in _groups(part)]
    reports = tuple(_report(group) for group in groups if group["Action"] or group["Status"])
    return (_worst(reports), reports) if reports else None


def _groups(part: Message) -> list[Message]:
    if part.get_content_type() != "message/delivery-status" or not part.is_multipart():
        return []
    return [group for group in part.get_payload() if isinstance(group, Message)]


def _report(group: Message) -> Report:
    said = hide_tokens(KIND.sub("", text_of(group, "Diagnostic-Code")))[:LONGEST_KEPT]
    status = _status(text_of(group, "Status"), said)
    action = text_of(group, "Action").casefold()
    verdict = _ACTIONS.get(action) or _CLASSES.get(status[:1], NoticeVerdict.UNDETERMINED)
    return Report(_named(group), verdict, status, said)


def _named(group: Message) -> tuple[str, ...]:
    """The addresses of one recipient, from the one written to to the one that failed (RFC 3464 §2.3.1, §2.3.2).

    Sendmail keeps the alias as final recipient and names what it leads to in a field of its own. A local name or a
    program after an address says nothing of where mail goes.
    """
    names = list(filter(None, (_address(KIND.sub("", text_of(group, header))) for header in RECIPIENTS)))
    return tuple([name for name in names if "@" in name] or names)


def _address(stated: str) -> str:
    """An address without a name and comments around it (RFC 3464 §2.1.1); a local name as it stands."""
    address = ADDRESS.search(stated)
    return (address[0].rstrip(".") if address else stated.strip(" <>"))[:LONGEST_ADDRESS]


def _status(stated: str, said: str) -> str:
    """The status code of a report; the one in the quoted reply where its own is missing or general (5.0.0)."""
    own, quoted = STATUS.search(stated), STATUS.search(said)
    if own and not own[0].endswith(".0.0"):
        return own[0]
    if quoted is None and said.startswith("552"):
        return FULL
    code = quoted if quoted and (own is None or quoted[0][0] == own[0][0]) else own
    return code[0] if code else ""


def _complaint(parts: Iterable[Message]) -> tuple[NoticeVerdict, tuple[Report, ...]] | None:
    """A recipient marked the letter as unwanted (RFC 5965); other feedback is INFORMATION."""
    for head in _heads(parts, "message/feedback-report"):
        if text_of(head, "Feedback-Type").casefold() not in _COMPLAINTS:
            return NoticeVerdict.INFORMATION, ()
        letters = _heads(parts, "message/rfc822")
        wrote = [text_of(head, "Original-Rcpt-To"), *(text_of(letter, "To") for letter in letters)]
        names = tuple(match[0][:LONGEST_ADDRESS] for text in wrote if (match := ADDRESS.search(text)))
        return NoticeVerdict.COMPLAINT, (Report(names, NoticeVerdict.COMPLAINT),)
    return None


def _receipt(parts: Iterable[Message]) -> tuple[NoticeVerdict, tuple[Report, ...]] | None:
    """A receipt says that a letter was opened or deleted (RFC 8098)."""
    kinds = {part.get_content_type() for part in parts}
    return (NoticeVerdict.INFORMATION, ()) if "message/disposition-notification" in kinds else None


def _prose(parts: Iterable[Message], content: bytes) -> tuple[Report, ...]:
    """Reports read from the prose of a mail system, with the status code that it quotes, if any."""
    plain = NOT_ASCII.sub(b"?", content[:MOST_BYTES_OF_PROSE])  # flufl.bounce stops at a header that is not ASCII
    try:
        later, never = all_failures(parse_message(plain))
    except Exception:  # noqa: BLE001 - a third-party parser reads arbitrary bytes
        return ()
    said = _said(parts)
    failures = [(never, NoticeVerdict.FAILED), (set(later) - set(never), NoticeVerdict.DELAYED)]
    return tuple(
        Report((one_line(address.decode("utf-8", "replace"))[:LONGEST_ADDRESS],), verdict, _status("", said), said)
        for addresses, verdict in failures
        for address in sorted(filter(None, addresses))  # some Python versions yield '' for an empty header
    )


def _said(parts: Iterable[Message]) -> str:
    """The first refusal that a text part quotes, to the end of its paragraph; without one, the beginning of the text.

    In some notices a copy of the letter follows the text: it is left out.
    """
    for part in parts:
        if part.get_content_type() == "text/plain":
            text = part_payload(part)[:MOST_BYTES_OF_PROSE].decode("utf-8", "replace").replace("\r", "")
            text = COPY.split(text, 1)[0]
            quoted = REFUSAL.search(text)
            return hide_tokens(one_line(quoted[0] if quoted else text, LONGEST_HEADER))[:LONGEST_KEPT]
    return ""


def _is_of_a_mail_system(message: Message) -> bool:
    sender = f"{text_of(message, 'From')} {text_of(message, 'Sender')}"
    is_report = message.get_content_type() == "multipart/report"
    says_so = UNDELIVERED.match(text_of(message, "Subject")) or message["X-Failed-Recipients"] is not None
    return bool(MAIL_SYSTEM.search(sender) or is_report or says_so)


def _answers_as_a_person(message: Message, parts: Iterable[Message]) -> bool:
    """Whether the postmaster of a small school answers a letter by hand: nothing else says that a program wrote it."""
    sender, subject = text_of(message, "From"), text_of(message, "Subject")
    is_of_program = SYSTEM.search(f"{sender} {text_of(message, 'Sender')}") or text_of(message, "Return-Path") == "<>"
    names_failure = (
        message["X-Failed-Recipients"] is not None or UNDELIVERED.search(subject) or STATUS.search(_said(parts))
    )
    is_whole = not any(_returned(part) for part in parts)
    return bool(ANSWERS.match(subject)) and is_whole and not is_of_program and not names_failure


def _is_automatic(message: Message) -> bool:
    submitted = text_of(message, "Auto-Submitted").casefold().partition(";")[0].strip()
    is_bulk = text_of(message, "Precedence").casefold() in BULK
    says_so = any(message[header] is not None for header in AUTOMATIC)
    return submitted not in {"", "no"} or is_bulk or says_so or bool(ABSENT.match(text_of(message, "Subject")))


def _unsubscribing(message: Message, wrote: Iterable[str], keys: Keys) -> bytes | None:
    """The letter to unsubscribe, from a token in an address that this was sent to, or in the subject; or None."""
    addressed = [token for text in wrote for token in MAILTO.findall(text)]
    tokens = (keys.read(text, TokenKind.MAILTO) for text in (*addressed, *IN_TEXT.findall(text_of(message, "Subject"))))
    return next((token.id for token in tokens if token), None)


def _token(wrote: Iterable[str], returned: Iterable[Message], keys: Keys) -> bytes | None:
    """The letter named by a return address that this was sent to, or that it returns; or None."""
    within = [text_of(head, header) for head in returned for header in ("Original-Mail-From", "Return-Path")]
    tokens = (keys.read(text, TokenKind.BOUNCE) for line in (*wrote, *within) for text in RETURN_PATH.findall(line))
    return next((token.id for token in tokens if token), None)


def _message_ids(returned: Iterable[Message]) -> Iterator[str]:
    for head in returned:
        for header in ("Message-ID", "X-Original-Message-ID", "Original-Message-ID"):
            yield text_of(head, header)


def _returned(part: Message) -> list[Message]:
    """The header blocks that a part returns: of the letter itself, or of a report about it."""
    kind = part.get_content_type()
    if kind in {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"} and not part.is_multipart():
        return [parse_message(part_payload(part))]
    if kind == "message/delivery-status":
        return _groups(part)[:1]
    return [head for head in part.get_payload() if isinstance(head, Message)] if part.is_multipart() else []


def _heads(parts: Iterable[Message], kind: str) -> Iterator[Message]:
    for part in parts:
        if part.get_content_type() == kind:
            yield from _returned(part)


def _worst(reports: Iterable[Report]) -> NoticeVerdict:
    said = {report.verdict for report in reports}
    return next(verdict for verdict in _WORST if verdict in said)


def _digest(content: bytes, name: str = "", *told: object) -> str:
    """The digest of a notice: of its Message-ID and what it says, as copies differ in their transport headers.

    Without a Message-ID, it is the digest of the whole content.
    """
    kept = repr((name, *told)).encode("utf-8", "replace") if name else content
    return hashlib.sha256(kept).hexdigest()
