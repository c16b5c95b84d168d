"""What pages note in the trail, after their answers, and the page that shows it to administrators."""

import time

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select

from outreach.access.accounts import AccessLogEntry, TrailKind
from outreach.core.db import Database
from outreach.delivery.models import Message
from outreach.web.sign_in import access_log_queue, sessions
from outreach.web.sign_in.access_log_queue import EXTENSION, TrailQueue
from tests.conftest import NOW
from tests.pages import cells, elements, links, text_of

AUTHOR, READER = "nadia.lambert@fwb.example", "claire.simon@fwb.example"


@pytest.fixture
def told(app, sample_database):
    """What the trail tells, in order: kinds, persons, details."""

    def read():
        assert app.extensions[EXTENSION].flush()
        with sample_database.reading() as session:
            lines = session.scalars(select(AccessLogEntry).order_by(AccessLogEntry.id))
            return [(line.kind, line.person, line.detail) for line in lines]

    return read


@pytest.mark.journey
@pytest.mark.long
def test_signing_in_failing_to_and_signing_out_are_told(client, password, told):
    browser = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"}
    client.sign_in(AUTHOR.upper(), "ma phrase secrète")
    client.sign_in("ma-phrase-secrete@fwb.example", "faux")
    client.sign_in(AUTHOR, password, headers=browser)
    form = {"password": "faux", "new_password": "une phrase longue", "new_password_confirm": "une phrase longue"}
    client.send("/account/password", form)
    client.send("/sign-out", page="/account")
    assert told() == [
        (TrailKind.SIGN_IN_FAILED, AUTHOR, ""),
        (TrailKind.SIGN_IN_FAILED, "", ""),
        (TrailKind.SIGNED_IN, AUTHOR, "Firefox sous Windows"),
        (TrailKind.PASSWORD_WRONG, AUTHOR, ""),
        (TrailKind.SIGNED_OUT, AUTHOR, ""),
    ]


@pytest.mark.long
def test_refusals_exports_and_opened_letters_are_told(signed_in, launched_sample, told):
    reader = signed_in("reader")
    with launched_sample.reading() as session:
        letter = session.scalars(select(Message.id).where(Message.reason.is_(None))).first()
    assert reader.get("/trail").status_code == 403
    assert reader.get("/directory/export.csv?network=WBE&q=a%00b").status_code == 200
    assert reader.get(f"/campaigns/1/letters/{letter}").status_code == 200
    assert FlaskClient.open(reader, f"/campaigns/1/letters/{letter}/html").status_code == 200
    assert reader.get("/campaigns/1/letters/999999").status_code == 404
    assert told() == [
        (TrailKind.REFUSED, READER, "GET /trail"),
        (TrailKind.EXPORTED, READER, "/directory/export.csv?network=WBE&q=a%00b"),
        (TrailKind.LETTER_OPENED, READER, f"campagne 1, courriel {letter}"),
    ]


def test_the_trail_has_no_network_address(client, password, told):
    client.environ_base["REMOTE_ADDR"] = "192.0.2.77"
    client.sign_in(AUTHOR, "faux")
    client.sign_in(AUTHOR, password, headers={"X-Forwarded-For": "192.0.2.78"})
    assert len(told()) == 2
    assert "192.0.2" not in str(told())


