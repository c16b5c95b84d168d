"""Notes whose figures were counted by definitions that have changed: frozen again, or their correction offered."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from outreach.access.accounts import User
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.reports import notes
from outreach.reports.notes import ActionState, AskedState, NoteRequest, NoteState
from outreach.reports.notes._content import COUNTING, NoteAction, NoteReach
from outreach.reports.notes._models import NoteRecount
from tests import factories
from tests.campaigns.conftest import draft
from tests.conftest import NOW, STORY_DAY
from tests.factories import APPROVER, AUTHOR
from tests.reports.notes.conftest import approve_in

LATER = NOW + timedelta(hours=1)
ASKED = NoteRequest(STORY_DAY, "Un bilan", strands=(1,))
TITLE = "Invitation au premier volet"
REACH = NoteReach(TITLE, 1, "À ce jour, 307 des 985…", 985, 307, 678)
LEFT = NoteAction(
    ActionState.DONE, TITLE, "2021-05-12", "Le 12 mai 2021…", (), 1, "première vague", (("meant", 985), ("sent", 279))
)
AUTHORS, APPROVERS = {RoleName.AUTHOR}, {RoleName.APPROVER}


@pytest.fixture
def outdated(database):
    """Freezes a note as an older version did, whose figures were counted by its definitions; returns its key.

    One that is signed was so before the definitions changed.
    """
    factories.gather(database, 3, now=NOW)
    draft(database)

    def call(*, signed=False, **asked):
        with database.writing() as session:
            gathered = notes.gather_note(session, replace(ASKED, **asked), now=NOW)
            old = replace(gathered.content, counting=0, reached=(REACH,), actions=(LEFT,))
            note = notes.freeze_note(session, replace(gathered, content=old), now=NOW, actor=AUTHOR).id
        if signed:
            approve_in(database, note)
        with database.writing() as session:
            session.add(NoteRecount(note_id=note))
        return note

    return call


def again(database, key):
    with database.reading() as session:
        note = notes.get_note_by_key(session, key)
        gathered = notes.gather_note(session, notes.request_again(note), now=LATER)
    with database.writing() as session:
        return notes.freeze_again(session, key, gathered, now=LATER, actor=AUTHOR).id


def offers(database, person, roles):
    with database.reading() as session:
        return [note.id for note in session.scalars(notes.offered_corrections(person, roles)).unique()]


def test_a_note_says_by_which_definitions_it_counts(database):
    factories.gather(database, 3, now=NOW)
    with database.reading() as session:
        figures = notes.gather_note(session, ASKED, now=NOW).content.figures()
    assert figures["counting"] == COUNTING


@pytest.mark.long
def test_a_note_that_nobody_signed_is_frozen_again_and_the_earlier_one_stays_readable(database, outdated):
    earlier = outdated()
    with pytest.raises(Refused, match="définitions qui ont changé"):
        approve_in(database, earlier)
    later = again(database, earlier)
    with database.reading() as session:
        old, new = (notes.get_note_by_key(session, key) for key in (earlier, later))
        assert (old.state, new.state) == (NoteState.RECOUNTED, NoteState.FROZEN)
        assert old.recount.again_id == later
        assert notes.stored_content(old).reached == (REACH,), "it stays as it was"
        assert (notes.stored_content(new).reached, notes.stored_content(new).counting) == ((), COUNTING)
        assert (new.as_of, new.title) == (old.as_of, old.title)
        states = {state: notes.count_notes(session, state) for state in NoteState}
        assert (states[NoteState.FROZEN], states[NoteState.RECOUNTED], states[NoteState.REFUSED]) == (1, 1, 0)
    assert approve_in(database, later) == "2021-001"
    for key in (earlier, later):
        with pytest.raises(Refused, match="n’est pas à recompter"):
            again(database, key)
    with pytest.raises(Refused), database.writing() as session:
        notes.refuse_note(session, earlier, "trop tard", now=LATER, actor=APPROVER)


@pytest.mark.long
def test_the_question_that_the_note_answers_is_answered_by_the_one_frozen_again(database, outdated):
    factories.gather(database, 0, now=NOW)
    with database.writing() as session:
        question = notes.ask_for_note(session, replace(ASKED, question="Combien ?"), now=NOW, actor=APPROVER).id
    later = again(database, outdated(answers=question))
    with database.reading() as session:
        asked = notes.get_request(session, question, APPROVER, APPROVERS)
        assert (asked.note_id, notes.state_of(session, asked)) == (later, AskedState.FROZEN)
    approve_in(database, later, actor=APPROVER)
    with database.reading() as session:
        assert notes.state_of(session, notes.get_request(session, question, APPROVER, APPROVERS)) is AskedState.ANSWERED


@pytest.mark.long
def test_a_correction_that_nobody_signed_is_frozen_again_as_a_correction(database, outdated):
    outdated(signed=True)
    number = "2021-001"
    later = again(database, outdated(corrects=number, reason="Une école de trop."))
    with database.reading() as session:
        said = notes.stored_content(notes.get_note_by_key(session, later)).correction
    assert (said.number, said.reason) == (number, "Une école de trop.")
    assert approve_in(database, later) == "2021-002"


@pytest.mark.postgresql
@pytest.mark.long
def test_the_correction_of_a_signed_note_is_offered_to_its_author_until_there_is_one(database, outdated):
    outdated()
    assert offers(database, AUTHOR, AUTHORS) == [], "nobody signed it"
    key, number = outdated(signed=True), "2021-001"
    assert offers(database, AUTHOR, AUTHORS) == [key]
    assert offers(database, APPROVER, APPROVERS) == [], "its author is still here"
    with database.writing() as session:
        asked = replace(notes.correction_request(session, number), reason="Les définitions ont changé.")
        gathered = notes.gather_note(session, asked, now=LATER)
        correction = notes.freeze_note(session, gathered, now=LATER, actor=AUTHOR).id
    assert offers(database, AUTHOR, AUTHORS) == [], "one awaits its approval"
    with database.writing() as session:
        notes.refuse_note(session, correction, "À revoir.", now=LATER, actor=APPROVER)
    assert offers(database, AUTHOR, AUTHORS) == [key]


def test_where_the_authors_account_is_closed_the_correction_is_offered_to_approvers(database, outdated):
    key = outdated(signed=True)
    with database.writing() as session:
        session.execute(update(User).where(User.email == AUTHOR).values(active=False))
    assert offers(database, APPROVER, APPROVERS) == [key]


def test_each_figure_stands_as_it_was_signed_and_as_it_is_counted_today(database, outdated):
    key = outdated()
    with database.reading() as session:
        changes = [
            (one.label, one.before, one.after) for one in notes.changed_figures(notes.get_note_by_key(session, key))
        ]
    assert [(before, after) for _, before, after in changes] == [("985", "279"), ("307 sur 985", "non reconstituable")]
    assert TITLE in changes[0][0]
    assert "première vague : destinataires" in changes[0][0].replace("\xa0", " ")
