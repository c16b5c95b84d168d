"""`web`: serve the pages, by granian; and how a command becomes what starts all processes of a machine."""

import errno
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from typing import NoReturn

import click

from outreach.cli.context import Operation, pass_operation, say
from outreach.cli.processes.supervisor import Plan
from outreach.core.settings import ROOT, Settings
from outreach.core.settings.reading import gone
from outreach.core.text.errors import Refused
from outreach.core.text.french import typeset
from outreach.delivery import bounces
from outreach.operations.demo import mailbox

MORE_PORTS = 50  # that are tried for a demonstration's mailbox, after the one that is taken
WORKERS = 2  # web processes of a machine that runs everything; a demonstration has one, of 110 MB
THREADS = 32  # of a web process: openings and clicks wait there until all that came at once is stored
HEAD_BYTES = 32_768  # of the line and the headers of a request, together
LEAVE_SECONDS = 8  # for what is under way in a web process that is asked to end
MOST_MEGABYTES = 400  # of a web process, what it shares with others counted whole (RSS)
BEGIN_SECONDS = 15  # from the start of a web process to the end of the one whose place it takes
FAULTS = {
    errno.EADDRINUSE: "quelque chose répond déjà",
    errno.EACCES: "seul l’administrateur de la machine ouvre ce port",
    errno.EADDRNOTAVAIL: "cette adresse n’est pas de cette machine",
}

Place = tuple[str, int]


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Écoute à ce port, au lieu de celui de OUTREACH_BIND.")
@pass_operation
def web(operation: Operation, port: int | None) -> None:
    """Sert les pages par un processus, et rien d’autre, jusqu’à un signal d’arrêt."""
    if port is not None:
        bind = f"{operation.settings.bind.rpartition(':')[0]}:{port}"
        operation.settings = operation.settings.model_copy(update={"bind": bind})
    place = place_of_pages(operation.settings)
    say_what_is_gone()
    operation.database.dispose()
    click.echo(typeset(f"{address_line(operation.settings)}\n"))
    _become(granian(place), operation)


def address_line(settings: Settings) -> str:
    """Where the pages are, for the terminal."""
    return f"  Adresse       {settings.address}"


def say_what_is_gone() -> None:
    """Say of each setting of the environment that means nothing any more what takes its place."""
    for told in gone(os.environ):
        click.echo(typeset(told), err=True)


def place_of_pages(settings: Settings) -> Place:
    """The address of the pages as the system has it: granian takes no name.

    Raises Refused when something listens there already, or it cannot be opened.
    """
    try:
        return _opened(settings.bind)
    except OSError as error:
        raise Refused(f"L’adresse des pages ne peut pas être ouverte à {_refusal(settings.bind, error)}") from None


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
        _opened(place)
    except OSError as error:
        return error
    return None


def mailbox_command(settings: Settings) -> list[str]:
    """The command line of the process that keeps an installation's demonstration mailbox."""
    returns = bounces.maildir_of(settings.returns_url)
    return mailbox.command(settings.demo_mailbox, mailbox.folder_of(settings.data), returns)


def _refusal(place: str, error: OSError) -> str:
    why = FAULTS.get(error.errno or 0, error.strerror)
    how = "donnez d’autres adresses à celui-ci par OUTREACH_BIND (les pages) et OUTREACH_DEMO_MAILBOX (la boîte)"
    return f"{place} : {why}. Si le service tourne déjà, arrêtez-le, ou {how}."


def _opened(place: str) -> Place:
    """The numeric address of `host:port`, which could be opened. Raises OSError."""
    host, _, port = place.rpartition(":")
    family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tried.bind(address)
        found: Place = tried.getsockname()[:2]
        return found


def granian(place: Place, workers: int = 1) -> list[str]:
    """The command line that serves the pages at a place by so many processes.

    One that ends is started again, and one that holds too much memory is replaced by another, which has begun by then.
    """
    words = {
        "interface": "wsgi",
        "working-dir": ROOT,
        "host": place[0],
        "port": place[1],
        "workers": workers,
        "blocking-threads": THREADS,
        "backlog": 2048,  # connections that the system keeps until a process takes them
        "backpressure": 512,  # connections of a process: the files that it may open are more
        "http": 1,
        "http1-buffer-size": HEAD_BYTES,
        "log-level": "error",
        "workers-kill-timeout": LEAVE_SECONDS,
        "workers-max-rss": MOST_MEGABYTES,
        "respawn-interval": BEGIN_SECONDS,
    }
    given = [word for name, value in words.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "granian", *given, "--respawn-failed-workers", "wsgi:app"]


def supervise(operation: Operation, others: Mapping[str, list[str]], ready: str, workers: int = WORKERS) -> NoReturn:
    """Become the supervisor of the web processes and of others; it never returns.

    The program is replaced by a small one: this one has loaded everything, and would hold it for months.
    """
    place = place_of_pages(operation.settings)
    plan = Plan({"web": granian(place, workers), **others}, place, ready)
    with tempfile.TemporaryFile() as file:
        file.write(plan.to_json().encode())
        file.seek(0)
        os.dup2(file.fileno(), 0)
    _become([sys.executable, "-m", "outreach.cli.processes.supervisor"], operation)


def _become(command: list[str], operation: Operation) -> NoReturn:
    """Have another program take the place of this one, with the settings that were found out here once for all."""
    settings = operation.settings
    found = {"OUTREACH_BIND": settings.bind}
    if operation.shown:  # --now: every process gets the same clock offset
        found["OUTREACH_CLOCK_OFFSET"] = str(settings.clock_offset)
    if settings.stays_here:
        found["OUTREACH_DEMO_MAILBOX"] = settings.demo_mailbox
    sys.stdout.flush()
    # glibc gives threads up to eight heaps a core, and pages fill one after the other: 20 MB more in all.
    os.execve(command[0], command, {"MALLOC_ARENA_MAX": "2", **os.environ, **found})
