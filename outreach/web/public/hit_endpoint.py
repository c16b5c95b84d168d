"""The count of openings and clicks: a WSGI application without session, cookie or template.

Hits are stored in batches, one transaction each. A request is answered once its batch is committed. When the database
does not answer in time, the hit is not counted: the pixel is served all the same, a link that this process remembers
still redirects, and any other link is answered 503.
"""

import base64
import hashlib
import logging
import re
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from outreach.db import NO_ANSWER, Database
from outreach.mail.tokens import Keys, Token, TokenKind
from outreach.settings import Settings
from outreach.tracking import hits, trackers
from outreach.tracking.hits import Sighting
from outreach.tracking.machines import OPENING, HitClass, Readers, Signals, agent_of
from outreach.tracking.trackers import Target

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
# Leaves what a mail program appended to the address, which `Keys.read` handles.
PICTURE = re.compile(r"\.gif(?=(?:[.>=]|%3E|&amp;)?\Z)", re.IGNORECASE)
ALONE = [("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex")]
PATIENCE_SECONDS = 5.0
MOST_AT_ONCE, MOST_KNOWN = 500, 10_000
logger = logging.getLogger(__name__)


class Hits:
    """Answers `/o/` and `/c/`; passes every other address, and links that are not ours, to the pages."""

    def __init__(self, pages: WSGIApplication, database: Database, settings: Settings) -> None:
        self.pages, self.database, self.clock = pages, database, settings.instant
        self.keys = Keys(settings.signing_keys)
        self._batches = Batches(self._store)
        self._readers, self._lock, self._salt = Readers(), threading.Lock(), secrets.token_bytes(32)
        self._known: dict[bytes, Target] = {}

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(("/o/", "/c/")):
            return self.pages(environ, start)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            start("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Length", "0"), *ALONE])
            return []
        if path.startswith("/o/"):
            return self._opened(environ, start, self.keys.read(PICTURE.sub("", path[3:]), TokenKind.OPEN))
        return self._clicked(environ, start, self.keys.read(path[3:], TokenKind.CLICK))

    def _opened(self, environ: WSGIEnvironment, start: StartResponse, token: Token | None) -> Iterable[bytes]:
        try:
            target = self._target(token) if token else None
        except NO_ANSWER:
            target = None
        if target is not None:
            self._count(environ, target, OPENING)
        start("200 OK", [("Content-Type", "image/gif"), ("Content-Length", str(len(GIF))), *ALONE])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [GIF]

    def _clicked(self, environ: WSGIEnvironment, start: StartResponse, token: Token | None) -> Iterable[bytes]:
        try:
            target = self._target(token) if token else None
        except NO_ANSWER:
            start("503 Service Unavailable", [("Retry-After", "30"), ("Content-Length", "0"), *ALONE])
            return []
        if target is None or token is None or token.link not in target.links:
            return self.pages(environ, start)
        self._count(environ, target, token.link)
        start("302 Found", [("Location", target.links[token.link]), ("Content-Length", "0"), *ALONE])
        return []

    def _target(self, token: Token) -> Target | None:
        """The target of a genuine token, or None. A target never changes, so it is remembered."""
        known = self._known.get(token.id)
        if known is not None:
            return known
        with self.database.reading() as session:
            target = trackers.target_of(session, token.id)
        if target is not None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[token.id] = target
        return target

    def _count(self, environ: WSGIEnvironment, target: Target, link: int) -> None:
        agent = agent_of(environ.get("HTTP_USER_AGENT", ""))
        signals = Signals(link, self.clock(), agent, environ["REQUEST_METHOD"] == "HEAD")
        reader = self._reader(environ)
        with self._lock:
            hit_class, unmasked = self._readers.meet(reader, signals, target)
        # Hits of a single letter are judged again where they are stored (`hits.judge_again`).
        counted = [met for met in unmasked if met.where.message is None]
        taken_back = [Sighting(met.where, met.signals, met.thought, -1) for met in counted]
        judged_anew = [Sighting(met.where, met.signals, HitClass.MACHINE) for met in counted]
        if not self._batches.put([Sighting(target, signals, hit_class), *taken_back, *judged_anew]):
            with self._lock:
                self._readers.forget(reader)

    def _reader(self, environ: WSGIEnvironment) -> bytes:
        """A keyed digest of network address and User-Agent: the same for the same program at the same place.

        The key is random and lives as long as this process, so the digest identifies nobody afterwards.
        """
        place = f"{environ.get('REMOTE_ADDR')} {environ.get('HTTP_X_FORWARDED_FOR')} {environ.get('HTTP_USER_AGENT')}"
        return hashlib.blake2b(place.encode("utf-8", "replace"), key=self._salt, digest_size=8).digest()

    def _store(self, sightings: Sequence[Sighting]) -> None:
        with self.database.writing() as session:
            hits.add(session, sightings)


class Batches:
    """Group commit: the first thread stores the hits of all waiting threads in one transaction."""

    def __init__(self, store: Callable[[Sequence[Sighting]], None]) -> None:
        self._store, self._turn = store, threading.Lock()
        self._waiting: deque[Brought] = deque()

    def put(self, sightings: Sequence[Sighting]) -> bool:
        """Store these hits. True once they are stored, False when the database failed or took too long."""
        mine = Brought(sightings)
        self._waiting.append(mine)
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):
            return False
        try:
            while not mine.is_over:
                self._store_all()
        finally:
            self._turn.release()
        return mine.is_stored

    def _store_all(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
        is_stored = False
        try:
            self._store([sighting for brought in batch for sighting in brought.sightings])
            is_stored = True
        except NO_ANSWER as error:
            logger.warning("%s openings or clicks were not counted: %s", len(batch), error)
        except Exception:  # the reader gets the pixel or the link even when we fail
            logger.exception("%s openings or clicks were not counted", len(batch))
        finally:
            for brought in batch:
                brought.is_over, brought.is_stored = True, is_stored


@dataclass
class Brought:
    """What one request wants stored, and what became of it."""

    sightings: Sequence[Sighting]
    is_over: bool = False
    is_stored: bool = False
