"""`web`: serve the pages, by several processes; and how a command becomes what supervises them."""

import errno
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from typing import NoReturn

import click

from outreach.cli.context import Operation, pass_operation, say
from outreach.errors import Refused
from outreach.french import typeset
from outreach.processes.supervisor import WAITING, Plan
from outreach.settings import Settings

MORE_PORTS = 50  # that are tried for a demonstration's mailbox, after the one that is taken
FAULTS = {
    errno.EADDRINUSE: "quelque chose répond déjà",
    errno.EACCES: "seul l’administrateur de la machine ouvre ce port",
    errno.EADDRNOTAVAIL: "cette adresse n’est pas de cette machine",
}


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


def with_a_mailbox(settings: Settings) -> Settings:
    """The settings with an address at which the demonstration's mailbox can be opened, where it has one.

    Where its usual port is taken, by another demonstration for example, it gets the next free one. Raises Refused when
    the environment names the address: whoever named it expects letters there.
    """
    place = settings.demo_mailbox
    fault = _fault_at(place, settings) if settings.stays_here else None
    if fault is None:
        return settings
    host, _, port = place.rpartition(":")
    others = (f"{host}:{other}" for other in range(int(port) + 1, min(int(port) + MORE_PORTS, 65535) + 1))
    free = next((other for other in others if _fault_at(other, settings) is None), "")
    if not free or fault.errno != errno.EADDRINUSE or "demo_mailbox" in settings.model_fields_set:
        raise Refused(f"La boîte de démonstration ne peut pas s’ouvrir à {_refusal(place, fault)}")
    say(f"La boîte de démonstration s’ouvre à {free}, car {FAULTS[errno.EADDRINUSE]} à {place}.")
    return settings.model_copy(update={"demo_mailbox": free})


def _fault_at(place: str, settings: Settings) -> OSError | None:
    """Why the mailbox cannot be opened there, or None."""
    try:
        if place == settings.bind:
            return OSError(errno.EADDRINUSE, "")
        _listener(place).close()
    except OSError as error:
        return error
    return None


def bound(settings: Settings, *, shared: bool = False) -> socket.socket:
    """A socket at the address of the pages, beside others where `shared`. Raises Refused when it cannot be opened."""
    try:
        return _listener(settings.bind, shared=shared)
    except OSError as error:
        raise Refused(f"L’adresse des pages ne peut pas être ouverte à {_refusal(settings.bind, error)}") from None


def _refusal(place: str, error: OSError) -> str:
    why = FAULTS.get(error.errno or 0, error.strerror)
    how = "donnez d’autres adresses à celui-ci par OUTREACH_BIND (les pages) et OUTREACH_DEMO_MAILBOX (la boîte)"
    return f"{place} : {why}. Si le service tourne déjà, arrêtez-le, ou {how}."


def _listener(place: str, *, shared: bool = False) -> socket.socket:
    """A socket bound to `host:port`. Raises OSError."""
    host, _, port = place.rpartition(":")
    family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections that are taken inherit it
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def supervise(operation: Operation, others: Mapping[str, list[str]] | None = None, ready: str = "") -> NoReturn:
    """Become the supervisor of the web processes and of others; it never returns.

    The program is replaced by a small one: this one has loaded everything, and would hold it for months.
    """
    listening = [bound(operation.settings, shared=True) for _ in range(operation.settings.web_processes)]
    for listener in listening:
        listener.listen(WAITING)
        listener.set_inheritable(True)
    command = [sys.executable, "-m", "outreach.processes.web"]
    plan = Plan([listener.fileno() for listener in listening], command, dict(others or {}), ready)
    with tempfile.TemporaryFile() as file:
        file.write(plan.to_json().encode())
        file.seek(0)
        os.dup2(file.fileno(), 0)
    # With --now, every process gets the same clock offset.
    moved = {"OUTREACH_CLOCK_OFFSET": str(operation.settings.clock_offset)} if operation.shown else {}
    # Which port is free was found out once, for all of them.
    mailbox = {"OUTREACH_DEMO_MAILBOX": operation.settings.demo_mailbox} if operation.settings.stays_here else {}
    sys.stdout.flush()
    environment = {**os.environ, **moved, **mailbox}
    os.execve(sys.executable, [sys.executable, "-m", "outreach.processes.supervisor"], environment)
