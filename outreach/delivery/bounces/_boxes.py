"""Reads mails from an IMAP folder or a Maildir; a handled mail is moved, never deleted.

A mail in the box itself is still to be handled, even when it is marked as seen. It moves to a subfolder once its
transaction is committed. If the process dies in between, the same mail is read again, and recognised as a copy.
"""

import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from imaplib import IMAP4
from itertools import pairwise
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from imap_tools import BaseMailBox, MailBox, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from outreach.core.text.errors import OutreachError
from outreach.delivery.bounces._parsing import MOST_BYTES

TIMEOUT_SECONDS = 10  # shorter than an orderly stop may take
PASS_SECONDS = 600  # a server that drips bytes keeps within the timeout of each; the next pass goes on
UID = re.compile(rb"\bUID (\d+)")


class Folder(StrEnum):
    """The subfolder that a handled mail moves to."""

    HANDLED = "traites"
    FOR_PEOPLE = "a-lire"


class BoxError(OutreachError):
    """The mailbox cannot be read."""


class BounceBox(Protocol):
    """A mailbox. Each method raises BoxError."""

    def keys(self, most: int) -> Sequence[str]:
        """The names of at most `most` mails still to be handled, the oldest first."""

    def read(self, keys: Sequence[str], most: int = MOST_BYTES) -> Mapping[str, bytes]:
        """The first `most` bytes of each of these mails; those that are gone are left out."""

    def put_away(self, keys: Sequence[str], folder: Folder) -> None:
        """Move these mails to a folder; those that are gone are ignored."""


def maildir_of(url: str) -> Path | None:
    """The folder of a mailbox on this machine; None for any other, and for ''."""
    place = urlsplit(url)
    return Path(unquote(place.path)) if place.scheme == "maildir" else None


@contextmanager
def open_box(url: str, called: str = "des retours") -> Iterator[BounceBox]:
    """Open the mailbox at a URL: `imaps://user:password@host/INBOX` or `maildir:///path`.

    Raises BoxError, which calls the mailbox as `called` does.
    """
    try:
        if (path := maildir_of(url)) is not None:
            yield MaildirBox(path)
        else:
            with _signed_in(urlsplit(url)) as mailbox:
                yield ImapBox(mailbox)
    except (IMAP4.error, ImapToolsError, OSError) as error:
        raise BoxError(f"La boîte {called} ne se lit pas : {error}.") from error


class MaildirBox:
    """A Maildir on this machine, with its folders below it (Maildir++)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keys(self, most: int) -> Sequence[str]:
        """The files in `new` and `cur`."""
        entries = [entry for name in ("new", "cur") for entry in os.scandir(self.path / name) if entry.is_file()]
        oldest = sorted(entries, key=lambda entry: entry.name)[:most]
        return [f"{Path(entry.path).parent.name}/{entry.name}" for entry in oldest]

    def read(self, keys: Sequence[str], most: int = MOST_BYTES) -> Mapping[str, bytes]:
        """The first bytes of each file."""
        contents = {}
        for key in keys:
            with suppress(FileNotFoundError), (self.path / key).open("rb") as file:
                contents[key] = file.read(most)
        return contents

    def put_away(self, keys: Sequence[str], folder: Folder) -> None:
        """Move the files, marked as seen."""
        below = self.path / f".{folder}"
        for name in ("cur", "new", "tmp"):
            (below / name).mkdir(parents=True, exist_ok=True)
        (below / "maildirfolder").touch()
        for key in keys:
            name = Path(key).name.partition(":2,")[0]
            with suppress(FileNotFoundError):
                (self.path / key).rename(below / "cur" / f"{name}:2,S")


class ImapBox:
    """A folder of an IMAP server."""

    def __init__(self, mailbox: BaseMailBox) -> None:
        self.mailbox = mailbox
        self.folder = mailbox.folder.get() or "INBOX"

    def keys(self, most: int) -> Sequence[str]:
        """The UIDs of what lies in the folder."""
        return self.mailbox.uids("ALL", charset=None)[:most]

    def read(self, keys: Sequence[str], most: int = MOST_BYTES) -> Mapping[str, bytes]:
        """The first bytes of each message, which stays unseen."""
        wanted = f"(UID BODY.PEEK[]<0.{most}>)"
        said, answers = self.mailbox.client.uid("FETCH", ",".join(keys), wanted)
        if said != "OK":
            raise IMAP4.error("elle ne donne pas ses courriels")
        given = [(one, after) for one, after in pairwise([*answers, b""]) if isinstance(one, tuple)]
        named = ((UID.search(head + after), content) for (head, content), after in given)  # either may hold the name
        return {uid[1].decode(): content for uid, content in named if uid}

    def put_away(self, keys: Sequence[str], folder: Folder) -> None:
        """Move the messages; a missing folder is created."""
        self.mailbox.move(list(keys), self._below(folder))

    def _below(self, folder: Folder) -> str:
        delimiter = self.mailbox.folder.list(search_args=self.folder)[0].delim
        path = f"{self.folder}{delimiter}{folder}"
        if not self.mailbox.folder.exists(path):
            self.mailbox.folder.create(path)
        return path


@contextmanager
def _signed_in(place: SplitResult) -> Iterator[BaseMailBox]:
    user, password = unquote(place.username or ""), unquote(place.password or "")
    mailbox = _connected(place)
    ends = threading.Timer(PASS_SECONDS, mailbox.client.socket().shutdown, [socket.SHUT_RDWR])
    ends.daemon = True
    ends.start()
    try:
        sign_in = mailbox.login if password.isascii() else mailbox.login_utf8
        yield sign_in(user, password, unquote(place.path.strip("/")) or "INBOX")
    finally:
        with suppress(IMAP4.error, OSError):
            mailbox.client.logout()
        ends.cancel()
        with suppress(OSError):
            mailbox.client.shutdown()


def _connected(place: SplitResult) -> BaseMailBox:
    """Connect and check the certificate, which imaplib does not do by default.

    SSL_CERT_FILE adds the certificate of a private authority.
    """
    host = place.hostname or ""
    if place.scheme == "imap":
        return MailBoxUnencrypted(host, place.port or 143, timeout=TIMEOUT_SECONDS)
    checked = ssl.create_default_context()
    return MailBox(host, place.port or 993, timeout=TIMEOUT_SECONDS, ssl_context=checked)
