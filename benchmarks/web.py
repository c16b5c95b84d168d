"""The ground of what measures or breaks a web process: a database with measured letters, and a server of its own."""

import contextlib
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select, text, update

from outreach.campaigns import waves
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.cli.preparation import prepare
from outreach.cli.running.web import granian, place_of_pages
from outreach.core.db import Database
from outreach.core.settings import ROOT, Settings, read
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message
from outreach.directory.models import Authority, Contact, Network
from outreach.engagement.tracking import Hit, TrackingBasis, TrackingMode
from outreach.engagement.tracking._models import BasisKind, HitCount, NewHit, TrackedLink, Tracker
from tests import factories
from tests.machine import free_port, serving
from tests.servers.postgresql import Server

GROUPS = 3  # networks, each with a pixel and links of its own
START_SECONDS = 60


@dataclass(frozen=True)
class Letters:
    """What the tokens of a launched wave name: its groups, the letters that are measured alone, the links' numbers."""

    keys: Keys
    groups: list[bytes]
    alone: list[bytes]
    links: list[int]

    def pixel(self, identity: bytes) -> str:
        """The path of a pixel."""
        return f"/o/{self.keys.make(TokenKind.OPEN, identity)}.gif"

    def link(self, identity: bytes, number: int) -> str:
        """The path of a link."""
        return f"/c/{self.keys.make(TokenKind.CLICK, identity, number)}"


class Ground:
    """A database with measured letters, and the web processes of granian, which can be killed one by one."""

    def __init__(
        self, url: str, folder: Path, *, recipients: int, alone: int = 0, links: int = 3, processes: int = 2
    ) -> None:
        self.folder, self.port = folder, free_port()
        self.environment = {
            **os.environ,
            "MALLOC_ARENA_MAX": "2",  # as `./run web` has it
            "OUTREACH_DATA": str(folder / "data"),
            "OUTREACH_DATABASE_URL": url,
            "OUTREACH_BIND": f"127.0.0.1:{self.port}",
        }
        self.settings, self._processes = read(self.environment), processes
        self.database = Database(url)
        prepare(self.database)
        self.letters = _launched(self.database, self.settings, recipients, alone, links)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the web processes, and return once all of them serve."""
        with (self.folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                granian(place_of_pages(self.settings), self._processes),
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_for_all(())

    def kill(self) -> None:
        """Kill the oldest web process with SIGKILL, and return once another one serves in its place."""
        before = self.serving()
        os.kill(before[0], signal.SIGKILL)
        self._wait_for_all(before[:1])

    def stop(self) -> None:
        """Stop the web processes in order, and close the database."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        self.database.dispose()

    def serving(self) -> list[int]:
        """The web processes that serve, the oldest first."""
        return serving(self.process.pid)

    def answers(self) -> bool:
        """Whether a web process answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/o/x.gif")
            return connection.getresponse().status == 200
        return False

    def _wait_for_all(self, gone: Sequence[int]) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            there = [] if self.process.poll() is not None else self.serving()
            if len(there) == self._processes and not set(there) & set(gone) and self.answers():
                return
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "web.log").read_text())
            time.sleep(0.02)

    def stored(self) -> int:
        """How many openings and clicks the database holds."""
        with self.database.reading() as session:
            counted = session.scalar(select(func.sum(HitCount.count))) or 0
            single = (session.scalar(select(func.count()).select_from(table)) or 0 for table in (Hit, NewHit))
            return int(counted) + sum(single)


@contextlib.contextmanager
def database_of(kind: str, folder: Path, *, durable: bool = True) -> Iterator[tuple[str, Server | None]]:
    """The URL of a new, empty database, and its server on PostgreSQL."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}", None
        return
    server = Server(durable=durable)
    try:
        yield server.url(), server
    finally:
        server.stop()


def _launched(database: Database, settings: Settings, recipients: int, alone: int, links: int) -> Letters:
    """Launch a wave to so many authorities, of which the mailboxes of some are measured alone."""
    now = datetime.now(UTC)
    factories.gather(database, recipients, now=now)
    with database.writing() as session:
        networks = session.scalars(select(Network.id).order_by(Network.position).limit(GROUPS)).all()
        for rest, network in enumerate(networks):
            session.execute(update(Authority).where(Authority.id % GROUPS == rest).values(network_id=network))
        contacts = session.scalars(select(Contact.id).order_by(Contact.id).limit(alone)).all()
        decided = {"kind": BasisKind.DECISION, "given_by": "DPO", "reference": "DPO 1", "taken_on": now.date()}
        recorded = {"recorded_at": now, "recorded_by": factories.AUTHOR}
        if contacts:
            session.execute(insert(TrackingBasis), [{"contact_id": key, **decided, **recorded} for key in contacts])
    written = factories.invitation().letter + "".join(
        f"\n\n[Page {number}](https://programme.example/{number})" for number in range(1, links + 1)
    )
    campaign = factories.plan(
        database, now + timedelta(minutes=1), now=now, tracking=TrackingMode.INDIVIDUAL, letter=written
    )
    with database.reading() as session:
        (wave,) = session.get_one(Campaign, campaign).waves
    sending, is_left = SenderIdentity.of(settings), True
    while is_left:
        with database.writing() as session:
            is_left = waves.advance_wave(session, wave.id, sending, now=now + timedelta(minutes=2))
    with database.reading() as session:
        groups = session.scalars(select(Tracker.public_id).order_by(Tracker.id)).all()
        measured = select(Message.public_id).join(Contact, Contact.address_key == Message.address_key)
        measured = measured.join(TrackingBasis, TrackingBasis.contact_id == Contact.id).order_by(Message.id)
        letters = session.scalars(measured).all()
        numbers = session.scalars(select(TrackedLink.number).order_by(TrackedLink.number)).all()
    if database.engine.dialect.name == "postgresql":
        with database.writing() as session:
            # As the server does by itself, within a minute. It does so with no table that is still empty.
            session.execute(text("ANALYZE messages, contacts, tracking_bases, trackers, tracked_links"))
    keys = Keys(settings.signing_keys)
    return Letters(keys, list(map(bytes.fromhex, groups)), list(map(bytes.fromhex, letters)), list(numbers))
