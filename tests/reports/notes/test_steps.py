"""The steps of a note: frozen, approved by a second person with number and files at once, refused, published."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import event, select, update

from outreach.access import approvals
from outreach.access.approvals import Decision, Thing
from outreach.core import audit
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.reports import files, notes
from outreach.reports.notes import NoteApproval, NoteFile, NoteState
from outreach.reports.notes._models import NoteRow
from tests.conftest import NOW
from tests.factories import APPROVER, AUTHOR
from tests.reports.notes.conftest import ROWS, finish
from tests.reports.notes.contents import content, correction
from tests.tampering import unguard


def test_freezing_keeps_figures_rows_and_digest_and_gives_no_number(database, freeze):
    key = freeze()
    with database.reading() as session:
        note = notes.get_note_by_key(session, key)
        assert (note.state, note.approval, note.sha256) == (NoteState.FROZEN, None, content().sha256())
        assert notes.stored_content(note) == content()
        rows = session.scalars(select(NoteRow).order_by(NoteRow.fase)).all()
        kept = [(row.strand, row.fase, row.status, row.word, row.effective_on) for row in rows]
        assert kept == [(row.strand, row.fase, row.status, row.word, row.effective_on) for row in ROWS]


def test_a_second_persons_approval_gives_number_signature_and_files_together(database, freeze, approve):
    key = freeze()
    assert approve(key) == "2021-001"
    with database.reading() as session:
        note = notes.by_number(session, "2021-001")
        assert (note.id, note.state, note.approval.signature) == (key, NoteState.APPROVED, "signature")
        assert {file.kind for file in notes.files_of(session, note)} == {"json", "pdf"}
        assert notes.file_of(session, note, "json").content == notes.as_numbered(note, "https://x").sealed_json()


def test_each_number_names_the_digest_of_the_note_before_it(database, freeze, approve, gathered):
    other = replace(gathered, content=replace(content(), title="Autre"))
    first, second = freeze(), freeze(other)
    assert [approve(second), approve(first)] == ["2021-001", "2021-002"]
    assert approve(freeze(), now=NOW + timedelta(days=365)) == "2022-001"
    with database.reading() as session:
        before = session.scalars(select(NoteApproval.previous_sha256).order_by(NoteApproval.position)).all()
    assert before == ["", other.content.sha256(), content().sha256()]


def test_whoever_froze_a_note_does_not_decide_about_it(database, freeze, approve):
    key = freeze()
    with pytest.raises(Refused, match="autre personne"):
        approve(key, actor=AUTHOR)
    with database.writing() as session, pytest.raises(Refused, match="autre personne"):
        notes.refuse_note(session, key, "non", now=NOW, actor=AUTHOR)


def test_a_refused_note_stays_without_a_number(database, freeze, approve):
    key = freeze()
    with database.writing() as session:
        with pytest.raises(InputError, match="pourquoi"):
            notes.refuse_note(session, key, " ", now=NOW, actor=APPROVER)
        assert notes.refuse_note(session, key, "Le jour est faux.", now=NOW, actor=APPROVER).id == key
    with pytest.raises(Refused, match="Marc Dethier a refusé la note"):
        approve(key)
    with database.reading() as session:
        assert notes.get_note_by_key(session, key).state is NoteState.REFUSED
        assert not session.scalars(select(NoteApproval)).all()


def test_a_note_is_approved_once(freeze, approve):
    key = freeze()
    approve(key)
    with pytest.raises(Refused, match="2021-001"):
        approve(key)


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), Refused("typst"), KeyboardInterrupt()])
def test_a_fault_while_files_are_made_uses_up_no_number(database, freeze, approve, fault):
    def fail(_note):
        raise fault

    key = freeze()
    with pytest.raises(type(fault)):
        approve(key, finish=fail)
    with database.reading() as session:
        assert notes.get_note_by_key(session, key).state is NoteState.FROZEN
    assert approve(key) == "2021-001"


@pytest.mark.postgresql
def test_a_disk_that_is_full_at_the_last_row_uses_up_no_number(database, freeze, approve):
    key, stored = freeze(), []

    def fail(_connection, _cursor, statement, *_):
        stored.append((statement.split() * 3)[2])
        if stored[-1] == "audit_entries":
            raise OSError(28, "No space left on device")

    event.listen(database.engine, "before_cursor_execute", fail)
    with pytest.raises(OSError, match="No space"):
        approve(key)
    event.remove(database.engine, "before_cursor_execute", fail)
    assert {"note_approvals", "note_files"} <= set(stored)
    with database.reading() as session:
        assert not session.scalars(select(NoteApproval)).all()
        assert not session.scalars(select(NoteFile)).all()
    assert approve(key) == "2021-001"


@pytest.mark.postgresql
def test_two_approvals_at_once_give_two_numbers(database, freeze, approve):
    """Both make their files for the same number first; the later one makes them anew."""
    keys, meeting, made = [freeze(), freeze()], Barrier(2), []

    def together(note):
        if len(made) < 2:
            made.append(note.number)
            meeting.wait(timeout=10)
        else:
            made.append(note.number)
        return finish(note)

    with ThreadPoolExecutor(2) as threads:
        numbers = list(threads.map(lambda key: approve(key, finish=together), keys))
    assert sorted(numbers) == ["2021-001", "2021-002"]
    assert made == ["2021-001", "2021-001", "2021-002"]
    with database.reading() as session:
        for number in numbers:
            note = notes.by_number(session, number)
            assert f'"number":"{number}"'.encode() in notes.file_of(session, note, "json").content


def test_publishing_is_an_act_of_its_own_done_once(database, freeze, approve):
    number = approve(freeze())
    with database.writing() as session:
        assert notes.publish_note(session, number, now=NOW, actor=APPROVER).id
    with database.writing() as session, pytest.raises(Refused, match="publiée depuis"):
        notes.publish_note(session, number, now=NOW, actor=APPROVER)
    with database.writing() as session, pytest.raises(NotFound, match="2021-009"):
        notes.publish_note(session, "2021-009", now=NOW, actor=APPROVER)
    with database.reading() as session:
        note = notes.by_number(session, number)
        assert note.state is NoteState.PUBLISHED
        lines = [entry.sentence for entry in audit.entries_about(session, notes.note_subject(note))]
    assert [sentence.split()[-1] for sentence in lines[:2]] == ["publiée.", "2021-001."]
    assert len(lines) == 3


def test_a_note_is_corrected_once_and_then_its_correction(database, freeze, approve, gathered):
    first = freeze()
    assert approve(first) == "2021-001"
    corrected = replace(gathered, content=correction(), corrects_id=first)
    second = freeze(corrected)
    with pytest.raises(Refused, match="attend déjà"):
        freeze(corrected)
    with database.writing() as session:
        notes.refuse_note(session, second, "Non.", now=NOW, actor=APPROVER)
    assert approve(freeze(corrected)) == "2021-002"
    with pytest.raises(Refused, match="déjà corrigée par la note 2021-002"):
        freeze(corrected)
    with database.reading() as session:
        old = notes.by_number(session, "2021-001")
        assert (old.state, old.corrected_by.number) == (NoteState.APPROVED, "2021-002")


@pytest.mark.postgresql
def test_a_note_awaits_approvers_other_than_its_author(database, freeze, approve):
    key, other = freeze(), freeze()
    approve(other)
    with database.reading() as session:
        awaited = [session.scalars(approvals.awaiting_approval(person)).all() for person in (AUTHOR, APPROVER)]
        assert [[(made.thing, made.key) for made in of] for of in awaited] == [[], [(Thing.NOTE, key)]]
        counts = {state: notes.count_notes(session, state) for state in (None, *NoteState)}
        assert counts == {
            None: 2,
            NoteState.FROZEN: 1,
            NoteState.RECOUNTED: 0,
            NoteState.REFUSED: 0,
            NoteState.APPROVED: 1,
            NoteState.PUBLISHED: 0,
        }


def test_a_number_without_an_approval_of_its_figures_proves_no_file(database, freeze, approve):
    number = approve(freeze())
    with database.writing() as session:
        assert list(files.known_notes(session).figures) == [number]
        unguard(session, "decisions")
        session.execute(update(Decision).values(digest="0" * 64))
        assert (files.known_notes(session).figures, files.known_notes(session).files) == ({}, [])
