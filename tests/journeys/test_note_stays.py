"""A note that was given stays given: whatever is recorded, withdrawn or applied later, and from a restored backup."""

import random
import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import insert, select

from outreach.adherence import programmes
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.adherence.models import AdherenceRecord, Status, Word
from outreach.core import tables
from outreach.core.db import Database
from outreach.core.tables import open_import
from outreach.directory.models import School
from outreach.reports import files, notes
from outreach.reports.files import verify_file
from outreach.reports.files._rendering import data_file
from outreach.reports.notes import NoteRequest, NoteSignature, TableKind
from tests.directory.editions import apply, edition, row, undo
from tests.factories import APPROVER, AUTHOR, add_people, adherence_record
from tests.reports.notes import quick

pytestmark = pytest.mark.postgresql
ADDRESS = "https://campagnes.fwb.example"
FIRST, DAY = date(2021, 1, 1), date(2021, 2, 1)
AT = datetime(2021, 2, 2, 9, tzinfo=UTC)
PROGRAMME = """
code = "essai"
name = "Essai"
[[strands]]
number = 1
name = "Premier"
opened_on = 2021-01-01
"""
SCHOOLS = [row(school=80001 + n, site=70001 + n, authority=9001 + n % 3) for n in range(9)]
LIST = "fase;volet;statut;date\r\n80001;1;adhéré;15/01/2021\r\n80002;1;refus;16/01/2021\r\n"


def apply_edition(session, rows, on, at):
    apply(session, edition(*rows), at, on, AUTHOR)


def record_at_random(session, chance, at):
    """A hundred statuses of any school on any day, recorded now."""
    schools, strand = session.scalars(select(School.id)).all(), programmes.get_programme(session).strands[0].id
    records = []
    for minute in range(100):
        on = FIRST + timedelta(days=chance.randrange(40))
        fields = {"status": chance.choice(list(Status)), "word": chance.choice(list(Word)), "effective_on": on}
        when = at + timedelta(minutes=minute)
        records.append(adherence_record(chance.choice(schools), strand, when, **fields))
    session.execute(insert(AdherenceRecord), records)


def as_given(database, number):
    """What anybody has of a note: its figures and its JSON as kept, and its JSON made again from what is stored."""
    with database.reading() as session:
        note = notes.by_number(session, number)
        kept = notes.file_of(session, note, "json").content
        signature = NoteSignature(note.approval.signature, note.approval.public_key)
        assert verify_file(kept, files.known_notes(session)).is_valid
        return note.approval.number, note.figures, kept, data_file(notes.as_numbered(note, ADDRESS), signature)


@contextmanager
def restored(database, tmp_path):
    """A copy of the database: of SQLite as the operator's guide says, of PostgreSQL as its server copies one."""
    url = database.engine.url
    if url.get_backend_name() == "sqlite":
        path = tmp_path / "restored.sqlite3"
        with closing(sqlite3.connect(url.database)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
        copy = Database(f"sqlite:///{path}")
        yield copy
        copy.dispose()
        return
    database.dispose()  # a database that somebody uses is not copied
    plain = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    name = f"{url.database}_restored"
    with psycopg.connect(plain, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {url.database} STRATEGY = FILE_COPY")
        copy = Database(url.set(database=name).render_as_string(hide_password=False))
        yield copy
        copy.dispose()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_note_stays_the_same_whatever_comes_after_it(database, tmp_path):
    chance = random.Random(26)
    with database.writing() as session:
        add_people(session, AT - timedelta(days=21))
        apply_edition(session, SCHOOLS, FIRST, AT - timedelta(days=20))
        programme = programmes.load_programme(session, PROGRAMME, now=AT - timedelta(days=19), actor=AUTHOR)
        kind, sent = JoiningLists(AT.date()), open_import(LIST.encode(), HEADERS)
        tables.take_over(session, kind, sent, now=AT, actor=AUTHOR, programme_id=programme.id)
        note_request = NoteRequest(DAY, "Un premier bilan", groupings=(TableKind.ZONE,))
        gathered = notes.gather_note(session, note_request, now=AT)
        key = notes.freeze_note(session, gathered, now=AT, actor=AUTHOR).id
    finish = quick.finisher(None)
    decided = {"address": ADDRESS, "now": AT, "actor": APPROVER, "approved_as": "validation"}
    number = notes.approve_note(database, key, finish, **decided)
    given = as_given(database, number)
    assert given[2] == given[3]
    assert '"joined"' in given[1]
    with database.writing() as session:
        record_at_random(session, chance, AT)
        tables.undo_import(session, kind, now=AT + timedelta(hours=3), actor=AUTHOR)
        apply_edition(session, [*SCHOOLS[:4], row(school=80100, site=70100)], DAY, AT + timedelta(days=30))
        again = notes.gather_note(session, note_request, now=AT + timedelta(days=31))
        assert again.content.tables != gathered.content.tables  # or nothing came after it
    assert as_given(database, number) == given
    with database.writing() as session:
        undo(session, AT + timedelta(days=32), AUTHOR)
        undone = notes.gather_note(session, note_request, now=AT + timedelta(days=33))
        assert undone.content.tables != again.content.tables  # or nothing was undone
    assert as_given(database, number) == given
    with restored(database, tmp_path) as copy:
        assert as_given(copy, number) == given
