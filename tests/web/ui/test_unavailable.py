"""What everybody sees while the database is away or of another version, and what a monitor is told."""

import logging

import pytest
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import text

from outreach.access import accounts
from outreach.core.db import Database, watch
from outreach.delivery import workers
from outreach.operations import migrations
from outreach.web.ui import request
from tests.conftest import PLACE

ADDRESSES = ("/", "/campaigns", "/account", "/directory")  # that need an account
UNREAD = "ne peut pas lire votre compte pour l’instant"


@pytest.fixture
def lend(app):
    """Give the application another database, which it watches as a web process does."""
    lent = []

    def become(url):
        other = Database(url).watched(migrations.fault_of)
        lent.append(other)
        app.extensions["outreach.database"].become(other)

    yield become
    for other in lent:
        other.dispose()


@pytest.fixture
def gone(lend):
    lend("postgresql://nobody@127.0.0.1:1/none")


def test_staff_get_a_french_page_and_the_log_one_line_while_the_database_is_away(app, author, gone, caplog):
    app.config["TESTING"] = False
    for address in ADDRESSES * 2:
        page = author.get(address)
        assert page.status_code == 503
        assert "Le service ne peut pas répondre pour l’instant" in page.text
        assert page.headers["Retry-After"]
    warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.name for record in warned] == [watch.logger.name]
    assert all(record.exc_info is None for record in warned)


@pytest.mark.journey
@pytest.mark.long
def test_staff_get_what_strangers_get_of_pages_that_need_no_account(app, client, author, gone, sample_url, lend):
    addresses = ["/sign-in", "/sign-in/forgotten", "/accessibility", "/data-protection", "/nowhere", "/campaigns/x"]
    addresses += ["/a/x", "/c/x", "/u/x", "/n/key", "/sign-in/oidc", "/.well-known/security.txt", "/healthz"]
    for address in addresses:
        assert author.get(address).status_code == client.get(address).status_code, address
    for address in ("/sign-in", "/nowhere"):
        assert (UNREAD in author.get(address).text, UNREAD in client.get(address).text) == (True, False)
    lend(sample_url)
    assert author.get("/campaigns").status_code == 200, "the session goes on"


def test_signing_out_does_not_seem_to_be_done_while_the_database_is_away(app, author, gone):
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        assert author.post("/sign-out").status_code == 503
    finally:
        app.config["WTF_CSRF_ENABLED"] = True


def test_nobody_is_told_that_nothing_was_stored_when_it_may_have_been(client, gone):
    sent = client.post("/a/x", data={"answer": "help"})
    assert sent.status_code == 503
    assert "peut-être pas été enregistré" in sent.text
    assert "peut-être" not in client.get("/sign-in").text


def test_a_form_with_a_stale_token_gets_the_same_page(app, author, gone, caplog):
    app.config["TESTING"] = app.config["PROPAGATE_EXCEPTIONS"] = False
    with author.session_transaction() as cookie:
        stale = cookie["csrf_token"]
        cookie["csrf_token"] = "of another session"
    form = {"csrf_token": URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(stale), "letter": "x"}
    sent = author.post("/campaigns/1/letter", data=form, headers={"Origin": "http://localhost"})
    assert (sent.status_code, sent.headers.get("Retry-After")) == (503, "30")
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == [watch.logger.name]


def test_an_account_that_takes_too_long_to_be_read_holds_nobody_up(author, monkeypatch):
    endless = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000000) SELECT max(i) FROM n"
    )
    monkeypatch.setattr(request, "READING_SECONDS", 0.05)
    monkeypatch.setattr(accounts, "user_of_session", lambda session, *_, **__: session.execute(endless) and None)
    page = author.get("/campaigns")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "30")


def test_a_part_that_a_script_asked_for_leaves_the_page_with_what_was_typed(author, gone):
    page = author.get("/campaigns", headers={"HX-Request": "true"})
    assert (page.status_code, page.headers["HX-Reswap"]) == (503, "none")


def health(client):
    answer = client.get("/healthz")
    assert answer.mimetype == "application/json"
    assert "Set-Cookie" not in answer.headers
    return answer.status_code, answer.json


def test_a_monitor_is_told_in_words_that_a_late_clock_alone_takes_nothing_down(client, app, sample_database):
    values = {"status": "ok", "database": "ok", "schema": "ok"}
    assert health(client) == (200, values | {"clock": "late"})
    with sample_database.writing() as session:
        workers.clock_passed(session, "", place=PLACE, now=app.extensions["outreach.settings"].instant())
    assert health(client) == (200, values | {"clock": "ok"})
    assert client.post("/healthz").status_code == 405


def test_a_monitor_is_told_that_the_database_is_silent(client, gone):
    assert health(client) == (
        503,
        {"status": "unavailable", "database": "silent", "schema": "unknown", "clock": "unknown"},
    )


@pytest.mark.one_example
@pytest.mark.parametrize(("version", "word"), [("0092", "older"), ("0029", "too_old"), ("9999", "newer")])
def test_nothing_is_served_from_a_database_of_another_version(author, lend, sample_url, sample_database, version, word):
    with sample_database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    lend(sample_url)
    assert author.get("/campaigns").status_code == 503
    status, told = health(author)
    assert status == 503
    assert told == {"status": "unavailable", "database": "ok", "schema": word, "clock": "unknown"}
