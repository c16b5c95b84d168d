"""`web`: serve the pages, by several processes; and how a command becomes what supervises them."""

import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from typing import NoReturn

import click

from outreach.cli.context import Operation, pass_operation
from outreach.errors import Refused
from outreach.french import typeset
from outreach.processes.supervisor import WAITING, Plan
from outreach.settings import Settings


@click.command()
@pass_operation
def web(operation: Operation) -> None:
    """Sert les pages, et rien d’autre, jusqu’à un signal d’arrêt ; SIGHUP les recharge sans perdre une requête."""
    refuse_if_taken(operation.settings)
    operation.database.dispose()
    supervise(operation, ready=typeset(f"{address_line(operation.settings)}\n"))


def address_line(settings: Settings) -> str:
    """Where the pages are, for the terminal."""
    return f"  Adresse       {settings.address}"


def refuse_if_taken(settings: Settings) -> None:
    """Raises Refused when something listens at the address of the pages already, or it cannot be opened."""
    bound(settings).close()


def bound(settings: Settings, *, shared: bool = False) -> socket.socket:
    """A socket at the address of the pages, beside others where `shared`. Raises Refused when it cannot be opened."""
    host, _, port = settings.bind.rpartition(":")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections that are taken inherit it
        listener.bind(address)
    except OSError as error:
        raise Refused(
            f"L’adresse {settings.bind} ne peut pas être ouverte ({error.strerror}) : arrêtez ce qui y répond, "
            "ou choisissez OUTREACH_BIND."
        ) from None
    return listener


def supervise(operation: Operation, others: Sequence[list[str]] = (), ready: str = "") -> NoReturn:
    """Become the supervisor of the web processes and of others; it never returns.

    The program is replaced by a small one: this one has loaded everything, and would hold it for months.
    """
    listening = [bound(operation.settings, shared=True) for _ in range(operation.settings.web_processes)]
    for listener in listening:
        listener.listen(WAITING)
        listener.set_inheritable(True)
    command = [sys.executable, "-m", "outreach.processes.web"]
    plan = Plan([listener.fileno() for listener in listening], command, list(others), ready)
    with tempfile.TemporaryFile() as file:
        file.write(plan.to_json().encode())
        file.seek(0)
        os.dup2(file.fileno(), 0)
    # With --now, every process gets the same clock offset.
    moved = {"OUTREACH_CLOCK_OFFSET": str(operation.settings.clock_offset)} if operation.shown else {}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "outreach.processes.supervisor"], {**os.environ, **moved})
