"""Fixtures of tests that open pages: an application on the sample, on SQLite, and people signed in."""

import pytest

from outreach.app import create_app
from outreach.demo import people
from outreach.settings import read
from tests.pages import PageClient


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture
def app(sample_database, templates, tmp_path):
    settings = read({"OUTREACH_DATA": str(templates.data)})
    made = create_app(settings, sample_database)
    made.config["TESTING"] = True
    made.test_client_class = PageClient
    return made


@pytest.fixture
def password(app, templates):
    return people.password(templates.data)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def signed_in(app, password, templates):
    """A client signed in as the demonstration's person of a role: by the form once a process, then by its cookie."""

    def sign_in(role):
        client = app.test_client()
        if role not in templates.sessions:
            assert client.sign_in(people.person_for(role).email, password).status_code == 302
            templates.sessions[role] = client.get_cookie("outreach").value
        client.set_cookie("outreach", templates.sessions[role])
        return client

    return sign_in


@pytest.fixture
def author(signed_in):
    return signed_in("author")
