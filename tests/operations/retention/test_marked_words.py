"""Marked words are put into every text of every table; after the erasure they stand in signed notes alone."""

import logging
from datetime import date

import pytest
from sqlalchemy import Boolean, Date, DateTime, Enum, Integer, LargeBinary, String, insert, text, update

from outreach.adherence.models import LevelSet
from outreach.core.db import Base
from outreach.core.erasure import _digests as digests
from outreach.core.jobs import JobState
from outreach.directory.models import Level
from outreach.operations import backups
from outreach.operations.retention import _erasure as erasure
from outreach.operations.retention._policy import IMPERSONAL
from tests.conftest import NOW
from tests.operations.retention.test_erasing import ADDRESS, NAME, NUMBER, asked, erase, rows_of
from tests.tampering import unguard

__all__ = ["asked"]
MARKED = f"Voyez {NAME} ({NUMBER}, {ADDRESS.title()})."
SEALS = {"audit_seals", "sealed_entries"}


@pytest.fixture
def backend():
    """SQLite alone can leave out the checks that a row of words fails."""
    return "sqlite"


def a_row(table):
    """A row of a table, with marked words in every text and the number 424242 wherever a number stands."""
    made = {JobState: JobState.DONE}
    values = {
        Boolean: False,
        Integer: 424242,
        DateTime: NOW,
        Date: date(2021, 5, 15),
        LargeBinary: b"\x00",
    }
    row = {}
    for column in table.columns:
        kind = column.type
        if isinstance(kind, Enum):
            row[column.name] = made.get(kind.enum_class) or next(iter(kind.enum_class))
        elif isinstance(kind, String):
            is_free = column.name not in IMPERSONAL.get(table.name, ()) and (kind.length or 999) >= len(MARKED)
            row[column.name] = MARKED if is_free else ""
        elif isinstance(kind, LevelSet):
            row[column.name] = (Level.SECONDARY,)
        else:
            held = getattr(kind, "impl", kind)
            row[column.name] = next(value for known, value in values.items() if isinstance(held, known))
    return row


def naming(database):
    return {
        place
        for place, said in rows_of(database)
        if any(word.lower() in said.lower() for word in (ADDRESS, NAME, NUMBER))
    }


@pytest.mark.long
def test_marked_words_in_every_text_of_every_table_are_nowhere_after_but_in_signed_notes(asked, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with asked.engine.connect() as connection:
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        connection.execute(text("PRAGMA ignore_check_constraints=ON"))
        for table in Base.metadata.sorted_tables:
            if table.name not in SEALS:
                connection.execute(insert(table).values(a_row(table)))
        connection.commit()
        connection.execute(text("PRAGMA foreign_keys=ON"))
        connection.execute(text("PRAGMA ignore_check_constraints=OFF"))
        connection.commit()
    stated = {f"{table}.{column}" for table, columns in erasure.SIGNED.items() for column in columns}
    assert len(naming(asked)) > 120
    erase(asked, tmp_path)
    left = naming(asked)
    assert left <= stated, sorted(left - stated)
    assert left
    with asked.writing() as session:
        unguard(session, "notes", "note_approvals")
        for name, columns in erasure.SIGNED.items():
            session.execute(update(Base.metadata.tables[name]).values(dict.fromkeys(columns, "")))
    (folder := tmp_path / "backups").mkdir(mode=0o700)
    made = backups.make_backup(str(asked.engine.url), folder, backups.BackupOrigin("", {}), now=NOW)
    stored = made.file.read_bytes()
    for word in (ADDRESS, NAME, NUMBER):
        assert word.encode() not in stored
        assert word.encode() not in (tmp_path / digests.FILE).read_bytes()
        assert word not in caplog.text
