"""What a backup of all that is kept costs."""

import os
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks.growth.ground import Ground
from benchmarks.growth.meter import Action
from benchmarks.growth.pages import Kind, Operation
from outreach.cli.main import commands, load
from tests.servers.postgresql import program

FOLDER = "backups"  # in the folder of the base
MEGA = 1_000_000


def backup(ground: Ground) -> Action:
    """A backup with its manifest, as the timer makes one each night."""
    folder = ground.folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    # The programs of the server that the benchmark starts.
    os.environ["PATH"] = os.pathsep.join([str(Path(program("pg_dump")).parent), os.environ["PATH"]])
    os.environ["OUTREACH_DATA"], os.environ["OUTREACH_DATABASE_URL"] = str(ground.folder), ground.url
    load("backup")

    def make() -> None:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            commands.main(("backup", str(folder)), standalone_mode=False)

    return make


BACKUP = Operation("backup", Kind.WORK, backup, again=False)


def megabytes(ground: Ground) -> float:
    """The size of the backup with its manifest; 0 where none was made."""
    return round(sum(path.stat().st_size for path in (ground.folder / FOLDER).glob("*")) / MEGA, 1)
