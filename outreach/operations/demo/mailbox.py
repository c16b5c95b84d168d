"""The demonstration's mailbox: an SMTP server that keeps letters in a Maildir, and its reader.

Letters with a link to choose a password lie in a folder of their own, as whoever reads one can take over the account.
It is a program of its own, which imports neither database nor commands: a quarter of the memory.

Addresses that behave as their names say, for whoever integrates: taken, refused, absent, complaining.
"""

import mailbox
import os
import re
import signal
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.parser import BytesHeaderParser
from email.policy import default
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

from outreach.core.text import logs
from outreach.core.text.errors import NotFound
from outreach.core.text.links import ACCOUNT_LIST
from outreach.core.text.typed import without_accents

if TYPE_CHECKING:
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import SMTP, Envelope, Session


PAGE = 50
WORD = re.compile(r"\w+")
PLACE = "place"  # the file in the mailbox's folder that says where it is open
ACCOUNTS = "accounts"  # the folder of the Maildir (".accounts" on disk)


@dataclass(frozen=True, slots=True)
class Received:
    """A letter that arrived. `key` names it; `html` and `text` are its parts, `source` its bytes as text."""

    key: str
    to: str
    sender: str
    subject: str
    date: datetime | None
    html: str
    text: str
    source: str


def folder_of(data: Path) -> Path:
    """Where an installation keeps its demonstration mailbox."""
    return data / "mailbox"


class _Keeper:
    """Keeps every letter. Simulated addresses behave; what they answer goes into the Maildir of returns, if any."""

    def __init__(self, folder: Path, returns: Path | None) -> None:
        self.box = mailbox.Maildir(folder, create=True)
        self.accounts = self.box.add_folder(ACCOUNTS)
        self.returns = mailbox.Maildir(returns, create=True) if returns else None

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: "SMTP", _session: "Session", envelope: "Envelope", address: str, options: list[str]
    ) -> str:
        """Refuse an address that simulates a refusal."""
        if refused := refusal(address):
            return refused
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, _server: "SMTP", _session: "Session", envelope: "Envelope"
    ) -> str:
        """Keep a letter's bytes as received, and what comes back of it."""
        content = envelope.content
        assert isinstance(content, bytes)  # noqa: S101 - the controller decodes nothing
        box = self.accounts if _is_about_accounts(content) else self.box
        box.add(content)
        for address in envelope.rcpt_tos:
            returned = answer(address, envelope.mail_from or "")
            if returned and self.returns is not None:
                self.returns.add(returned)
        return "250 OK"


@contextmanager
def serving(place: str, folder: Path, returns: Path | None = None) -> Iterator["Controller"]:
    """Accept letters at an address (host:port) while the block runs. `returns` is where what comes back goes."""
    from aiosmtpd.controller import Controller  # noqa: PLC0415 - 1.5 MB, for the process of the mailbox alone

    host, _, port = place.rpartition(":")
    controller = Controller(_Keeper(folder, returns), hostname=host.strip("[]"), port=int(port), ident="demonstration")
    controller.start()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLACE).write_text(place, encoding="utf-8")
    try:
        yield controller
    finally:
        (folder / PLACE).unlink(missing_ok=True)
        controller.stop()


def command(place: str, folder: Path, returns: Path | None = None) -> list[str]:
    """The command line of a process that serves until SIGTERM or SIGINT."""
    return [sys.executable, "-m", __name__, place, str(folder), *([str(returns)] if returns else [])]


