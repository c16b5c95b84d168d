"""SMTP as a state machine over bytes (RFC 5321, 2920, 3207, 4954, 6531), and what replies mean. No I/O.

A relay may accept a letter only after the final dot (RFC 5321 §4.1.1.10). So a letter waits AT_DOT until it is
released; closing the connection instead means that it was not accepted. The envelope of the next letter may follow the
dot (RFC 2920 §3.1), so that a letter costs one wait for the relay, not two.
"""

import base64
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import lru_cache
from typing import NamedTuple, assert_never

from outreach.delivery.letters import hide_tokens, lines_end
from outreach.delivery.smtp._relay import Relay

LONGEST_LINE = 4096
MOST_LINES = 100
MOST_BYTES = 16 * 1024
LONGEST_KEPT = 1000
LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


class Verdict(StrEnum):
    """The result of one attempt.

    UNREACHED: no clear answer, before the dot, so nothing can have been accepted. UNKNOWN: no clear answer after the
    dot. UNTRIED: the letter came after another on its connection, and no answer was about it. STOPPED: our own guard
    stopped it.
    """

    ACCEPTED = "accepted"
    LATER = "later"
    NEVER = "never"
    UNREACHED = "unreached"
    UNKNOWN = "unknown"
    UNTRIED = "untried"
    STOPPED = "stopped"


BEFORE_DOT = {4: Verdict.LATER, 5: Verdict.NEVER}
AFTER_DOT = {2: Verdict.ACCEPTED, **BEFORE_DOT}


@dataclass(slots=True)
class Reply:
    """One reply: its code, and the text of its lines. Not frozen: freezing costs time, and a letter has four."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines joined, without the tokens that a relay quotes, cut to the length that our table keeps."""
        return hide_tokens(" ".join(self.lines))[:LONGEST_KEPT]

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 3463), such as 5.1.1, or ''."""
        match = ENHANCED.match(self.text)
        return match[0] if match else ""


class AttemptResult(NamedTuple):
    """The result of one attempt: the verdict, and the relay's code, status and text, or our own reason as text."""

    verdict: Verdict
    code: int | None = None
    status: str = ""
    text: str = ""


class Garbage(Exception):
    """The bytes are not a reply: the connection cannot be trusted any more."""


