"""The count of openings and clicks: a WSGI application that stores hits by groups, without cookie.

Hits are stored in batches, one transaction each. A request is answered once its batch is committed. When the database
does not answer in time, the hit is not counted: the pixel is served all the same, a link that this process remembers
still redirects, and any other link is answered 503.
"""

import base64
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from outreach.core.db import NO_ANSWER, Database
from outreach.core.db.prepared import KeptConnection
from outreach.core.settings import Mode, Settings
from outreach.core.text.logs import told
from outreach.delivery.letters import Keys, TokenKind
from outreach.engagement import tracking
from outreach.engagement.tracking import OPENING, Arrival, ClassifiedHit, HitClass, Programs, Readers, Signals, Target
from outreach.web.ui import headers
from outreach.web.ui.request import client_of

PATIENCE_SECONDS, REST_SECONDS = 5.0, 1.0
MOST_AT_ONCE, MOST_WAITING = 500, 10_000
Given = TypeVar("Given")
Made = TypeVar("Made")
logger = logging.getLogger(__name__)


class NotHandled(Exception):
    """The database failed or took too long: what was brought is not handled, or will be too late."""


class Batches(Generic[Given, Made]):
    """Handles what threads bring, all that waits at once, in one thread that starts with the first request.

    `what` says in the log what became of a batch that failed, after its number: “links were not looked up”. `handle`
    gets a batch and returns a result for each of it. `rest` is called once nothing has come for a second.

    A request waits at a lock of its own: threads that wait for one lock would pass it on one by one, each with the
    interpreter's lock besides.
    """

    def __init__(
        self,
        what: str,
        handle: Callable[[Sequence[Given]], Sequence[Made]],
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        self._what, self._handle, self._rest, self._starts = what, handle, rest, threading.Lock()
        self._waiting: SimpleQueue[Brought[Given, Made]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._busy_since = float("inf")
        self._is_failing = False  # the log says so once, until a batch is handled

    def put(self, given: Given) -> Made:
        """The result for what is given, once its batch is handled. Raises NotHandled when it is not, or not in time.

        While a batch takes longer than a request may wait, nobody waits for the next: it is handled in its turn, for
        nobody.
        """
        mine: Brought[Given, Made] = Brought(given)
        if self._waiting.qsize() >= MOST_WAITING:
            raise NotHandled
        self._waiting.put(mine)
        if self._thread is None or not self._thread.is_alive():  # a process that was forked has no thread
            self._start()
        if time.monotonic() - self._busy_since > PATIENCE_SECONDS or not mine.over.acquire(timeout=PATIENCE_SECONDS):
            raise NotHandled
        return mine.result()

    def _start(self) -> None:
        with self._starts:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="batches", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._first()]
            try:
                while len(batch) < MOST_AT_ONCE:
                    batch.append(self._waiting.get_nowait())
            except Empty:
                pass
            self._busy_since = time.monotonic()
            self._handle_all(batch)
            self._busy_since = float("inf")

    def _first(self) -> "Brought[Given, Made]":
        try:
            return self._waiting.get(timeout=REST_SECONDS)
        except Empty:
            self._rest()
            return self._waiting.get()

    def _handle_all(self, batch: "Sequence[Brought[Given, Made]]") -> None:
        try:
            for brought, made in zip(batch, self._handle([brought.given for brought in batch]), strict=True):
                brought.made = (made,)
            self._is_failing = False
        except NO_ANSWER as error:
            if not self._is_failing:
                said = "%s %s, nor may those that follow: %s"
                logger.warning(said, len(batch), self._what, told(error), extra={"event": "batch_unhandled"})
            self._is_failing = True
        except Exception:  # the reader gets the pixel or the link even when we fail
            logger.exception("%s %s", len(batch), self._what, extra={"event": "batch_failed"})
        finally:
            for brought in batch:
                brought.over.release()


class Brought(Generic[Given, Made]):
    """What one request brings, and the lock it waits at for what is made of it."""

    __slots__ = ("given", "made", "over")

    def __init__(self, given: Given) -> None:
        self.given, self.over = given, threading.Lock()
        self.made: tuple[Made] | None = None
        self.over.acquire()

    def result(self) -> Made:
        """What was made of it. Raises NotHandled when that failed."""
        if self.made is None:
            raise NotHandled
        return self.made[0]


GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
# Leaves what a mail program appended to the address, which `Keys.read` handles.
PICTURE = re.compile(r"\.gif(?=(?:[.>=]|%3E|&amp;)?\Z)", re.IGNORECASE)
ALONE = [("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex")]
MOST_KNOWN = 10_000
LOOK_SECONDS, MOST_GROUPS = 5.0, 1_000
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class HitAnswer(NamedTuple):
    """A response: its status, headers and body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes = b""


class Lead(NamedTuple):
    """A genuine address: whom its token names, the link (0: the pixel); what it leads to and the answer, or None while
    they are not known.
    """

    identity: bytes
    link: int
    target: Target | None
    answer: HitAnswer | None


class SeenRequest(NamedTuple):
    """A hit as it came."""

    identity: bytes
    target: Target | None
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
        self._readers, self._programs, self._salt = Readers(), Programs(), secrets.token_hex(32)
        self._links: tracking.Links = {}
        self._newest, self._looked_at = 0, float("-inf")  # the last group that is known, and when it was looked for
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
        if lead is None and (lead := self._lead(path, is_opening=is_opening)) is None:
            return _answer(start, self._answers.picture, is_head=is_head) if is_opening else self.pages(environ, start)
        try:
            target = self._count(environ, lead, is_head=is_head)
        except NotHandled:
            return _answer(start, lead.answer or self._answers.unavailable, is_head=is_head)
        answer = lead.answer or self._answer_of(target, lead.link)
        return self.pages(environ, start) if answer is None else _answer(start, answer, is_head=is_head)

    def _lead(self, path: str, *, is_opening: bool) -> Lead | None:
        """Where an address leads, or None when it is not ours."""
        text, kind = (PICTURE.sub("", path[3:]), TokenKind.OPEN) if is_opening else (path[3:], TokenKind.CLICK)
        token = self.keys.read(text, kind)
        if token is None:
            return None
        target = self._known.get(token.id)
        answer = self._answers.picture if is_opening else self._answer_of(target, token.link)
        lead = Lead(token.id, token.link, target, answer)
        if target and answer and len(text) + 3 + 4 * is_opening == len(path) and text.islower():  # as we write it
            self._leads.put(path, lead)
        return lead

    def _answer_of(self, target: Target | None, link: int) -> HitAnswer | None:
        """Where a link leads, or None where there is none."""
        return self._answers.redirect(target.links[link]) if target and link in target.links else None

    def _count(self, environ: WSGIEnvironment, lead: Lead, *, is_head: bool) -> Target | None:
        """Store a hit; returns what its token leads to, as far as that is known. Raises NotHandled when it is not
        stored, or not in time: then it is not counted.
        """
        agent = self._programs.kind(environ.get("HTTP_USER_AGENT", ""))
        signals = Signals(lead.link, self.clock(), agent, is_head)
        reader = None if lead.link == OPENING else self._reader(environ)
        return self._storing.put(SeenRequest(lead.identity, lead.target, signals, reader))

    def _reader(self, environ: WSGIEnvironment) -> int:
        """A keyed hash of network address and User-Agent: the same for the same program at the same place.

        Its keys (ours, and that of Python's hashes) are random and live as long as this process, so that it identifies
        nobody afterwards.
        """
        return hash((self._salt, client_of(environ, self._proxies), environ.get("HTTP_USER_AGENT")))

    def _store(self, batch: Sequence[SeenRequest]) -> Sequence[Target | None]:
        """Store hits, in the one thread that does: the memory of readers needs no lock. Returns their targets.

        Those of groups are judged and counted, all others appended. A click on no link of ours is not stored.
        """
        classified: list[ClassifiedHit] = []
        others = []
        try:
            with self._kept.writing(self.database) as connection:
                missing = [seen for seen in batch if seen.target is None]
                found = self._found(connection, missing) if missing else {}
                targets = [seen.target or found.get(seen.identity) for seen in batch]
                for seen, target in zip(batch, targets, strict=True):
                    link = seen.signals.link
                    if link != OPENING and (target is None or link not in target.links):
                        continue
                    if target is not None and target.tracker is not None:
                        self._judge(seen, target.tracker, classified)
                    else:
                        others.append(Arrival(seen.identity.hex(), seen.signals))
                tracking.count_hits(connection, classified)
                tracking.append_hits(connection, others)
        except BaseException:
            for seen in batch:
                self._readers.forget(seen.reader)
            raise
        return targets

    def _judge(self, seen: SeenRequest, tracker: int, classified: list[ClassifiedHit]) -> None:
        """Note a hit of a group, and those before it of which it changes the class."""
        hit_class, unmasked = self._readers.meet(seen.reader, seen.signals, tracker)
        classified.append(ClassifiedHit(tracker, seen.signals, hit_class))
        for met in unmasked:
            classified.append(ClassifiedHit(met.where, met.signals, met.thought, -1))
            classified.append(ClassifiedHit(met.where, met.signals, HitClass.MACHINE))

    def _found(self, connection: tracking.Writer, missing: Sequence[SeenRequest]) -> dict[bytes, Target]:
        """What the tokens of hits lead to, of those that are known by now. It never changes, so it is remembered.

        A click is looked up, as it leads on. An opening is not: now and then, all new groups are; the pixel of one that
        is not among them counts all the same, by the clock.
        """
        known = {seen.identity: self._known.get(seen.identity) for seen in missing}
        found = {identity: target for identity, target in known.items() if target is not None}
        clicked = {seen.identity for seen in missing if seen.signals.link != OPENING} - found.keys()
        new = tracking.targets_of(connection, clicked, self._links) if clicked else {}
        now = time.monotonic()
        if len(found) + len(clicked) < len(known) and now - self._looked_at > LOOK_SECONDS:
            groups = tracking.latest_trackers(connection, self._newest, MOST_GROUPS, self._links)
            self._newest = max((target.tracker or 0 for target in groups.values()), default=self._newest)
            self._looked_at, new = now, {**new, **groups}
        for identity, target in new.items():
            self._known.put(identity, target)
        return {**found, **new}


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
