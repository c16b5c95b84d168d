"""A published note whose figures a list or an edition changes awaits its author and its approver, and nobody else."""

import io
from dataclasses import replace
from datetime import date, timedelta

import pytest

from outreach.adherence import programmes
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.core import tables
from outreach.core.tables import open_import
from outreach.core.text.roles import RoleName
from outreach.directory import register
from outreach.operations.tasks import TaskKind, Whose, list_tasks
from outreach.reports import notes
from outreach.reports.notes import NoteRequest
from tests.conftest import NOW, STORY_DAY
from tests.directory import editions
from tests.factories import APPROVER, AUTHOR
from tests.pages import form_of, links, text_of
from tests.web.test_moved_notes import DAY, DECIDED, approve, content, freeze, silent

__all__ = ["freeze", "silent"]
pytestmark = pytest.mark.long
HOUR = timedelta(hours=1)
LATER = NOW + HOUR
REVISED = "Les données du 12 mai 2021 ont été révisées depuis"


@pytest.fixture
def published(sample_database, freeze):
    """The key and number of a published note of a day."""
    key = freeze()
    number = approve(sample_database, key)
    with sample_database.writing() as session:
        notes.publish_note(session, number, **DECIDED)
    return key, number


@pytest.fixture
def applied(sample_database, silent):
    """Applies a list of the joinings of three schools, each on a day, and looks at what it revises."""

    def call(*days, at=LATER):
        with sample_database.writing() as session:
            sent, programme = open_import(content(silent, *days), HEADERS), programmes.get_programme(session).id
            tables.take_over(session, JoiningLists(STORY_DAY), sent, now=at, actor=AUTHOR, programme_id=programme)
        return notes.look_for_revisions(sample_database, now=at)

    return call


@pytest.fixture
def undone(sample_database):
    """Undoes the last list, and looks at what that revises."""

    def call(at):
        with sample_database.writing() as session:
            tables.undo_import(session, JoiningLists(STORY_DAY), now=at, actor=AUTHOR)
        return notes.look_for_revisions(sample_database, now=at)

    return call


def tasks(database, email=AUTHOR, role=RoleName.AUTHOR):
    with database.reading() as session:
        found = list_tasks(session, Whose(email, frozenset({role})), now=LATER, within=5).tasks
        return [one for one in found if one.kind is TaskKind.REVISION]


def test_a_list_makes_one_task_of_the_author_and_of_the_approver(sample_database, published, applied, freeze):
    approve(sample_database, freeze("Pas publiée"))
    assert applied(date(2021, 5, 12), date(2021, 5, 12), date(2021, 5, 13)) == 1
    assert notes.look_for_revisions(sample_database, now=LATER) == 0, "each list is looked at once"
    (task,) = tasks(sample_database)
    assert task.path == f"/notes/{published[0]}#revised"
    assert REVISED in task.reason
    assert "dit après coup +2" in task.reason
    assert tasks(sample_database, APPROVER, RoleName.APPROVER) == [task]
    assert tasks(sample_database, "autre@fwb.example", RoleName.APPROVER) == []


def test_a_list_about_later_days_alone_makes_none(sample_database, published, applied):
    assert applied(date(2021, 5, 13)) == 0
    assert tasks(sample_database) == []


def test_the_correction_opens_with_the_causes_and_ends_the_task_once_it_is_published(
    author, sample_database, published, applied
):
    key, number = published
    applied(date(2021, 5, 12))
    page = author.get(f"/notes/{key}")
    assert REVISED in text_of(page)
    assert "Préparer le rectificatif" in text_of(page)
    (address, _) = next(one for one in links(page, "/notes/drafts/new") if "rectificatif" in one[1])
    form = form_of(author.get(address), "/notes/drafts/new")
    assert (form["as_of"], form["corrects"]) == (DAY.isoformat(), number)
    assert form["reason"].startswith(f"{REVISED}\xa0: volet 1, ")
    assert "dit après coup +1" in form["reason"]
    with sample_database.writing() as session:
        asked = replace(notes.correction_request(session, number), reason=form["reason"])
        gathered = notes.gather_note(session, asked, now=LATER)
        again = notes.freeze_note(session, gathered, now=LATER, actor=AUTHOR).id
    second = approve(sample_database, again)
    assert tasks(sample_database), "it awaits its publication"
    with sample_database.writing() as session:
        notes.publish_note(session, second, **DECIDED)
    assert tasks(sample_database) == []


