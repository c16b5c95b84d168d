"""What keeping for years costs: a purge, what is known of a person and its erasure, a backup of all."""

import os
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from sqlalchemy import func, select, update

from benchmarks.growth.directory import address_of
from benchmarks.growth.ground import Ground
from benchmarks.growth.meter import Action
from benchmarks.growth.pages import ADMINISTRATOR, Kind, Operation
from outreach.cli.main import commands, load
from outreach.delivery.models import Composition
from outreach.directory.models import Contact, MailboxKind
from tests.servers.postgresql import program

FOLDER = "backups"  # in the folder of the base
MEGA = 1_000_000
PERSON = 2  # the authority whose mailbox is a person's
NAMED = {"name": "Ondine Vif-Argent", "phone": "+32 2 413 00 99", "mailbox_kind": MailboxKind.PERSONAL}
# Without a sorting list letters stay, and without a key nobody is erased.
ALLOWED = {"OUTREACH_SORTING_LIST": "TT-2027-04", "OUTREACH_ERASURE_KEY": "0123456789abcdef0123456789abcdef"}


def _command(name: str, *words: str) -> Callable[[Ground], Action]:
    """A command on the base, whose words nobody reads."""

    def prepare(ground: Ground) -> Action:
        own = {"OUTREACH_DATA": str(ground.folder), "OUTREACH_DATABASE_URL": ground.url}
        os.environ.update({**own, **ALLOWED})
        load(name)

        def run() -> None:
            with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
                commands.main((name, *words), standalone_mode=False)

        return run

    return prepare


def _of_a_person(*words: str) -> Callable[[Ground], Action]:
    """A command about the reader of a mailbox, who has a name and a number."""

    def prepare(ground: Ground) -> Action:
        with ground.database.writing() as session:
            session.execute(update(Contact).where(Contact.address_key == address_of(PERSON)).values(NAMED))
        ground.database.dispose()
        return _command("person", *words)(ground)

    return prepare


def letters_with_words(ground: Ground) -> int:
    """How many letters still have what they said."""
    with ground.database.reading() as session:
        count = session.scalar(select(func.count()).select_from(Composition).where(Composition.content != "")) or 0
    ground.database.dispose()
    return count


def backup(ground: Ground) -> Action:
    """A backup with its manifest, as the timer makes one each night."""
    folder = ground.folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    # The programs of the server that the benchmark starts.
    os.environ["PATH"] = os.pathsep.join([str(Path(program("pg_dump")).parent), os.environ["PATH"]])
    return _command("backup", str(folder))(ground)


BACKUP = Operation("backup", Kind.WORK, backup, again=False)
ERASURE = _of_a_person("erase", address_of(PERSON), "--yes", "--as", ADMINISTRATOR)
# In this order: a purge takes away what a backup and an erasure have to read.
OPERATIONS = (
    Operation("person export", Kind.WORK, _of_a_person("export", address_of(PERSON), "--json")),
    BACKUP,
    Operation("person erase", Kind.WORK, ERASURE, again=False),
    Operation("purge", Kind.WORK, _command("purge"), again=False),
)


def megabytes(ground: Ground) -> float:
    """The size of the backup with its manifest; 0 where none was made."""
    return round(sum(path.stat().st_size for path in (ground.folder / FOLDER).glob("*")) / MEGA, 1)
