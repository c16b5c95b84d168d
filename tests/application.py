"""Fixtures for tests that open pages: an application with the sample data on SQLite, and signed-in clients."""

import time
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from outreach.access import accounts
from outreach.campaigns import planning, waves
from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Database, Way
from outreach.core.settings import Settings, read
from outreach.core.site import NONE
from outreach.operations.demo import people
from outreach.web.app import create_app
from outreach.web.public.tracking_endpoint import Hits
from outreach.web.sign_in.access_log_queue import EXTENSION
from outreach.web.sign_in.sessions import KEY, TOKEN
from outreach.web.ui import request, templates
from tests import factories, writing_watch
from tests.conftest import NOW, state_from
from tests.factories import APPROVER, AUTHOR
from tests.pages import PageClient

HOUR = 3600.0
# When pages are asked for: a Tuesday before the days that tests plan for.
ASKED_AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def backend():
    return "sqlite"


class Lent(Database):
    """The database of an application shared by tests: it takes over the database of each test in turn."""

    def __init__(self):
        """Open no database: `become` sets one."""
        self._last_calls, self.watch = [], None

    def become(self, other):
        vars(self).update(vars(other) | {"way": Way.PAGE})

    def by(self, _way):
        """Itself, by the way of pages: a copy would keep the database of an earlier test."""
        return self


class Standing:
    """One application per process, because compiling routes and templates takes longer than serving most pages."""

    def __init__(self, data):
        self.settings, self.database = read({"OUTREACH_DATA": str(data)}), Lent()
        self.app = create_app(self.settings, self.database)
        self.app.config["TESTING"] = True
        self.app.test_client_class = PageClient
        self.app.extensions[EXTENSION].gather_seconds = 0.0  # each test waits for what it noted
        self.config, self.extensions = dict(self.app.config), dict(self.app.extensions)

    def anew(self, database):
        """The application in its initial state, with another database: no state of earlier tests remains."""
        self.database.become(database)
        for kept, made in ((self.app.config, self.config), (self.app.extensions, self.extensions)):
            kept.clear()
            kept.update(made)
        self.extensions[EXTENSION]._last.clear()
        self.app.wsgi_app = Hits(self.app.wsgi_app.pages, self.database, self.settings)
        return self.app


@pytest.fixture(scope="session")
def standing(templates):
    return Standing(templates.data)


@pytest.fixture
def app(standing, sample_database, while_writing, monkeypatch):
    monkeypatch.setattr(Settings, "instant", instants())
    monkeypatch.setattr(request, "READING_SECONDS", 60.0)  # a busy machine takes longer than a page may
    made = standing.anew(sample_database)
    # Its process has asked for the letterhead: which page asks again depends on the clock, and statements are counted.
    made.extensions[templates.KEPT] = (time.monotonic() + HOUR, NONE)
    yield made
    assert standing.app.extensions[EXTENSION].flush()  # what is written later would go into the next test's database


def instants():
    """A clock of pages that passes no minute, no day and no year within a test: it goes on by a millisecond a look."""
    looks = count()
    return lambda settings: ASKED_AT + timedelta(seconds=settings.clock_offset, milliseconds=next(looks))


@pytest.fixture
def while_writing():
    """What requests of the test did while they were writing, and may not do then."""
    with pytest.MonkeyPatch.context() as patches, writing_watch.watched(patches) as faults:
        yield faults
    assert faults == []


@pytest.fixture
def password(app, templates):
    return people.password(templates.data)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def signed_in(app):
    """A client signed in as the demonstration's person of a role, by a session that did not pass the form."""
    return lambda role, *, has_factor=False: sign_in(app, role, has_factor=has_factor)


def sign_in(app, role, *, has_factor=False):
    client = app.test_client()
    with app.extensions["outreach.database"].writing() as session:
        person = accounts.user_named(session, people.person_for(role).email)
        uniquifier, number = person.fs_uniquifier, person.id
        now = app.extensions["outreach.settings"].instant()
        key = accounts.begin_session(session, person.id, "Firefox sous Linux", has_factor=has_factor, now=now)
    with client.session_transaction() as cookie:
        cookie.update({"_user_id": uniquifier, "_fresh": True, KEY: key, TOKEN: f"{number}.x"})
    return client


@pytest.fixture
def author(signed_in):
    return signed_in("author")


def planned(database, at, more=""):
    """The ready-made invitation, approved and planned on the sample, with more text; returns the wave's key."""
    stated = factories.invitation()
    with database.writing() as session:
        campaign = factories.campaign(session, stated.model_copy(update={"letter": stated.letter + more}), NOW)
        planning.submit_campaign(session, campaign, now=NOW, actor=AUTHOR)
        planning.approve_campaign(session, campaign, now=NOW, actor=APPROVER)
        return planning.schedule_campaign(session, campaign, at, now=NOW, actor=AUTHOR).id


@state_from("sample")
def launched_sample(database, settings):
    """The sample with the ready-made invitation, whose first wave was launched at NOW: all its letters wait."""
    wave = planned(database, NOW)
    with database.writing() as session:
        waves.advance_wave(session, wave, SenderIdentity.of(settings), now=NOW)
