"""`up`: prepare, then run all processes of this machine until one ends or a signal comes."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from types import FrameType

import click

from outreach import days
from outreach.cli.context import Operation, pass_operation, say, working
from outreach.cli.preparation import add_people, load_sample, prepare
from outreach.demo import people
from outreach.directory import imports
from outreach.errors import Refused
from outreach.roles import RoleName
from outreach.settings import ROOT, Mode, Settings

GRACE_SECONDS = 45  # a work process waits 10 s for the last replies, and for a slow bounce mailbox
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@pass_operation
def up(operation: Operation) -> None:
    """Prépare la base, charge l’exemple en démonstration, et sert les pages."""
    settings, database = operation.settings, operation.opened
    if _answers(settings):
        raise Refused(f"Quelque chose répond déjà à {settings.bind} : arrêtez-le, ou choisissez OUTREACH_BIND.")
    prepare(database)
    if settings.mode is Mode.DEMO:
        add_people(database, settings, operation.now)
        with database.reading() as session:
            empty = not imports.was_ever_filled(session)
        if empty:
            day = days.today(operation.now)
            with working("L’annuaire fictif et son histoire se chargent…"):
                load_sample(database, settings, operation.now, day, with_story=settings.stays_here)
    database.dispose()
    # With --now, every process gets the same clock offset.
    environment = {**os.environ, "OUTREACH_CLOCK_OFFSET": str(settings.clock_offset)} if operation.shown else None
    sys.exit(supervise(commands_of(settings), lambda: _answers(settings), lambda: _announce(settings), environment))


def commands_of(settings: Settings) -> list[list[str]]:
    """The processes of this machine: the one that sends, the one that serves, a demonstration's mailbox."""
    ours = [sys.executable, "-m", "outreach"]
    mailbox = [[*ours, "mailbox"]] if settings.stays_here else []
    return [*mailbox, web_command(settings), [*ours, "work"]]


def web_command(settings: Settings) -> list[str]:
    """The command of the web process. There is one, as its memory tells machines from human readers."""
    options = ["--worker-class", "gthread", "--workers", "1", "--threads", "16", "--log-level", "warning"]
    # gunicorn's longest address, and long headers: browsers may send a long User-Agent and many cookies.
    options += ["--limit-request-line", "8190", "--limit-request-field_size", "16380"]
    place = ["--bind", settings.bind, "--chdir", str(ROOT), "--no-control-socket"]
    return [sys.executable, "-m", "gunicorn", "wsgi:app", *options, *place]


def supervise(
    commands: list[list[str]],
    is_ready: Callable[[], bool],
    announce: Callable[[], None],
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run processes side by side until one ends or a signal comes, then stop them all; returns the exit status.

    `announce` is called once, when `is_ready` is first true.
    """
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in STOPPING:
        signal.signal(number, stop)
    # Each in a session of its own: Ctrl+C reaches only this process, which stops them in order.
    processes = [subprocess.Popen(command, env=environment, start_new_session=True) for command in commands]
    announced = False
    while not asked and all(process.poll() is None for process in processes):
        if not announced and is_ready():
            announce()
            announced = True
        time.sleep(0.2)
    ended = next((process.returncode for process in processes if process.poll() is not None), 0)
    for process in processes:
        process.terminate()
    for process in processes:
        _wait(process)
    return 0 if asked else ended or 1


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _answers(settings: Settings) -> bool:
    try:
        urllib.request.urlopen(f"http://{settings.bind}/sign-in", timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _announce(settings: Settings) -> None:
    say(f"\n  Adresse       {settings.address}")
    if settings.mode is Mode.DEMO:
        author = people.person_for(RoleName.AUTHOR)
        say(f"  Connexion     {author.email}")
        say(f"  Mot de passe  {people.password(settings.data)}")
        say("  Les autres comptes de démonstration sont sur la page de connexion.")
    say("  Pour arrêter : Ctrl+C\n")
