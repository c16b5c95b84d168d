"""A note lists every wave that Situation lists at its moment, whatever networks it is about."""

import pytest

from outreach.adherence import programmes
from outreach.campaigns import planning, results
from outreach.campaigns.models import Wave, WaveState
from outreach.core.text.dates import today
from outreach.reports import notes
from outreach.reports.files import public_outline, sections_of
from outreach.reports.notes import NoteRequest
from tests.campaigns.conftest import people, strand
from tests.campaigns.waves.test_added_reminders import LATER, add, agreed, begun, six_reached
from tests.reports.notes.contents import numbered

__all__ = ["begun", "people", "six_reached", "strand"]
ASKED = NoteRequest(today(LATER), "Un bilan", question="Toutes les écoles de WBE ont-elles adhéré ?")


def text_of(sections):
    return plain(repr(sections))


def plain(text):
    return text.replace("\\xa0", " ").replace("\\u202f", " ").replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.one_example
@pytest.mark.parametrize("networks", [(), ("WBE",), ("Libre confessionnel",), ("WBE", "Libre confessionnel")])
def test_a_note_lists_every_wave_that_the_situation_lists(database, begun, networks):
    """The wave of that morning and an added reminder among them, which write to nobody of WBE."""
    number, _ = begun
    agreed(database, add(database, number))
    with database.reading() as session:
        acted = results.list_actions(session, programmes.get_programme(session), now=LATER)
        note_request = NoteRequest(ASKED.as_of, ASKED.title, networks=networks, question=ASKED.question)
        content = notes.gather_note(session, note_request, now=LATER).content
    listed = [(today(one.at).isoformat(), one.title, one.wave) for one in (*reversed(acted.done), *acted.planned)]
    assert {one.wave for one in (*acted.done, *acted.planned)} >= {"première vague", "relance 1"}
    assert [(one.day, one.campaign, one.wave) for one in content.actions] == listed
    for said in (text_of(sections_of(content)), text_of(public_outline(numbered(content)))):
        for one in content.actions:
            assert plain(one.sentence).removesuffix(".") in said, one.wave
    assert "D’ici là" not in plain(content.answer)
    nobody = [one.sentence for one in content.actions if "à personne de ce réseau" in plain(one.sentence)]
    assert len(nobody) == (len(listed) if networks == ("WBE",) else 0)


@pytest.mark.parametrize("is_past", [False, True])
def test_a_wave_whose_letters_are_being_written_is_in_both_lists(database, begun, is_past):
    number, _ = begun
    key, due_at = agreed(database, add(database, number))
    note_request = NoteRequest(today(due_at), "Un bilan", known_at=due_at if is_past else None)
    now = due_at.replace(hour=due_at.hour + 3) if is_past else due_at
    with database.writing() as session:
        wave = session.get_one(Wave, key)
        planning.move_wave(session, wave, WaveState.RUNNING, now=due_at, actor="automatique")
    with database.reading() as session:
        at = due_at if is_past else None
        acted = results.list_actions(session, programmes.get_programme(session), now=now, at=at)
        content = notes.gather_note(session, note_request, now=now).content
    assert acted.planned[0].wave == content.actions[1].wave == "relance 1"