class Reader:
    """Splits incoming bytes into replies. Raises Garbage on bytes that are not a reply, or too long for one."""

    def __init__(self) -> None:
        self._held = b""
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that these bytes complete."""
        self._held += data
        while b"\n" in self._held:
            line, _, self._held = self._held.partition(b"\n")
            reply = self._take(line.removesuffix(b"\r"))
            if reply:
                yield reply
        if len(self._held) > LONGEST_LINE:
            raise Garbage("an endless line")

    def forget(self) -> None:
        """Discard the buffer: what came in clear text before TLS proves nothing (RFC 3207 §4.2)."""
        self._held, self._lines = b"", []

    def _take(self, line: bytes) -> Reply | None:
        said, is_last = _read(line)
        if self._lines and self._lines[0][:3] != line[:3]:
            raise Garbage("not a reply")
        if is_last and not self._lines:
            return said
        self._lines.append(line)
        if len(self._lines) > MOST_LINES or sum(map(len, self._lines)) > MOST_BYTES:
            raise Garbage("an endless reply")
        if not is_last:
            return None
        lines, self._lines = tuple(part[4:].decode("latin-1") for part in self._lines), []
        return Reply(said.code, lines)


@lru_cache(maxsize=256)
def _read(line: bytes) -> tuple[Reply, bool]:
    """The reply in a line, and whether the line is its last. Cached: most lines are the same for every letter."""
    match = LINE.fullmatch(line)
    if match is None or len(line) > LONGEST_LINE:
        raise Garbage("not a reply")
    return Reply(int(match[1]), (line[4:].decode("latin-1"),)), match[2] != b"-"


def result_of(reply: Reply, *, after_dot: bool) -> AttemptResult:
    """The result of a letter after a reply to MAIL, RCPT, DATA or the dot."""
    unclear = Verdict.UNKNOWN if after_dot else Verdict.UNREACHED
    verdict = (AFTER_DOT if after_dot else BEFORE_DOT).get(reply.code // 100, unclear)
    return AttemptResult(verdict, reply.code, reply.status, reply.text)


DOT = b".\r\n"
# Codes that, as the first reply on a reused connection, are about the connection, not this letter.
OF_CONNECTION = {421, 500, 503}


class State(StrEnum):
    """The state of a conversation."""

    GREETING = auto()
    HELLO = auto()
    STARTTLS = auto()
    TLS = auto()
    AUTH = auto()
    READY = auto()
    ENVELOPE = auto()
    BODY = auto()
    AT_DOT = auto()
    VERDICT = auto()
    RESETTING = auto()
    CLOSED = auto()

    @property
    def label(self) -> str:
        """The French name of a step before the first letter, to say where a relay refused."""
        return _LABELS[self]


_LABELS = {
    State.GREETING: "accueil",
    State.HELLO: "présentation",
    State.STARTTLS: "chiffrement",
    State.AUTH: "identification",
}


class Parcel(NamedTuple):
    """A letter to hand over: `key` identifies it to us, `sender` and `recipient` are its envelope, `wire` its bytes."""

    key: int
    sender: str
    recipient: str
    wire: bytes

    @property
    def needs_utf8(self) -> bool:
        """Whether the recipient's address has characters that need SMTPUTF8 (RFC 6531)."""
        return not self.recipient.isascii()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a connection failed. An alarm waits for a person: trying again would only make it worse.

    `slow_down` means that the relay asked for fewer connections (421).
    """

    text: str
    alarm: bool = False
    slow_down: bool = False


@dataclass(slots=True)
class Transfer:
    """A parcel on its way through a conversation, and how far the commands of its envelope have come.

    `steps` are the commands still to be written, `awaited` counts the replies to those that were.
    """

    parcel: Parcel
    steps: deque[bytes]
    awaited: int
    is_first: bool  # the connection carried no letter before
    is_behind: bool = False  # its envelope was written behind the dot of another letter, and has no reply yet
    is_recalled: bool = False  # given back while it was behind: the connection closes with the answer to that dot
    has_reply: bool = False
    refusal: Reply | None = None

    @property
    def is_untried(self) -> bool:
        """Whether the connection was reused and nothing was said about this letter.

        A relay may close after N letters just as we start the next. That attempt does not count.
        """
        return not (self.is_first or self.has_reply)


class Conversation:
    """One conversation with a relay.

    `out` holds bytes to write, `settled` the results of parcels, `failure` why the conversation failed. `current` is
    the letter under way. `pipelined` is the next one, if its envelope was written behind the dot of the current one.
    """

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.state = State.GREETING
        self.out = bytearray()
        self.current: Transfer | None = None
        self.pipelined: Transfer | None = None
        self.settled: list[tuple[Parcel, AttemptResult]] = []
        self.failure: Failure | None = None
        self._reader = Reader()
        self._offers: dict[str, str] = {}
        self._secrets: deque[str] = deque()  # what AUTH still has to send
        self._is_old = self.is_encrypted = self._has_served = False

    @property
    def parcel(self) -> Parcel | None:
        """The parcel under way."""
        return self.current.parcel if self.current else None

    @property
    def pipelines(self) -> bool:
        """Whether the relay takes several commands at once, also behind a dot (RFC 2920)."""
        return "PIPELINING" in self._offers

    @property
    def most_bytes(self) -> int | None:
        """How large a letter the relay takes at most (RFC 1870), or None where it does not say."""
        size = self._offers.get("SIZE", "")
        return int(size) or None if size.isdecimal() else None

    @property
    def is_behind(self) -> bool:
        """Whether a letter was written behind a dot, and has no reply yet."""
        return any(transfer and transfer.is_behind for transfer in (self.pipelined, self.current))

    def receive(self, data: bytes) -> None:
        """Process bytes from the relay; b"" means that it closed."""
        if not data:
            self.break_off("le serveur d’envoi a fermé la connexion")
            return
        try:
            for reply in self._reader.feed(data):
                if self.state is State.CLOSED:
                    return
                self._answer(reply)
        except Garbage:
            self.break_off("le serveur d’envoi a répondu de façon illisible")

    def break_off(self, why: str) -> None:
        """End the conversation, without an answer to what is pending. `why` is the reason, in French."""
        after_dot = self.state is State.VERDICT
        self._give_back()
        if self.current and self.current.is_untried and self.state is State.ENVELOPE:
            self._settle(AttemptResult(Verdict.UNTRIED))
        elif self.current:
            self._settle(AttemptResult(Verdict.UNKNOWN if after_dot else Verdict.UNREACHED, text=why))
        elif self.state not in {State.READY, State.CLOSED}:
            self._fail(why)
        self.state = State.CLOSED

    def abandon(self) -> None:
        """Close without a dot, so that the relay cannot accept the letter. It gets no result."""
        self.current = None
        self.state = State.CLOSED

    def encrypted(self) -> None:
        """Start anew: TLS is established."""
        self._reader.forget()
        self.is_encrypted = True
        if self.relay.encrypted:
            self.state = State.GREETING
        else:
            self._say(f"EHLO {self.relay.helo}", State.HELLO)

    def hand(self, parcel: Parcel) -> None:
        """Write the envelope of a parcel; only when READY."""
        if self._fits(parcel):
            self.current, self.state = self._begun(parcel), State.ENVELOPE

    def release(self, following: Parcel | None = None) -> None:
        """Write the dot; from here on the letter may be accepted.

        Behind it goes the envelope of `following`, which is allowed only if the relay `pipelines`.
        """
        self.out += DOT
        self.state, self._has_served = State.VERDICT, True
        if following and self._fits(following):
            self.pipelined = self._begun(following)
            self.pipelined.is_behind = True

    def recall(self) -> None:
        """Give back the letter behind a dot, or the one that was there until the dot was answered.

        The connection closes with the answer to the dot, or at once when that has come.
        """
        if self.pipelined:
            self._give_back()
        elif self.is_behind:
            self.break_off("le serveur d’envoi ne répond plus")

    def keep(self) -> None:
        """Keep an idle conversation: the relay may end it meanwhile, which says nothing about the next letter."""
        self._has_served = True

    def flushed(self) -> None:
        """Note that `out` was written completely."""
        if self.state is State.BODY:
            self.state = State.AT_DOT

    def quit(self) -> None:
        """Send QUIT and close, without waiting for the answer."""
        self.out += b"QUIT\r\n"
        self.state = State.CLOSED

    def _begun(self, parcel: Parcel) -> Transfer:
        """Write the envelope of a parcel: all of it if the relay pipelines, else its first command."""
        option = " SMTPUTF8" if parcel.needs_utf8 else ""
        mail, rcpt = f"MAIL FROM:<{parcel.sender}>{option}\r\n", f"RCPT TO:<{parcel.recipient}>\r\n"
        is_first = not self._has_served
        if self.pipelines:
            self.out += f"{mail}{rcpt}DATA\r\n".encode()
            return Transfer(parcel, deque(), 3, is_first)
        self.out += mail.encode()
        return Transfer(parcel, deque([rcpt.encode(), b"DATA\r\n"]), 1, is_first)

    def _fits(self, parcel: Parcel) -> bool:
        """Whether the relay can take a parcel; if not, the parcel is settled as refused."""
        unfit = self._unfit(parcel)
        if unfit:
            self.settled.append((parcel, unfit))
        return unfit is None

    def _unfit(self, parcel: Parcel) -> AttemptResult | None:
        # Nothing else looks at all that a relay gets of a letter, whatever composed it.
        if not (lines_end(parcel.wire) and (parcel.sender + parcel.recipient).isprintable()):
            return AttemptResult(
                Verdict.NEVER, None, "5.6.0", "le courriel contient une fin de ligne isolée (CR ou LF)"
            )
        if parcel.needs_utf8 and "SMTPUTF8" not in self._offers:
            return AttemptResult(
                Verdict.NEVER, None, "5.6.7", "le serveur d’envoi ne transmet pas cette adresse (SMTPUTF8)"
            )
        if self.most_bytes is not None and self.most_bytes < len(parcel.wire):
            return AttemptResult(
                Verdict.NEVER, None, "5.3.4", f"le serveur d’envoi ne prend que {self.most_bytes} octets"
            )
        return None

    def _answer(self, reply: Reply) -> None:
        match self.state:
            case State.ENVELOPE:
                if self.current:
                    self._envelope(self.current, reply)
            case State.VERDICT:
                self._judge(reply)
            case State.BODY | State.AT_DOT:
                # It can only be the answer to DATA: the letter is incomplete, so it was not accepted.
                self._settle(result_of(reply, after_dot=False))
                self.state = State.CLOSED
            case State.GREETING | State.HELLO | State.STARTTLS | State.AUTH:
                self._introduce(reply)
            case State.RESETTING:
                self.state = State.READY if reply.code == 250 else State.CLOSED
            case State.READY | State.TLS | State.CLOSED:
                self.state = State.CLOSED  # an unsolicited reply: usually 421, as the relay closes
            case _:
                assert_never(self.state)

    def _judge(self, reply: Reply) -> None:
        outcome, following = result_of(reply, after_dot=True), self.pipelined
        self._settle(outcome)
        if (following and following.is_recalled) or reply.code == 421 or outcome.verdict is Verdict.UNKNOWN:
            self._give_back()
            self.state = State.CLOSED
        elif following:
            self.current, self.pipelined, self.state = following, None, State.ENVELOPE
        else:
            self.state = State.READY

    def _introduce(self, reply: Reply) -> None:
        step, is_well = self.state, reply.code // 100 == 2
        if step is State.GREETING and is_well:
            self._say(f"EHLO {self.relay.helo}", State.HELLO)
        elif step is State.HELLO and is_well:
            self._offers = _offers(reply)
            self._go_on()
        elif step is State.HELLO and reply.code // 100 == 5 and not self._is_old:
            self._is_old = True
            self._say(f"HELO {self.relay.helo}", State.HELLO)
        elif step is State.STARTTLS and is_well:
            self._reader.forget()
            self.state = State.TLS
        elif step is State.AUTH and is_well:
            self.state = State.READY
        elif step is State.AUTH and reply.code == 334 and self._secrets:
            self._say(self._secrets.popleft(), State.AUTH)
        else:
            alarm = step in {State.STARTTLS, State.AUTH} and reply.code // 100 == 5
            self._fail(f"{step.label} : {reply.code} {reply.text}", alarm=alarm, slow_down=reply.code == 421)

    def _go_on(self) -> None:
        if self.relay.starttls and not self.is_encrypted:
            if "STARTTLS" not in self._offers:
                self._fail("le serveur d’envoi n’offre pas de chiffrement (STARTTLS)", alarm=True)
                return
            self._say("STARTTLS", State.STARTTLS)
        elif self.relay.user:
            self._identify(self.relay.user, self.relay.password)
        else:
            self.state = State.READY

    def _identify(self, user: str, password: str) -> None:
        offered = self._offers.get("AUTH", "").split()
        if not (self.is_encrypted or self.relay.is_near):
            self._fail("le mot de passe ne part jamais en clair", alarm=True)
        elif "PLAIN" in offered:
            self._say(f"AUTH PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password}')}", State.AUTH)
        elif "LOGIN" in offered:
            self._secrets = deque([_base64(user), _base64(password)])
            self._say("AUTH LOGIN", State.AUTH)
        else:
            self._fail("le serveur d’envoi n’offre ni AUTH PLAIN ni AUTH LOGIN", alarm=True)

    def _envelope(self, letter: Transfer, reply: Reply) -> None:
        if letter.is_untried and reply.code in OF_CONNECTION:
            self._settle(AttemptResult(Verdict.UNTRIED, reply.code, text=reply.text))
            self.state = State.CLOSED
            return
        letter.has_reply, letter.is_behind = True, False
        letter.awaited -= 1
        is_data = not letter.steps and letter.awaited == 0
        if is_data and reply.code == 354:
            self._send_body(letter)
            return
        if (is_data or reply.code // 100 != 2) and letter.refusal is None:
            letter.refusal = reply
        if letter.refusal and (letter.awaited == 0 or reply.code == 421):
            self._give_up(letter.refusal)
        elif letter.steps:
            self.out += letter.steps.popleft()
            letter.awaited = 1

    def _send_body(self, letter: Transfer) -> None:
        if letter.refusal:
            # MAIL or RCPT was refused, so the relay gets no letter.
            self._settle(result_of(letter.refusal, after_dot=False))
            self.state = State.CLOSED
        else:
            self.out += _stuffed(letter.parcel.wire)
            self.state = State.BODY

    def _give_up(self, refusal: Reply) -> None:
        self._settle(result_of(refusal, after_dot=False))
        if refusal.code == 421 or refusal.code // 100 not in {4, 5}:
            self.state = State.CLOSED
        else:
            self._say("RSET", State.RESETTING)

    def _settle(self, outcome: AttemptResult) -> None:
        if outcome.code == 421:
            self.failure = Failure(f"421 {outcome.text}", slow_down=True)
        if self.current:
            self.settled.append((self.current.parcel, outcome))
            self.current = None

    def _give_back(self) -> None:
        """Give back the letter behind a dot, once. Its envelope may have left, so the connection cannot be used on."""
        following = self.pipelined
        if following and not following.is_recalled:
            self.settled.append((following.parcel, AttemptResult(Verdict.UNTRIED)))
            following.is_recalled, following.is_behind = True, False

    def _fail(self, text: str, *, alarm: bool = False, slow_down: bool = False) -> None:
        self.failure = Failure(text, alarm, slow_down)
        self.state = State.CLOSED

    def _say(self, line: str, state: State) -> None:
        self.out += f"{line}\r\n".encode()
        self.state = state


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _offers(reply: Reply) -> dict[str, str]:
    words = [line.upper().split(" ", 1) for line in reply.lines[1:]]
    return {word[0]: word[1] if len(word) > 1 else "" for word in words}


def _stuffed(wire: bytes) -> bytes:
    if b"\r\n." not in wire and not wire.startswith(b"."):
        return wire  # the usual case for our letters
    doubled = wire.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled
