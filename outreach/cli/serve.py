"""`up`: everything on this machine: prepare, then supervise the processes until one stops or a signal comes."""

import signal
import subprocess
import sys
import time
from types import FrameType

import click

from outreach.accounts import RoleName
from outreach.cli.context import Operation, pass_operation, say
from outreach.cli.install import load_sample, prepare
from outreach.demo import people
from outreach.directory import imports
from outreach.settings import ROOT, Mode, Settings
from outreach.web import french

GRACE_SECONDS = 15


@click.command()
@pass_operation
def up(operation: Operation) -> None:
    """Prépare la base, charge l’exemple en démonstration, et sert les pages."""
    settings, database = operation.settings, operation.database
    prepare(database)
    if settings.mode is Mode.DEMO:
        with database.reading() as session:
            empty = imports.last_import(session) is None
        if empty:
            load_sample(database, settings, operation.now, french.today(operation.now))
    database.dispose()
    _announce(settings)
    sys.exit(supervise([web_command(settings)]))


def web_command(settings: Settings) -> list[str]:
    """The command of the web process."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "wsgi:app",
        "--bind",
        settings.bind,
        "--worker-class",
        "gthread",
        "--workers",
        "2",
        "--threads",
        "8",
        "--no-control-socket",
        "--log-level",
        "warning",
        "--chdir",
        str(ROOT),
    ]


def supervise(commands: list[list[str]]) -> int:
    """Run processes side by side until one ends or a signal comes, then stop all; returns the first one's status."""
    processes = [subprocess.Popen(command, start_new_session=True) for command in commands]
    asked = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    while not asked and all(process.poll() is None for process in processes):
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


def _announce(settings: Settings) -> None:
    say(f"\n  Adresse       {settings.address}")
    if settings.mode is Mode.DEMO:
        author = people.person_for(RoleName.AUTHOR)
        say(f"  Connexion     {author.email}")
        say(f"  Mot de passe  {people.password(settings.data)}")
        say("  Les autres comptes de démonstration sont sur la page de connexion.")
    say("  Pour arrêter : Ctrl+C\n")
