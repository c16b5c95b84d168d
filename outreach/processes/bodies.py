"""What a request carries beside its headers, a form or a file, read as a whole before a page sees it.

granian reads in the thread that asks, and waits there for as long as the browser takes. So few threads may wait, fewer
for one client, and each only for a time.

Answers, sign-ins and one-click unsubscriptions are short, and RFC 8058 obliges nobody to send the latter again. So
short bodies have places of their own, and wait for one where long ones are refused. Nobody knows whether a body has
come before it is read: one that is there takes microseconds, one that is not holds its place for seconds only.
"""

import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import ExitStack
from typing import IO, Protocol
from wsgiref.types import WSGIEnvironment

from outreach.settings.model import LOOPBACK
from outreach.web.client import Proxies, client_of

BODY_THREADS = 12  # that may wait in a process for what browsers have yet to send
CLIENT_THREADS = 4  # of them, those that may wait for one client
BODY_SECONDS = 30.0  # in which a body has to arrive
SHORT_BYTES = 4096  # that a body states at most to be a short one
SHORT_THREADS = 16  # that may wait in a process for short bodies which have yet to come, CLIENT_THREADS for one client
SHORT_SECONDS = 3.0  # in which a short body has to arrive, the wait for its place included
LEAST_SECONDS = 0.5  # to read one that waited longer: it lies on this machine by then, or does not come
SHORT_WAITING = 384  # threads that wait for a place: they take little, as pages have threads of their own
CLIENT_WAITING = 256  # of them, those of one client
BODY_BYTES = 17_000_000  # of which as much is read; pages refuse less than that
MEMORY_BYTES = 1_000_000  # of a body; a longer one is kept in a file without a name
PIECE_BYTES = 65_536
LINGER_SECONDS = 0.5  # from a late answer to the end of its connection
HTML = "<!doctype html>\n<html lang=fr><meta charset=utf-8><title>{title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n"
NO_ROOM = HTML.format(
    title="Trop de demandes à la fois", text="Rien n’a été enregistré. Réessayez dans quelques secondes."
).encode()
TOO_LATE = HTML.format(
    title="La demande n’est pas arrivée en entier",
    text="Rien n’a été enregistré. Vérifiez la connexion, puis réessayez.",
).encode()
BROKEN = HTML.format(title="Erreur du service", text="Rien n’a été enregistré. Réessayez plus tard.").encode()
PAGE = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")]


class Exchange(Protocol):
    """What granian answers a request by."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer."""

    def response_iter(self, status: int, headers: list[tuple[str, str]], body: "Unended") -> None:
        """Send an answer piece by piece; the thread waits meanwhile."""


class Unended:
    """An answer that ends one byte before the length that it states, which makes granian close the connection.

    Nothing else ends a read that waits for a browser. What was said has long been sent by then.
    """

    def __init__(self, said: bytes, headers: Sequence[tuple[str, str]] = PAGE) -> None:
        self.said, self.left, self._headers = said, [said], headers

    def headers(self) -> list[tuple[str, str]]:
        """The headers that state the length."""
        return [*self._headers, ("Content-Length", str(len(self.said) + 1)), ("Connection", "close")]

    def __next__(self) -> bytes:
        """The whole, then nothing."""
        if self.left:
            return self.left.pop()
        time.sleep(LINGER_SECONDS)
        raise StopIteration

    def close(self) -> None:
        """WSGI wants it."""


class Places:
    """Places in which bodies of one kind are read. Who finds none waits, as far as so many may, or is refused.

    Clients take turns, so that a crowd of one delays no other.
    """

    def __init__(self, room: int, seconds: float, *, waiting: int = 0, waiting_of_one: int = 0) -> None:
        self.room, self.seconds = room, seconds
        self._most, self._most_of_one = waiting, waiting_of_one
        self._held, self._lock = Counter[str](), threading.Lock()
        self._waiting = dict[str, deque[threading.Event]]()  # the client whose turn comes next is the first

    def enter(self, client: str) -> bool:
        """Take a place, or wait for one; False where too many wait already, or too many of the same client."""
        with self._lock:
            if self._has_place(client):
                self._held[client] += 1
                return True
            own = self._waiting.get(client, deque())
            if sum(map(len, self._waiting.values())) >= self._most or len(own) >= self._most_of_one:
                return False
            turn = threading.Event()
            own.append(turn)
            self._waiting[client] = own
        turn.wait()
        return True

    def leave(self, client: str) -> None:
        """Give the place to the next one who waits."""
        with self._lock:
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]
            following = next(filter(self._has_place, self._waiting), None)
            if following is not None:
                own = self._waiting.pop(following)
                self._held[following] += 1
                own.popleft().set()
                if own:
                    self._waiting[following] = own  # behind the others

    def _has_place(self, client: str) -> bool:
        return self._held.total() < self.room and self._held[client] < CLIENT_THREADS


