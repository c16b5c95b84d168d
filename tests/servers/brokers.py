"""A real broker for the tests, from Debian's package, on a port of its own."""

import shutil
import subprocess

from tests.machine import free_port, wait_for_port
from tests.needed import refuse


class Redis:
    """A Redis that stores nothing on disk: after `kill` and `start`, it has lost all its data."""

    missing = "" if shutil.which("redis-server") else "redis-server is missing"

    def __init__(self):
        self.port = free_port()
        self.url = f"redis://:s3cret@127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "s3cret"]
        self.process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        _until_it_listens(self)

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    stop = kill


def _until_it_listens(broker):
    """One that does not begin leaves nothing behind, not even a process."""
    try:
        wait_for_port(broker.port, 120)
    except BaseException:
        broker.stop()
        raise


def running(kind):
    """For a fixture: start a broker of this kind, yield it, then stop it.

    Without its package the test is skipped, or fails when OUTREACH_REQUIRE_ALL is set."""
    if kind.missing:
        refuse(kind.missing)
    started = kind()
    yield started
    started.stop()
