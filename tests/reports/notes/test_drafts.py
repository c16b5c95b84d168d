"""Drafts of notes: their author's alone, and deleted a year after their last change."""

from dataclasses import replace
from datetime import date

import pytest

from outreach.core.text.errors import NotFound
from outreach.reports import notes
from outreach.reports.notes import NoteRequest
from tests.conftest import NOW
from tests.factories import APPROVER, AUTHOR

ASKED = NoteRequest(date(2021, 5, 15), "Un premier bilan")


@pytest.fixture
def backend():
    return "sqlite"


def test_a_draft_is_its_authors_alone(database):
    with database.writing() as session:
        key = notes.save_draft(session, None, ASKED, now=NOW, actor=AUTHOR).id
        assert notes.save_draft(session, key, replace(ASKED, title="Autre"), now=NOW, actor=AUTHOR).id == key
        with pytest.raises(NotFound):
            notes.draft_of(session, key, APPROVER)
        with pytest.raises(NotFound):
            notes.save_draft(session, key, ASKED, now=NOW, actor=APPROVER)
        with pytest.raises(NotFound):
            notes.discard_draft(session, key, APPROVER)
        assert notes.drafts_of(session, APPROVER) == []
        assert [draft.title for draft in notes.drafts_of(session, AUTHOR)] == ["Autre"]
