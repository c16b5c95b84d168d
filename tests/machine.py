"""Ports of this machine and processes on it, for tests and benchmarks that start servers."""

import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path


def free_port():
    """A port that nobody uses now, for a server that begins later.

    It lies below those that the system gives to connections: one of these might take it before the server does.
    """
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    while True:
        port = secrets.choice(range(first // 2, first))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for_port(port, seconds=40):
    """Wait until something listens there. Raises RuntimeError when nothing does within these seconds."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() >= end:
                raise RuntimeError(f"nothing listens on port {port}") from None
            time.sleep(0.05)
        else:
            return


def children_of(process):
    """The numbers of the processes that a process started and that are there, the oldest first."""
    return [int(number) for number in _read(f"/proc/{process}/task/{process}/children").split()]


def descendants_of(process):
    """The numbers of the processes that a process started, and of those that these started."""
    return [number for child in children_of(process) for number in (child, *descendants_of(child))]


def state_of(process):
    """The letter of a process's state (proc_pid_stat(5)): S of one that sleeps; '' of one that is gone or a zombie."""
    state = _read(f"/proc/{process}/stat").rpartition(")")[2].strip()[:1]
    return "" if state == "Z" else state


def serving(process):
    """Of a process and those below it, granian's that serve: a thread of theirs waits for connections."""
    comms = {
        number: {_read(task) for task in Path("/proc").glob(f"{number}/task/*/comm")}
        for number in (process, *descendants_of(process))
    }
    return [number for number, names in comms.items() if "tokio-rt-worker\n" in names]


def _read(path):
    """A file of /proc, and nothing where the process or thread ended between the listing and this."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""
