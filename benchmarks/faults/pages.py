"""The fault `pages`: PostgreSQL is stopped, then frozen, under staff who are signed in; what they and the log see.

Every request is noted with its status and its time. A page is in French when it has our sentence; a 503 without it, and
any other error, breaks the promise.
"""

import contextlib
import http.client
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.web import Ground, database_of
from outreach.access import accounts
from outreach.core.text.roles import RoleName
from outreach.operations.demo import people
from outreach.web.app import create_app
from outreach.web.sign_in.sessions import KEY

STAFF, DOWN_SECONDS, CALM_SECONDS, RESUME_SECONDS = 16, 20.0, 5.0, 30.0
LONGEST_SECONDS = 8.0
ADDRESSES = ("/", "/campaigns", "/directory", "/situation", "/responses", "/nowhere", "/healthz")
SENTENCE = "Le service ne peut pas répondre pour l’instant".encode()
COOKIE = "outreach"


@dataclass(frozen=True)
class Visit:
    """One answer: when it was asked for, how long it took, its status (0: none), whether it is what it should be."""

    at: float
    seconds: float
    status: int
    is_ours: bool


class Staff:
    """People who open pages one after the other, in the session of one of them, and look at a picture in between."""

    def __init__(self, ground: Ground, many: int) -> None:
        self.visits: list[Visit] = []
        self._ground, self._cookie, self._is_over = ground, _signed_in(ground), threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(many)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(40)

    def _read(self, number: int) -> None:
        turn = number
        while not self._is_over.is_set():
            turn += 1
            self.visits.append(self._visit(ADDRESSES[turn % len(ADDRESSES)]))
            time.sleep(0.05)

    def _visit(self, address: str) -> Visit:
        connection = http.client.HTTPConnection("127.0.0.1", self._ground.port, timeout=30)
        at, status, is_ours = time.monotonic(), 0, False
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", address, headers={"Cookie": self._cookie})
            answer = connection.getresponse()
            body, status = answer.read(), answer.status
            expected = b'"unavailable"' if address == "/healthz" else SENTENCE
            is_ours = expected in body if status == 503 else status in {200, 404}
        return Visit(at, time.monotonic() - at, status, is_ours)


def tried(down: float = DOWN_SECONDS, many: int = STAFF) -> dict[str, object]:
    """Stop the server for `down` seconds, start it, freeze it, let it go on, under so `many` people who open pages.

    Returns what was seen of each of the two faults.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="outreach-chaos-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url, server = stack.enter_context(database_of("postgresql", folder, durable=False))
        ground = Ground(url, folder, recipients=200)
        stack.callback(ground.stop)
        ground.start()
        threads = Threads(ground)
        stack.callback(threads.stop)
        readers = Staff(ground, many)
        stack.callback(readers.stop)
        found: dict[str, object] = {}
        for name, begin, end in (("stopped", server.halt, server.start), ("frozen", server.freeze, server.thaw)):
            time.sleep(CALM_SECONDS)
            found |= _during(name, begin, end, ground, readers, threads, down)
        return found


def _during(
    name: str,
    begin: Callable[[], None],
    end: Callable[[], None],
    ground: Ground,
    readers: Staff,
    threads: "Threads",
    down: float,
) -> dict[str, object]:
    log = ground.folder / "web.log"
    lines, since = _lines(log), time.monotonic()
    threads.most = 0
    begin()
    try:
        time.sleep(down)
    finally:
        end()
    back = time.monotonic()
    time.sleep(CALM_SECONDS)
    visits = [visit for visit in readers.visits if since <= visit.at < back]
    later = [visit.at for visit in readers.visits if visit.at >= back and visit.status == 200]
    failed = [visit.at + visit.seconds for visit in readers.visits if visit.at >= back and visit.status == 503]
    told = _lines(log)[len(lines) :]
    statuses = Counter(visit.status for visit in visits)
    slowest = max(visit.seconds for visit in visits)
    return {
        f"{name}_statuses": dict(sorted(statuses.items())),
        f"{name}_slowest_s": round(slowest, 2),
        f"{name}_waited_over_1_s": sum(visit.seconds > 1 for visit in visits),
        f"{name}_log_lines": len(told),
        f"{name}_log": [line[:90] for line in told[:6]],
        f"{name}_threads": threads.most,
        f"{name}_resumed_within_s": round(max([min(later, default=back + RESUME_SECONDS), *failed]) - back, 1),
        f"{name}_not_ours": sum(not visit.is_ours for visit in visits),
        f"{name}_too_slow": sum(visit.seconds > LONGEST_SECONDS for visit in visits),
    }


class Threads:
    """The most threads that a web process has had, looked at ten times a second."""

    def __init__(self, ground: Ground) -> None:
        self.most, self._ground, self._is_over = 0, ground, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join(10)

    def _look(self) -> None:
        while not self._is_over.wait(0.1):
            with contextlib.suppress(OSError):
                counts = [len(list(Path(f"/proc/{process}/task").iterdir())) for process in self._ground.serving()]
                self.most = max(self.most, *counts)


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()


def _signed_in(ground: Ground) -> str:
    """The cookie of an administrator who is signed in, by a session that did not pass the form."""
    client = create_app(ground.settings, ground.database).test_client()
    with ground.database.writing() as session:
        person = accounts.user_named(session, people.person_for(RoleName.ADMINISTRATOR).email)
        key = accounts.begin_session(session, person.id, "a drill", now=ground.settings.instant())
        signed_in = {"_user_id": person.fs_uniquifier, "_fresh": True, KEY: key}
    with client.session_transaction() as session_cookie:
        session_cookie.update(signed_in)
    cookie = client.get_cookie(COOKIE)
    if cookie is None or client.get("/").status_code != 200:
        raise RuntimeError("nobody is signed in")
    return f"{COOKIE}={cookie.value}"
