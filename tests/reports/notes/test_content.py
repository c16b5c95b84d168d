"""The figures of a note: one form, one digest, no word of its author."""

import json
from dataclasses import replace

import pytest

from outreach.reports.notes import NoteContent
from outreach.reports.notes._content import read_figures
from tests.reports.notes.contents import content, correction


def test_the_figures_have_one_form_whatever_the_order_of_their_keys() -> None:
    figures = json.loads(content().figures_json())
    shuffled = dict(reversed(figures.items()))
    assert read_figures(shuffled, content().text).figures_json() == content().figures_json()


@pytest.mark.parametrize("note", [content(), correction()])
def test_a_note_is_read_back_from_its_figures_and_its_text(note: NoteContent) -> None:
    assert read_figures(json.loads(note.figures_json()), note.text) == note


def test_the_figures_hold_the_digest_of_the_authors_text_and_not_the_text() -> None:
    note = content()
    assert "bien reçu" not in note.figures_json().decode()
    assert replace(note, text="Autre chose").sha256() != note.sha256()


def test_figures_of_an_unknown_format_are_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        read_figures({**content().figures(), "format": 2})
