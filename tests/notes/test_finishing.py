"""What an approval finishes a note with: signature and files that verify, or a refusal that stores nothing."""

import pytest
from sqlalchemy import select

from outreach.errors import Refused
from outreach.notes import known, listing, signing
from outreach.notes.files import pdf
from outreach.notes.finishing import finisher
from outreach.notes.models import NoteApproval, NoteFile, NoteState
from outreach.notes.verifying import verify
from outreach.settings import read
from tests.conftest import NOW

pytestmark = pytest.mark.postgresql


@pytest.fixture
def settings(tmp_path):
    """A demonstration's, which makes its own key."""
    return read({"OUTREACH_DATA": str(tmp_path / "var")})


def test_every_file_of_an_approved_note_verifies_by_what_the_database_holds(database, freeze, approve, settings):
    number = approve(freeze(), finish=finisher(settings))
    with database.reading() as session:
        notes = known.known_notes(session)
        files = session.scalars(select(NoteFile)).all()
        assert {file.kind for file in files} == {"pdf", "docx", "xlsx", "csv", "json"}
        for file in files:
            verdict = verify(file.content, notes)
            assert (verdict.is_valid, verdict.number) == (True, number)
        (key,) = known.used_keys(session)
        assert key.public_key == signing.public_key_of(signing.signing_key(settings))
        assert key.first_at == key.last_at == NOW


def assert_nothing_is_stored(database, key):
    with database.reading() as session:
        assert listing.by_key(session, key).state is NoteState.FROZEN
        assert not session.scalars(select(NoteApproval)).all()
        assert not session.scalars(select(NoteFile)).all()


def test_without_a_key_nothing_is_stored(database, freeze, approve, settings, tmp_path):
    key = freeze()
    keyless = settings.model_copy(update={"note_key_file": tmp_path / "none.pem"})
    with pytest.raises(Refused, match="La clé des notes ne peut pas être lue"):
        approve(key, finish=finisher(keyless))
    assert_nothing_is_stored(database, key)


def test_when_typst_is_killed_nothing_is_stored(database, freeze, approve, settings, tmp_path, monkeypatch):
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -9 $$\n", encoding="utf-8")
    killed.chmod(0o700)
    key = freeze()
    monkeypatch.setattr(pdf.sys, "executable", str(killed))
    with pytest.raises(Refused, match="interrompue"):
        approve(key, finish=finisher(settings))
    assert_nothing_is_stored(database, key)
