"""What an approval finishes a note with: signature and files that verify, or a refusal that stores nothing."""

from contextlib import contextmanager

import pytest
from sqlalchemy import select

from outreach.core.sandbox import pdf
from outreach.core.settings import read
from outreach.core.text.errors import Refused
from outreach.reports.files import known_notes, make_finisher, used_keys, verify_file
from outreach.reports.notes import (
    FinishedNote,
    NoteApproval,
    NoteFile,
    NoteState,
    get_note_by_key,
    public_key_of,
    signing_key,
)
from tests.conftest import NOW


@pytest.fixture
def settings(tmp_path):
    """A demonstration's, which makes its own key."""
    return read({"OUTREACH_DATA": str(tmp_path / "var")})


@pytest.mark.long
def test_every_file_of_an_approved_note_verifies_by_what_the_database_holds(database, freeze, approve, settings):
    number = approve(freeze(), finish=make_finisher(settings))
    with database.reading() as session:
        notes = known_notes(session)
        files = session.scalars(select(NoteFile)).all()
        assert {file.kind for file in files} == {"pdf", "docx", "xlsx", "json"}
        for file in files:
            verdict = verify_file(file.content, notes)
            assert (verdict.is_valid, verdict.number) == (True, number)
        (key,) = used_keys(session)
        assert key.public_key == public_key_of(signing_key(settings))
        assert key.first_at == key.last_at == NOW


def assert_nothing_is_stored(database, key):
    with database.reading() as session:
        assert get_note_by_key(session, key).state is NoteState.FROZEN
        assert not session.scalars(select(NoteApproval)).all()
        assert not session.scalars(select(NoteFile)).all()


def test_without_a_key_nothing_is_stored(database, freeze, approve, settings, tmp_path):
    key = freeze()
    keyless = settings.model_copy(update={"note_key_file": tmp_path / "none.pem"})
    with pytest.raises(Refused, match="La clé des notes ne peut pas être lue"):
        approve(key, finish=make_finisher(keyless))
    assert_nothing_is_stored(database, key)


def test_when_typst_is_killed_nothing_is_stored(database, freeze, approve, settings, tmp_path, monkeypatch):
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -9 $$\n", encoding="utf-8")
    killed.chmod(0o700)
    key = freeze()
    monkeypatch.setattr(pdf.sys, "executable", str(killed))
    with pytest.raises(Refused, match="interrompue"):
        approve(key, finish=make_finisher(settings))
    assert_nothing_is_stored(database, key)


@pytest.mark.postgresql
def test_when_the_disk_is_full_half_way_nothing_is_stored_and_the_number_comes_next(database, freeze, approve):
    key = freeze()

    def large(_note):
        return FinishedNote("signature", "key", {"json": b"{}", "pdf": bytes(5_000_000)})

    with no_room(database), pytest.raises(Refused, match="disque de la base de données est plein"):
        approve(key, finish=large)
    assert_nothing_is_stored(database, key)
    assert approve(key, finish=large) == "2021-001"


@contextmanager
def no_room(database):
    """A database that has no room for files, and says so as SQLite or PostgreSQL does."""
    if database.engine.dialect.name == "postgresql":
        raised = "BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END"
        made = [
            f"CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $${raised}$$",
            "CREATE TRIGGER no_room BEFORE INSERT ON note_files FOR EACH ROW EXECUTE FUNCTION no_room()",
        ]
        undone = "DROP FUNCTION no_room CASCADE"
    else:
        raised = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        made, undone = [f"CREATE TRIGGER no_room BEFORE INSERT ON note_files {raised}"], "DROP TRIGGER no_room"
    for statements in (made, [undone]):
        with database.writing() as session:
            for statement in statements:
                session.connection().exec_driver_sql(statement)
        if statements is made:
            yield
