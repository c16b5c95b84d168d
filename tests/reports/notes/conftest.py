"""Fixtures of notes: a programme, a note gathered by hand, and what freezes, signs and approves it."""

from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from outreach.adherence import programmes
from outreach.adherence.models import Status, Word
from outreach.reports import notes
from outreach.reports.files._rendering import render
from outreach.reports.notes import FinishedNote
from outreach.reports.notes._freezing import Gathered, SchoolStanding
from tests import factories
from tests.conftest import NOW
from tests.factories import APPROVER, AUTHOR
from tests.reports.notes.contents import HOSTILE, content, correction, numbered, zones

ADDRESS = "https://campagnes.fwb.example"
ROWS = (
    SchoolStanding(1, 80001, Status.JOINED, Word.CONFIRMED, date(2021, 5, 3)),
    SchoolStanding(1, 80002, Status.NONE, None, None),
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def finish(note):
    """Sign a note and make its files in a moment: what the steps need to know of either."""
    return FinishedNote("signature", "key", {"json": note.sealed_json(), "pdf": b"%PDF"})


@pytest.fixture
def gathered(database):
    """A note that is ready to be frozen."""
    with database.writing() as session:
        programme = programmes.load_programme(session, factories.PROGRAMME, now=NOW, actor=AUTHOR)
        factories.add_people(session, NOW)
        return Gathered(content(), ROWS, programme.id, date(2021, 5, 15), NOW, None)


@pytest.fixture
def freeze(database, gathered):
    """Freezes a note, and returns its key."""

    def call(note=gathered, actor=AUTHOR, **named):
        with database.writing() as session:
            return notes.freeze_note(session, note, now=NOW, actor=actor, **named).id

    return call


@pytest.fixture
def approve(database):
    """Approves a note, and returns its number."""
    return partial(approve_in, database)


def approve_in(database, key, actor=APPROVER, finish=finish, now=NOW):
    """Approve a note of a database, and return its number."""
    return notes.approve_note(database, key, finish, address=ADDRESS, now=now, actor=actor, approved_as="validation")


@pytest.fixture(scope="session")
def full_note():
    """A note with every part, a map and an author who types what every format has to escape."""
    content = correction()
    return numbered(replace(content, tables=(*content.tables, zones()), text=HOSTILE, title="Bilan & <suite> #1 $x$"))


@pytest.fixture(scope="session")
def signature(full_note):
    return notes.sign_note(full_note, KEY)


@pytest.fixture(scope="session")
def files(full_note, signature):
    """Its files by kind, made once."""
    return render(full_note, signature)
