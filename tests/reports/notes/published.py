"""Notes that are frozen, approved and published in a database, signed, with the files that cost nothing."""

from datetime import date

from sqlalchemy import select

from outreach.adherence.models import Programme
from outreach.reports import notes
from outreach.reports.files._rendering import data_file
from outreach.reports.notes import FinishedNote
from outreach.reports.notes._freezing import Gathered
from tests.conftest import NOW
from tests.factories import APPROVER, AUTHOR

ADDRESS = "https://campagnes.fwb.example"


def approved(database, content, key, corrects=None):
    """Freeze and approve a note, and return its number. `corrects` is the number of the note that it corrects."""
    with database.writing() as session:
        programme = session.scalars(select(Programme.id)).first()
        old = notes.by_number(session, corrects).id if corrects else None
        gathered = Gathered(content, (), programme, date(2021, 5, 15), NOW, old)
        note = notes.freeze_note(session, gathered, now=NOW, actor=AUTHOR).id

    def finish(numbered):
        signature = notes.sign_note(numbered, key)
        return FinishedNote(signature.value, signature.public_key, {"json": data_file(numbered, signature)})

    return notes.approve_note(
        database, note, finish, address=ADDRESS, now=NOW, actor=APPROVER, approved_as="validation"
    )


def published(database, content, key, corrects=None):
    """The same, and publish it."""
    number = approved(database, content, key, corrects)
    with database.writing() as session:
        notes.publish_note(session, number, now=NOW, actor=APPROVER)
    return number