def place_of(folder: Path, usual: str) -> str:
    """Where the mailbox is open: its usual port may have been taken, and the next free one chosen."""
    try:
        return (folder / PLACE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return usual


def keep(folder: Path, wire: bytes, at: datetime) -> None:
    """Put a letter into the mailbox as if it had arrived at an instant."""
    key = mailbox.Maildir(folder, create=True).add(wire)
    os.utime(folder / "new" / key, (at.timestamp(), at.timestamp()))


def letters_in(folder: Path, words: str = "", *, of_accounts: bool = False) -> list[Path]:
    """The paths of the letters whose subject, recipient or text has all these words, or begins of words, newest first.

    Those with a link to choose a password only if `of_accounts`.
    """
    found = [path for place in _places(folder, of_accounts=of_accounts) if place.exists() for path in place.iterdir()]
    files = sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    wanted = _words(words)
    return [path for path in files if not wanted or _tells(path, wanted)]


def page(paths: Sequence[Path]) -> list[Received]:
    """These letters, without parts and source."""
    return [_read(path, whole=False) for path in paths]


def letter(folder: Path, key: str, *, of_accounts: bool = False) -> Received:
    """One letter, whole. Raises NotFound, also for one with a link to choose a password unless `of_accounts`."""
    if "/" not in key and not key.startswith("."):
        for place in _places(folder, of_accounts=of_accounts):
            if os.path.isfile(place / key):  # noqa: PTH113 - False for a name that is too long
                return _read(place / key, whole=True)
    raise NotFound("Ce courriel n’est pas dans la boîte de démonstration.")


def reply(folder: Path, key: str, text: str, *, of_accounts: bool = False) -> bytes:
    """The mail of whoever answers a letter where it arrived; the same for the same words. Raises NotFound."""
    received = letter(folder, key, of_accounts=of_accounts)
    written, mail = message_from_bytes(received.source.encode(), policy=default), EmailMessage()
    mail["From"], mail["To"] = str(written["To"]), str(written["Reply-To"] or written["From"])
    mail["Subject"] = f"Re: {' '.join(received.subject.split())}"
    if answered := written["Message-ID"]:
        mail["In-Reply-To"] = mail["References"] = " ".join(str(answered).split())
    mail["Message-ID"] = f"<{sha256(f'{key} {text}'.encode()).hexdigest()}@demonstration.example>"
    quoted = "\n".join(f"> {line}".rstrip() for line in received.text.splitlines())
    mail.set_content(f"{text}\n\n{' '.join(received.sender.split())} a écrit :\n\n{quoted}\n")
    return mail.as_bytes()


def _places(folder: Path, *, of_accounts: bool) -> list[Path]:
    return [folder / "new", *([folder / f".{ACCOUNTS}" / "new"] if of_accounts else [])]


def _is_about_accounts(content: bytes) -> bool:
    """Whether a letter has a link to choose a password, by the list it names."""
    return str(BytesHeaderParser().parsebytes(content).get("List-Id", "")).strip().startswith(f"<{ACCOUNT_LIST}.")


def _content(part: MIMEPart) -> str:
    """A part's text; in an unknown charset, only its ASCII characters."""
    try:
        return str(part.get_content())
    except LookupError:
        payload = part.get_payload(decode=True)
        return payload.decode("ascii", "replace") if isinstance(payload, bytes) else ""


def _shown(html: str, parts: Sequence[EmailMessage]) -> str:
    """The HTML with its pictures in it: a browser has no message to find them in."""
    for part in parts:
        if part.get_content_type() == "image/png" and part["Content-ID"]:
            picture = b64encode(bytes(part.get_content())).decode()
            html = html.replace(f'"cid:{str(part["Content-ID"]).strip("<>")}"', f'"data:image/png;base64,{picture}"')
    return html


def _tells(path: Path, wanted: Sequence[str]) -> bool:
    """Whether a letter has these words: its text names the authority, the programme and the strand."""
    message = message_from_bytes(path.read_bytes(), policy=default)
    text = message.get_body(("plain",))
    said = _words(f"{message['Subject']} {message['To']} {_content(text) if text else ''}")
    return all(any(one.startswith(word) for one in said) for word in wanted)


def _words(text: str) -> list[str]:
    return WORD.findall(without_accents(text.casefold()))


def _read(path: Path, *, whole: bool) -> Received:
    content = path.read_bytes()
    message = message_from_bytes(content, policy=default)
    leaves = [part for part in message.walk() if whole and not part.is_multipart()]
    parts = {part.get_content_type(): _content(part) for part in leaves if part.get_content_maintype() == "text"}
    return Received(
        key=path.name,
        to=str(message["To"]),
        sender=str(message["From"]),
        subject=str(message["Subject"]),
        date=message["Date"].datetime if message["Date"] else None,
        html=_shown(parts.get("text/html", ""), leaves),
        text=parts.get("text/plain", ""),
        source=content.decode("utf-8", "replace") if whole else "",
    )


DOMAIN = "simulateur.example"


class Behaviour(StrEnum):
    """What becomes of a letter to an address of the domain, by what stands before `@` or a `+` there."""

    TAKEN = "livre"
    REFUSED = "refuse"
    ABSENT = "absent"
    COMPLAINING = "plaint"


def behaviour(address: str) -> Behaviour | None:
    """How an address behaves; None for any that is not simulated."""
    local, _, domain = address.casefold().rpartition("@")
    name = local.partition("+")[0]
    return Behaviour(name) if domain == DOMAIN and name in set(Behaviour) else None


def refusal(address: str) -> str:
    """What the mailbox says of an address that refuses, '' of any other."""
    return "550 5.1.1 No such mailbox (simulated)" if behaviour(address) is Behaviour.REFUSED else ""


def answer(address: str, sender: str) -> bytes | None:
    """What comes back to the sender of a letter that an address took, as a message; None where nothing does."""
    found = behaviour(address)
    if found is Behaviour.ABSENT:
        return _absence(address, sender)
    return _complaint(address, sender) if found is Behaviour.COMPLAINING else None


def _absence(address: str, sender: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = address, sender, "Absence du bureau"
    message["Auto-Submitted"] = "auto-replied"
    message.set_content("Je suis en congé (réponse simulée).")
    return message.as_bytes()


def _complaint(address: str, sender: str) -> bytes:
    """A report of abuse (RFC 5965)."""
    text = f"""\
        From: postmaster@{DOMAIN}
        To: {sender}
        Subject: Complaint
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="report"

        --report
        Content-Type: text/plain

        The recipient marked this letter as unwanted (simulated).
        --report
        Content-Type: message/feedback-report

        Feedback-Type: abuse
        User-Agent: simulated/1
        Version: 1
        Original-Mail-From: <{sender}>
        Original-Rcpt-To: <{address}>
        --report--
        """
    return dedent(text).encode()


if __name__ == "__main__":
    logs.begin("mailbox")
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # for the threads, too, until one is waited for
    with serving(sys.argv[1], *map(Path, sys.argv[2:])):
        signal.sigwait(stops)