@pytest.mark.journey
@pytest.mark.long
def test_a_flood_that_is_refused_opens_no_transaction_that_writes(app, sample_database, told, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_BY_ACCOUNT", 1)
    for _ in range(2):
        app.test_client().sign_in(AUTHOR, "faux")
    assert [kind for kind, *_ in told()] == [TrailKind.SIGN_IN_FAILED, TrailKind.SIGN_IN_SLOWED]
    begun = []

    def note(_connection, _cursor, statement, *_rest):
        begun.extend([statement] if "IMMEDIATE" in statement else [])

    event.listen(sample_database.engine, "before_cursor_execute", note)
    assert {app.test_client().sign_in(AUTHOR, "faux").status_code for _ in range(5)} == {429}
    assert app.extensions[EXTENSION].flush()
    assert begun == []


def test_no_answer_waits_for_the_trail(app, signed_in, sample_database, told):
    reader = signed_in("reader")
    with sample_database.writing() as session:
        session.connection()  # beside it nothing else can be written
        begun = time.monotonic()
        assert reader.get("/directory/export.csv").status_code == 200
        assert not app.extensions[EXTENSION].flush(0.5)
        assert time.monotonic() - begun < 10
    assert [kind for kind, *_ in told()] == [TrailKind.EXPORTED]


def test_a_database_without_an_answer_costs_lines_and_no_request(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(access_log_queue, "AGAIN_SECONDS", (0, 0))
    empty = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    queue = TrailQueue(empty)
    queue.put(access_log_queue.LogLine(NOW, TrailKind.EXPORTED, AUTHOR))
    assert queue.flush()
    assert "1 lines of the trail are lost" in caplog.text
    queue.put(access_log_queue.LogLine(NOW, TrailKind.EXPORTED, AUTHOR))
    assert queue.flush(), "the thread goes on"
    empty.dispose()


def test_too_many_lines_are_lost_and_wait_for_nobody(sample_database, monkeypatch, caplog):
    monkeypatch.setattr(access_log_queue, "MOST_WAITING", 3)
    queue = TrailQueue(sample_database)
    with sample_database.writing() as session:
        session.connection()
        for number in range(20):
            queue.put(access_log_queue.LogLine(NOW, TrailKind.EXPORTED, AUTHOR, str(number)))
    assert queue.flush()
    assert "a line of the trail is lost" in caplog.text


def test_what_waits_is_written_before_the_process_ends(sample_database):
    queue = TrailQueue(sample_database)
    sample_database.before_dispose(queue.flush)
    queue.put(access_log_queue.LogLine(NOW, TrailKind.EXPORTED, AUTHOR))
    sample_database.dispose()
    with sample_database.reading() as session:
        assert session.scalars(select(AccessLogEntry.person)).all() == [AUTHOR]


@pytest.mark.journey
@pytest.mark.long
def test_an_administrator_reads_filters_and_exports_the_trail(signed_in, author, told):
    for address in ("/directory/export.csv", "/trail"):
        author.get(address)
    chief = signed_in("administrator")
    assert "/trail" in dict(links(chief.get("/administration")))
    assert len(told()) == 2
    rows = cells(elements(chief.get("/trail"), "table")[0])
    assert [row[1:] for row in rows[1:]] == [
        ["Accès refusé", AUTHOR, "GET /trail"],
        ["Export", AUTHOR, "/directory/export.csv"],
    ]
    refused = chief.get("/trail?kind=refused&person=nadia&since=2020-01-01")
    assert [row[1] for row in cells(elements(refused, "table")[0])[1:]] == ["Accès refusé"]
    for empty in ("/trail?person=claire", "/trail?until=2020-01-01"):
        assert "Aucune ligne ne correspond" in text_of(chief.get(empty))
    wrong = chief.get("/trail?since=hier&kind=x")
    assert "n’est pas une date" in text_of(wrong)
    assert len(cells(elements(wrong, "table")[0])) == 3
    exported = chief.get("/trail/export.csv?kind=refused").text
    assert exported.count("accès refusé") == 1
    assert "export;" not in exported
    assert chief.get("/trail/export.xlsx").status_code == 200
    assert told()[-2:] == [
        (TrailKind.EXPORTED, "hugo.willems@fwb.example", "/trail/export.csv?kind=refused"),
        (TrailKind.EXPORTED, "hugo.willems@fwb.example", "/trail/export.xlsx"),
    ]


def test_an_empty_trail_says_what_will_come(signed_in):
    assert "viendront ici" in text_of(signed_in("administrator").get("/trail"))


@pytest.mark.parametrize("role", ["reader", "author", "approver"])
def test_nobody_else_reads_the_trail(signed_in, role):
    for address in ("/trail", "/trail/export.csv", "/trail/export.xlsx"):
        assert signed_in(role).get(address).status_code == 403