class Bodies:
    """Reads bodies, for a process."""

    def __init__(
        self,
        long: Places | None = None,
        short: Places | None = None,
        headers: Sequence[tuple[str, str]] = (),
        proxies: Proxies = LOOPBACK,
    ) -> None:
        self.long = long or Places(BODY_THREADS, BODY_SECONDS)
        self.short = short or Places(SHORT_THREADS, SHORT_SECONDS, waiting=SHORT_WAITING, waiting_of_one=CLIENT_WAITING)
        self.page = [*PAGE, *headers]  # of each refusal
        self.proxies = proxies  # that are believed about who asks them

    def read(self, exchange: Exchange, environ: WSGIEnvironment) -> IO[bytes] | None:
        """The whole body, to be read from its start and closed; None after a refusal, which is answered here.

        - 503 where too many bodies are still coming, or too many of the same client;
        - 408 where the body has not come within the time, and the connection is closed;
        - 400 where the browser went away in the middle, for granian, which would note that it got no answer.

        Of a body beyond BODY_BYTES at most that is read: the page refuses it.
        """
        kept = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115 - closed below, or where it is read
        with ExitStack() as unless_whole:
            unless_whole.callback(kept.close)
            if not self._has_come(exchange, environ, kept):
                return None
            unless_whole.pop_all()
            return kept

    def _has_come(self, exchange: Exchange, environ: WSGIEnvironment, kept: IO[bytes]) -> bool:
        client, places = client_of(environ, self.proxies), self.short if is_short(environ) else self.long
        start = time.monotonic()
        if not places.enter(client):
            exchange.response_bytes(503, [*self.page, ("Retry-After", "5")], NO_ROOM)
            return False
        late = _Late(exchange, self.page)
        timer = threading.Timer(max(places.seconds - (time.monotonic() - start), LEAST_SECONDS), late.answer)
        timer.daemon = True
        try:
            timer.start()  # a machine short of threads refuses one
            is_whole = _copy(environ, kept)
        finally:
            timer.cancel()
            places.leave(client)
        if not late.never():
            return False
        if not is_whole:
            exchange.response_bytes(400, self.page, b"")
        kept.seek(0)
        return is_whole


class _Late:
    """Whether a body came too late: either `answer` or `never` is first, and the other does nothing."""

    def __init__(self, exchange: Exchange, headers: Sequence[tuple[str, str]]) -> None:
        self._exchange, self._headers, self._decided = exchange, headers, threading.Lock()

    def answer(self) -> None:
        """Answer that it did, and close the connection."""
        if self._decided.acquire(blocking=False):
            page = Unended(TOO_LATE, self._headers)
            self._exchange.response_iter(408, page.headers(), page)

    def never(self) -> bool:
        """Whether it did not, and will not any more."""
        return self._decided.acquire(blocking=False)


def _copy(environ: WSGIEnvironment, kept: IO[bytes]) -> bool:
    """Copy the body; whether it has the length that was stated."""
    stated = _stated(environ)
    if stated is not None and stated > BODY_BYTES:
        return True
    left = BODY_BYTES if stated is None else stated
    while left and (piece := environ["wsgi.input"].read(min(left, PIECE_BYTES))):
        kept.write(piece)
        left -= len(piece)
    return stated is None or not left


def has_body(environ: WSGIEnvironment) -> bool:
    """Whether anything comes after the headers."""
    return environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ


def is_short(environ: WSGIEnvironment) -> bool:
    """Whether the request states that it has a body, and a short one."""
    return "HTTP_TRANSFER_ENCODING" not in environ and 0 < (_stated(environ) or 0) <= SHORT_BYTES


def _stated(environ: WSGIEnvironment) -> int | None:
    """The length that is stated, in digits only: granian refuses others. Python reads no more than 4,300 of them."""
    written = environ.get("CONTENT_LENGTH")
    return int(written.lstrip("0") or 0) if written else None
