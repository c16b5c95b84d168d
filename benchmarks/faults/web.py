"""The fault `web`: web processes are killed under load, then the database is stopped; no answered hit may be lost.

A clock that moves hits is killed each time, too, while it moves. Every request is noted before it is sent, with what
became of it. At the end the rows are compared with the notes, by letter or group and by link. What was answered while
the database was stopped is counted apart: a picture is a picture and a known link leads on, whether the hit is stored
or not.
"""

import contextlib
import http.client
import itertools
import random
import shutil
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import moving
from benchmarks.web import Ground, database_of
from outreach.core.db import Database
from outreach.delivery.models import Message
from outreach.engagement.tracking import Hit
from outreach.engagement.tracking._models import HitCount, NewHit, Tracker
from tests.servers.postgresql import Server

READERS, RECIPIENTS, ALONE, LINKS = 8, 2000, 1900, 40
DOWN_SECONDS, RESUME_SECONDS = 20.0, 60.0
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
Key = tuple[bytes, int]  # whom a token names, and the link


@dataclass(frozen=True)
class Asked:
    """A request: what for, when it was sent, when it was answered, and whether with 2xx or 3xx."""

    key: Key
    began: float
    ended: float
    is_answered: bool


class Load:
    """Readers who open letters and follow links as fast as they are answered, and note everything."""

    def __init__(self, ground: Ground, chance: random.Random) -> None:
        self.asked: list[Asked] = []
        self.answered = 0
        self._ground, self._is_over = ground, threading.Event()
        letters = ground.letters
        numbers = [0, *letters.links]
        of_groups = list(itertools.product(letters.groups, numbers))
        of_letters = list(itertools.product(letters.alone, numbers))  # each is asked for once, as long as there are
        chance.shuffle(of_groups)
        chance.shuffle(of_letters)
        both = zip(itertools.cycle(of_groups), itertools.cycle(of_letters), strict=False)
        self._keys, self._lock = itertools.chain.from_iterable(both), threading.Lock()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(READERS)]
        for thread in self._threads:
            thread.start()

    def let_pass(self, count: int, seconds: float = RESUME_SECONDS) -> None:
        """Wait until so many more requests are answered. Raises RuntimeError when they are not in time."""
        wanted, end = self.answered + count, time.monotonic() + seconds
        while self.answered < wanted:
            if time.monotonic() > end:
                raise RuntimeError("the web process does not answer")
            time.sleep(0.005)

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)

    def _read(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._ground.port, timeout=30)
        visits = 0
        while not self._is_over.is_set():
            with self._lock:
                identity, link = next(self._keys)
            letters, visits = self._ground.letters, visits + 1
            path = letters.link(identity, link) if link else letters.pixel(identity)
            headers = {"User-Agent": BROWSER, "X-Forwarded-For": f"10.0.{number}.{visits // 5 % 256}"}
            began, status = time.monotonic(), 0
            try:
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.02)
            is_answered = 200 <= status < 400
            with self._lock:
                self.asked.append(Asked((identity, link), began, time.monotonic(), is_answered))
                self.answered += is_answered
        connection.close()


def tried(
    database: str, times: int, chance: random.Random, *, down: float = DOWN_SECONDS, durable: bool = True
) -> dict[str, object]:
    """Kill a web process so many times under load, stop its database once, and compare; returns the comparison."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="outreach-chaos-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url, server = stack.enter_context(database_of(database, folder, durable=durable))
        ground = Ground(url, folder, recipients=RECIPIENTS, alone=ALONE, links=LINKS)
        stack.callback(ground.stop)
        ground.start()
        load = Load(ground, chance)
        stack.callback(load.stop)
        clock = Clock(ground.database)
        stack.callback(clock.stop)
        for _ in range(times):
            load.let_pass(chance.randint(20, 600))
            clock.kill()
            ground.kill()
        load.let_pass(200)
        stopped = time.monotonic()
        with _stopped(ground.database, server):
            time.sleep(down)
        back = time.monotonic()
        resumed = _stores_again(ground) - back
        load.let_pass(200)
        load.stop()
        ground.stop()
        clock.stop()
        while_moving = _waiting(ground.database)
        moving.move(ground.database, RESUME_SECONDS)
        compared = _compared(ground.database, load.asked, (stopped, back + resumed))
        moved = {"left_to_move": while_moving, "unmoved": _waiting(ground.database)}
        return {"kills": times, **compared, **moved, "resumed_within_s": round(resumed, 1)}


class Clock:
    """A process that moves hits all the time, and can be killed as it does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._process = moving.started(database, every=0.05)

    def kill(self) -> None:
        """Kill it with SIGKILL, and start another one."""
        self.stop()
        self._process = moving.started(self._database, every=0.05)

    def stop(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait(10)


def _waiting(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(NewHit)) or 0


@contextlib.contextmanager
def _stopped(database: Database, server: Server | None) -> Iterator[None]:
    """PostgreSQL halted at once, and started again; SQLite's file locked."""
    if server is None:
        file = str(database.engine.url.database)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=60)) as somebody:
            somebody.execute("BEGIN EXCLUSIVE")
            yield
        return
    server.halt()
    try:
        yield
    finally:
        server.start()
        database.dispose()


def _stores_again(ground: Ground) -> float:
    """The moment at which hits are stored again. Raises RuntimeError when none is in time."""
    end, before = time.monotonic() + RESUME_SECONDS, ground.stored()
    while ground.stored() <= before:
        if time.monotonic() > end:
            raise RuntimeError("no hit is stored again")
        time.sleep(0.05)
    return time.monotonic()


def _compared(database: Database, asked: list[Asked], outage: tuple[float, float]) -> dict[str, object]:
    """The comparison of the rows with the notes."""
    stored, (since, until) = _stored(database), outage
    every = Counter(request.key for request in asked)
    apart = [request for request in asked if request.is_answered and request.began < until and request.ended > since]
    answered = Counter(request.key for request in asked if request.is_answered)
    owed = answered - Counter(request.key for request in apart)
    return {
        "answered": answered.total(),
        "stored": stored.total(),
        "without_database": len(apart),
        "lost": (owed - stored).total(),
        "duplicated": (stored - every).total(),
    }


def _stored(database: Database) -> Counter[Key]:
    """How many hits the rows hold, by what the tokens name and by link."""
    counted = select(Tracker.public_id, HitCount.link, func.sum(HitCount.count)).join(HitCount)
    kept = select(Message.public_id, Hit.link, func.count()).join(Hit, Hit.message_id == Message.id)
    stored: Counter[Key] = Counter()
    with database.reading() as session:
        for query, columns in (
            (counted, (Tracker.public_id, HitCount.link)),
            (kept, (Message.public_id, Hit.link)),
        ):
            for name, link, count in session.execute(query.group_by(*columns)):
                stored[bytes.fromhex(name), link] += int(count)
    return stored
