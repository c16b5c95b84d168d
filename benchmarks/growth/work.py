"""The operations that write: the register, contacts, notes, seals, the launch of a wave, the clock."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

from sqlalchemy import event, func, select
from sqlalchemy.engine import Connection

from benchmarks.growth import files
from benchmarks.growth.ground import Ground
from benchmarks.growth.meter import Action
from benchmarks.growth.pages import Kind, Operation
from outreach.campaigns import planning
from outreach.cli.main import commands, load
from outreach.cli.running.work import letter_source_for
from outreach.core.db import Database
from outreach.core.db.time_limit import READS
from outreach.delivery.models import Message
from outreach.operations.retention import Rhythm
from outreach.operations.worker import clock
from outreach.operations.worker.due import Sealing
from outreach.operations.worker.process import WorkProcess
from outreach.reports import notes
from outreach.reports.files import make_finisher
from outreach.reports.notes import Note, NoteRequest, TableKind
from tests import factories


def writing_operations() -> Iterator[Operation]:
    """All operations that change something, each of which finds what the one before it has left."""
    for name, words, edition in (
        ("register plan, first", ("plan",), files.edition),
        ("register apply, first", ("apply", "--yes"), files.edition),
        ("register plan, unchanged", ("plan",), files.edition),
        ("register plan, a tenth changed", ("plan",), files.changed_edition),
        ("register apply, a tenth changed", ("apply", "--yes"), files.changed_edition),
    ):
        yield _with_file(name, ("register", *words), edition, is_of_register=True)
    for name, kind, prepare in (
        ("note freeze", Kind.WORK, freeze),
        ("note approve", Kind.WORK, approve),
        ("sealing", Kind.WORK, seal),
        ("launch", Kind.LAUNCH, launch),
        ("clock, one pass", Kind.WORK, look),
        ("clock, what is told", Kind.WORK, tell),
        ("clock, what is forgotten", Kind.WORK, forget),
    ):
        yield Operation(name, kind, prepare, again=False)
    yield _with_file("contacts plan", ("contacts", "import", "--dry-run"), files.contacts)
    yield _with_file("contacts apply", ("contacts", "import", "--yes"), files.contacts)


def _with_file(name: str, words: tuple[str, ...], lines: files.Written, *, is_of_register: bool = False) -> Operation:
    """A command that reads a file, on the base or on the database of the register."""

    def prepare(ground: Ground) -> Action:
        path = ground.folder / f"{lines.__name__}.csv"
        if not path.exists():
            _write(path, lines(ground.authorities))
        os.environ["OUTREACH_DATA"] = str(ground.folder)
        os.environ["OUTREACH_DATABASE_URL"] = ground.register() if is_of_register else ground.url
        load(words[0])
        actor = () if {"plan", "--dry-run"} & set(words) else ("--as", factories.AUTHOR)
        return lambda: _command(*words, *actor, str(path))

    return Operation(name, Kind.WORK, prepare, again=False)


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\r\n" for line in lines)


def _command(*words: str) -> None:
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        commands.main(words, standalone_mode=False)


def freeze(ground: Ground) -> Action:
    """A note about the whole directory, with all its tables."""

    def gather_and_freeze() -> None:
        now = ground.settings.instant()
        others = tuple(kind for kind in TableKind if kind is not TableKind.NETWORK)
        note_request = NoteRequest(now.date(), "Où en sont les écoles", groupings=others)
        with ground.database.reading() as session:
            gathered = notes.gather_note(session, note_request, now=now)
        with ground.database.writing() as session:
            notes.freeze_note(session, gathered, now=now, actor=factories.AUTHOR)

    return gather_and_freeze


def approve(ground: Ground) -> Action:
    """The approval of the note that was frozen: its number, signature and files."""
    with ground.database.reading() as session:
        key = session.scalars(select(func.max(Note.id))).one()
    finish, address = make_finisher(ground.settings), ground.settings.address
    about = {"actor": factories.APPROVER, "approved_as": ""}
    return lambda: notes.approve_note(
        ground.database, key, finish, address=address, now=ground.settings.instant(), **about
    )


def seal(ground: Ground) -> Action:
    """A batch of the audit."""
    return Sealing(ground.settings, ground.database).seal


def launch(ground: Ground) -> Action:
    """A wave to the whole directory, as the clock starts it."""
    work, now = _process(ground), ground.settings.instant()
    with ground.database.writing() as session:
        planning.schedule_campaign(
            session, planning.in_turn(session, ground.ready), now, now=now, actor=factories.AUTHOR
        )
    spent = _LongestTransaction(ground.database)

    def start() -> float:
        while _unfilled(ground):
            work.due.start_waves()
        return spent.seconds

    return start


def _unfilled(ground: Ground) -> bool:
    """Whether recipients of the wave are still to be written. Raises RuntimeError when it does not leave."""
    with ground.database.reading() as session:
        wave = planning.campaign_numbered(session, ground.ready).waves[-1]
        if wave.drifted_from or wave.state not in {"planned", "running"}:
            raise RuntimeError(f"the wave is {wave.state}")
        if wave.mailing is None or wave.mailing.filled_at is None:
            return True
        letters = session.scalar(select(func.count()).where(Message.mailing_id == wave.mailing_id))
        if letters != ground.authorities:
            raise RuntimeError(f"{letters} letters")
        return False


def look(ground: Ground) -> Action:
    """A pass of the clock beside a wave that is under way."""
    due = _process(ground).due
    return lambda: clock.ask(due)


def tell(ground: Ground) -> Action:
    """What people are told of their campaigns."""
    due = _process(ground).due
    return lambda: clock.tell(due)


def forget(ground: Ground) -> Action:
    """What has been kept for its time."""
    due = _process(ground).due

    def everything() -> None:
        for rhythm in Rhythm:
            clock.forget(due, rhythm)

    return everything


def _process(ground: Ground) -> WorkProcess:
    """A work process that is not opened: its clock finds what is due, and nothing sends."""
    return WorkProcess(ground.settings, ground.database, letter_source_for(ground.settings, ground.database))


class _LongestTransaction:
    """The longest writing transaction of a database from now on, in seconds by the clock."""

    def __init__(self, database: Database) -> None:
        self.seconds, self._begun = 0.0, 0.0
        event.listen(database.engine, "begin", self._begin)
        event.listen(database.engine, "commit", self._end)

    def _begin(self, _connection: Connection) -> None:
        self._begun = time.monotonic()

    def _end(self, connection: Connection) -> None:
        if not connection.get_execution_options().get(READS):
            self.seconds = max(self.seconds, time.monotonic() - self._begun)