def test_the_note_stays_with_a_reason_until_something_else_revises_it(
    author, sample_database, published, applied, undone
):
    key, _ = published
    applied(date(2021, 5, 12))
    assert author.send(f"/notes/{key}/standing", {"why": " "}, f"/notes/{key}").status_code == 422
    author.send(f"/notes/{key}/standing", {"why": "L’écart ne change pas la réponse."}, f"/notes/{key}")
    assert tasks(sample_database) == []
    assert "La note reste : L’écart ne change pas la réponse." in text_of(author.get(f"/notes/{key}"))
    applied(date(2021, 5, 12), date(2021, 5, 12), at=LATER + HOUR)
    assert len(tasks(sample_database)) == 1
    undone(LATER + 2 * HOUR)
    assert len(tasks(sample_database)) == 1
    assert undone(LATER + 3 * HOUR) == 1
    assert tasks(sample_database) == [], "the records say again what the note says"


def test_the_public_page_says_it_where_an_approver_decides_so(signed_in, author, sample_database, published, applied):
    (key, number), approver = published, signed_in("approver")
    applied(date(2021, 5, 12))
    assert author.send(f"/notes/{key}/revision", {"told": "1"}, f"/notes/{key}").status_code == 403
    approver.send(f"/notes/{key}/revision", {"told": "1"}, f"/notes/{key}")
    said = text_of(author.get(f"/n/{number}"))
    assert REVISED in said
    assert "dit après coup +1" in said
    approver.send(f"/notes/{key}/revision", {"told": "0"}, f"/notes/{key}")
    assert REVISED not in text_of(author.get(f"/n/{number}"))


def test_an_edition_names_the_notes_that_it_contradicts_before_it_is_applied_and_undone(
    author, sample_database, published, freeze
):
    place, day = "/directory/register", DAY.isoformat()
    sent = author.send(place, {"file": (io.BytesIO(editions.edition(editions.row())), "registre.csv"), "day": day})
    shown = text_of(author.get(sent.location))
    assert "Cette édition contredit 1 note" in shown
    assert f"{published[1]}, Bilan pour le Parlement" in shown
    assert "situation au 12 mai 2021" in shown
    with sample_database.writing() as session:
        editions.apply(session, editions.edition(editions.row()), LATER, DAY)
        asked = NoteRequest(DAY, "Après l’édition")
        gathered = notes.gather_note(session, asked, now=LATER + HOUR)
        notes.freeze_note(session, gathered, now=LATER + HOUR, actor=AUTHOR)
        (entry, *_) = register.applied_editions(session)
        number = entry.id
    assert notes.look_for_revisions(sample_database, now=LATER) == 1
    assert "édition du registre appliquée depuis" in tasks(sample_database)[0].reason
    undoing = author.get(f"{place}/editions/{number}/withdrawal")
    assert "L’annuler contredit 1 note" in text_of(undoing)
    assert "Après l’édition" in text_of(undoing)
    assert "Bilan pour le Parlement" not in text_of(undoing)
    with sample_database.writing() as session:
        editions.undo(session, LATER + 2 * HOUR)
    notes.look_for_revisions(sample_database, now=LATER + 2 * HOUR)
    assert tasks(sample_database) == [], "the records say again what the note says"


def test_undoing_a_list_names_the_notes_that_count_it(author, sample_database, published, applied):
    applied(date(2021, 5, 12), at=NOW - HOUR)
    with sample_database.writing() as session:
        gathered = notes.gather_note(session, NoteRequest(DAY, "Avec la liste"), now=NOW)
        notes.freeze_note(session, gathered, now=NOW, actor=AUTHOR)
        number = tables.last_applied(session, JoiningLists.table).id
    page = text_of(author.get(f"/adherence/lists/{number}/withdrawal"))
    assert "Avec la liste" in page
    assert "s’appuient" not in page


def test_a_note_says_why_its_figures_differ_from_those_of_the_last_one(sample_database, published, applied):
    _, number = published
    with sample_database.reading() as session:
        same = notes.gather_note(session, NoteRequest(DAY, "Le même jour"), now=LATER).content
    assert (same.changed, "changed" in same.figures()) == ("", False), "older notes keep their digest"
    applied(DAY, DAY)
    with sample_database.reading() as session:
        asked = NoteRequest(DAY, "Encore", strands=(1,))
        found, of_others = (
            notes.gather_note(session, replace(asked, networks=some), now=LATER).content for some in ((), ("COCOF",))
        )
    assert found.changed.startswith(
        f"Depuis la note {number}, situation au 12 mai 2021\xa0: volet 1, adhéré, au 12 mai"
    )
    assert "(dit après coup +2)" in found.changed
    assert found.answer.endswith(found.changed)
    assert of_others.changed == "", "of its networks alone"
