"""The count of openings and clicks: a WSGI application without session, cookie or template.

Hits are stored in batches, one transaction each. A request is answered once its batch is committed. When the database
does not answer in time, the hit is not counted: the pixel is served all the same, a link that this process remembers
still redirects, and any other link is answered 503.
"""

import base64
import re
import secrets
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from outreach.db import Database
from outreach.db.kept_connection import KeptConnection
from outreach.mail.tokens import Keys, TokenKind
from outreach.measuring import hits, trackers
from outreach.measuring.hits import Sighting
from outreach.measuring.machines import OPENING, HitClass, Programs, Readers, Signals
from outreach.measuring.trackers import Target
from outreach.settings import Mode, Settings
from outreach.web import headers
from outreach.web.client import client_of
from outreach.web.public.batches import Batches, NotHandled

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
# Leaves what a mail program appended to the address, which `Keys.read` handles.
PICTURE = re.compile(r"\.gif(?=(?:[.>=]|%3E|&amp;)?\Z)", re.IGNORECASE)
ALONE = [("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex")]
READING = frozenset({"GET", "HEAD"})
MOST_KNOWN = 10_000
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class HitAnswer(NamedTuple):
    """A response: its status, headers and body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes = b""


class Lead(NamedTuple):
    """Where a genuine address leads: what it counts for, the link (0: the pixel), the answer."""

    target: Target
    link: int
    answer: HitAnswer


class Seen(NamedTuple):
    """A hit as it came."""

    target: Target
    signals: Signals
    reader: Hashable


class Answers:
    """The responses that hits get, with all their headers ready: adding some to each would cost microseconds."""

    def __init__(self, mode: Mode) -> None:
        self._alone = [("Content-Length", "0"), *ALONE, *headers.fixed(mode)]
        pictured = [("Content-Type", "image/gif"), ("Content-Length", str(len(GIF)))]
        self.picture = HitAnswer("200 OK", [*pictured, *ALONE, *headers.fixed(mode, in_letters=True)], GIF)
        self.not_allowed = HitAnswer("405 Method Not Allowed", [("Allow", "GET, HEAD"), *self._alone])
        self.unavailable = HitAnswer("503 Service Unavailable", [("Retry-After", "30"), *self._alone])

    def redirect(self, address: str) -> HitAnswer:
        """The answer to a click on a link that leads there."""
        return HitAnswer("302 Found", [("Location", address), *self._alone])


class Hits:
    """Answers `/o/` and `/c/`; passes every other address, and links that are not ours, to the pages."""

    def __init__(self, pages: WSGIApplication, database: Database, settings: Settings) -> None:
        self.pages, self.database, self.clock = pages, database, settings.instant
        self._proxies = settings.proxies
        self.keys, self._answers = Keys(settings.signing_keys), Answers(settings.mode)
        self._kept = KeptConnection()
        self._storing = Batches("openings or clicks were not counted", self._store, self._kept.give_back)
        self._finding = Batches("links were not looked up", self._find)
        self._readers, self._programs, self._salt = Readers(), Programs(), secrets.token_hex(32)
        self._links: dict[int, Mapping[int, str]] = {}
        # Only genuine addresses are remembered: how fast another one is refused tells nothing of its token.
        self._known: Recent[bytes, Target] = Recent(MOST_KNOWN)
        self._leads: Recent[str, Lead] = Recent(MOST_KNOWN)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""
        path: str = environ.get("PATH_INFO", "")
        lead = self._leads.get(path)
        is_opening = path.startswith("/o/")
        if lead is None and not is_opening and not path.startswith("/c/"):
            return self.pages(environ, start)
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        if not is_head and environ["REQUEST_METHOD"] != "GET":
            return _answer(start, self._answers.not_allowed, is_head=False)
        if lead is None:
            try:
                lead = self._lead(path, is_opening=is_opening)
            except NotHandled:
                missed = self._answers.picture if is_opening else self._answers.unavailable
                return _answer(start, missed, is_head=is_head)
        if lead is not None:
            self._count(environ, lead, is_head=is_head)
            return _answer(start, lead.answer, is_head=is_head)
        return _answer(start, self._answers.picture, is_head=is_head) if is_opening else self.pages(environ, start)

    def _lead(self, path: str, *, is_opening: bool) -> Lead | None:
        """Where an address leads, or None when it is not ours. Raises NotHandled when the database does not answer."""
        text, kind = (PICTURE.sub("", path[3:]), TokenKind.OPEN) if is_opening else (path[3:], TokenKind.CLICK)
        token = self.keys.read(text, kind)
        target = self._target(token.id) if token else None
        if target is None or token is None:
            return None
        if is_opening:
            lead = Lead(target, OPENING, self._answers.picture)
        elif token.link in target.links:
            lead = Lead(target, token.link, self._answers.redirect(target.links[token.link]))
        else:
            return None
        if len(text) + 3 + 4 * is_opening == len(path) and text.islower():  # as we write it
            self._leads.put(path, lead)
        return lead

    def _target(self, identity: bytes) -> Target | None:
        """What a genuine token leads to, or None. It never changes, so it is remembered."""
        target = self._known.get(identity)
        if target is None and (target := self._finding.put(identity)) is not None:
            self._known.put(identity, target)
        return target

    def _find(self, identities: Sequence[bytes]) -> list[Target | None]:
        with self.database.reading() as session:
            targets = trackers.targets_of(session, identities, self._links)
        return [targets.get(identity) for identity in identities]

    def _count(self, environ: WSGIEnvironment, lead: Lead, *, is_head: bool) -> None:
        """Store a hit. It is not counted when the database does not answer in time."""
        agent = self._programs.kind(environ.get("HTTP_USER_AGENT", ""))
        signals = Signals(lead.link, self.clock(), agent, is_head)
        try:
            self._storing.put(Seen(lead.target, signals, None if lead.link == OPENING else self._reader(environ)))
        except NotHandled:
            return

    def _reader(self, environ: WSGIEnvironment) -> int:
        """A keyed hash of network address and User-Agent: the same for the same program at the same place.

        Its keys (ours, and that of Python's hashes) are random and live as long as this process, so that it identifies
        nobody afterwards.
        """
        return hash((self._salt, client_of(environ, self._proxies), environ.get("HTTP_USER_AGENT")))

    def _store(self, batch: Sequence[Seen]) -> Sequence[None]:
        """Judge and store hits, in the one thread that does: the memory of readers needs no lock."""
        sightings = []
        try:
            for target, signals, reader in batch:
                hit_class, unmasked = self._readers.meet(reader, signals, target)
                sightings.append(Sighting(target, signals, hit_class))
                for met in unmasked:
                    if met.where.message is None:  # hits of a letter are judged again where they are stored
                        sightings.append(Sighting(met.where, met.signals, met.thought, -1))
                        sightings.append(Sighting(met.where, met.signals, HitClass.MACHINE))
            with self._kept.writing(self.database) as connection:
                hits.add(connection, sightings)
        except BaseException:
            for seen in batch:
                self._readers.forget(seen.reader)
            raise
        return [None] * len(batch)


class Recent(Generic[Key, Value]):
    """What was used last: at least `most` values, at most twice as many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._new: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """The value under a key, or None."""
        value = self._new.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember a value. Those not used while `most` others were are forgotten."""
        if len(self._new) >= self._most:
            self._old, self._new = self._new, {}
        self._new[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._old, self._new = {}, {}


def _answer(start: StartResponse, answer: HitAnswer, *, is_head: bool) -> list[bytes]:
    start(answer.status, answer.headers.copy())  # a server or another application may add to them
    return [answer.body] if answer.body and not is_head else []
