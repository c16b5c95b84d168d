"""The answer as one says it: what was asked first, then the others and the total, then what is done and planned."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from outreach.reports.files import sections_of
from outreach.reports.files._document import zone_map
from outreach.reports.notes import NoteRequest
from outreach.reports.notes import _gathering as gathering
from outreach.reports.notes._content import read_figures
from outreach.reports.notes._prose import asks_whether_all
from tests import factories
from tests.campaigns.conftest import draft
from tests.conftest import NOW, STORY_DAY
from tests.reports.notes.contents import content, zones

pytestmark = pytest.mark.full  # what the story of 2021 counts of all networks

SEED = "Pouvez-vous dresser un bilan ? Toutes les écoles de WBE ont-elles adhéré ? À défaut, qu’est-il prévu ?"
ASKED = NoteRequest(STORY_DAY, "Un premier bilan", networks=("WBE",), strands=(1,), question=SEED)


def plain(text):
    return text.replace("\xa0", " ").replace("\u202f", " ")


def answer_of(session, now=NOW, **changes):
    """The answer of a note, as it is copied."""
    return plain(gathering.gather_note(session, replace(ASKED, **changes), now=now).content.answer)


def test_what_was_asked_about_stands_first_then_the_others_then_the_total(session):
    answer = answer_of(session)
    assert answer.startswith("Non : 14 des 147 écoles de WBE (9,5 %) ont adhéré au premier volet au 15 mai 2021 ; ")
    assert "Dans les autres réseaux, 34 des 502 écoles (6,8 %) ont adhéré. " in answer
    assert "Au total, 48 des 649 écoles secondaires (7,4 %) ont adhéré" in answer
    assert "À ce jour, rien n’est prévu pour les écoles de WBE." in answer
    assert "Rien n’est prévu à ce jour." in answer_of(session, networks=()), "not each network by name"


@pytest.mark.parametrize("changes", [{"question": ""}, {"question": "Combien d’écoles de WBE ont adhéré ?"}])
def test_nobody_says_no_to_a_question_that_stands_nowhere(session, changes):
    gathered = gathering.gather_note(session, replace(ASKED, **changes), now=NOW).content
    assert "Non :" not in plain(repr(gathered.figures()))
    assert plain(gathered.answer).startswith("14 des 147 écoles de WBE (9,5 %) ont adhéré au premier volet")


def test_without_a_network_the_total_is_followed_by_each(session):
    answer = answer_of(session, networks=())
    assert answer.startswith("Non : 48 des 649 écoles secondaires (7,4 %) ont adhéré au premier volet au 15 mai 2021")
    assert "Par réseau : WBE 14 sur 147, " in answer


@pytest.mark.parametrize(
    ("question", "is_asked"),
    [
        (SEED, True),
        ("L’ensemble des écoles a-t-il adhéré ?", True),
        ("Toutes les écoles sont informées. Combien ont adhéré ?", False),
        ("Toutes les écoles", False),
        ("", False),
    ],
)
def test_only_a_question_about_all_asks_for_yes_or_no(question, is_asked):
    assert asks_whether_all(question) is is_asked


def test_what_is_planned_stands_in_the_answer_and_what_is_prepared_is_said_as_such(database):
    factories.gather(database, 3, now=NOW)
    factories.plan(database, NOW + timedelta(days=3), now=NOW)
    draft(database)
    with database.reading() as session:
        answer = answer_of(session, networks=())
        past = answer_of(session, networks=(), now=NOW + timedelta(days=1))
    assert "Le 18 mai 2021, la première vague de « Invitation au premier volet » doit partir" in answer
    assert "En préparation, sans date d’envoi ni effet à ce jour : une campagne en cours de rédaction." in answer
    assert "rien n’est prévu" not in answer
    assert "En préparation" not in past, "nobody knows what was being written on a past day"


def test_two_days_stand_side_by_side_with_the_difference(session):
    gathered = gathering.gather_note(session, replace(ASKED, compare=date(2021, 1, 31)), now=NOW).content
    (table,) = gathered.comparisons
    wbe, total = table.rows
    assert (wbe[0], wbe[3], total[3]) == ("WBE", 14, 48)
    assert wbe[4] == f"+{14 - wbe[2]}"
    assert f"Au 31 janvier 2021, {wbe[2]} école" in plain(gathered.answer)
    assert f"soit {14 - wbe[2]} de plus au 15 mai 2021" in plain(gathered.answer)
    assert read_figures(gathered.figures(), gathered.text) == gathered


def test_a_note_defines_no_state_that_does_not_occur_and_draws_no_map_of_one_shade(session):
    gathered = gathering.gather_note(session, ASKED, now=NOW).content
    total = dict(zip([column.name for column in gathered.tables[0].columns], gathered.tables[0].rows[-1], strict=True))
    terms = {one.term for one in gathered.definitions}
    for term, name in gathering.OF_FIGURE.items():
        assert (term in terms) == bool(total[name])
    assert not {"Zone, province", "Fédération"} & terms
    table = zones()
    assert zone_map(table) is not None
    assert zone_map(replace(table, rows=tuple((*row[:3], 0, "0 %") for row in table.rows))) is None


def test_a_note_from_before_keeps_its_bytes_and_its_sentences():
    older = content()
    assert not {"prose", "compared", "comparisons"} & set(older.figures())
    assert read_figures(older.figures(), older.text) == older
    headings = [section.heading for section in sections_of(older)]
    assert {"Actions menées", "Actions prévues"} <= set(headings)
