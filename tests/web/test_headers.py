"""The headers of every kind of answer, the names of cookies, whose forms are ours, and what programs look up."""

from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from outreach.campaigns import waves
from outreach.campaigns.letter import SenderIdentity
from outreach.core.settings import read
from outreach.core.text.errors import SettingsError
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Message
from outreach.engagement.tracking._models import Tracker
from outreach.web.app import create_app
from outreach.web.ui import headers
from outreach.web.ui.templates import asset
from tests.application import planned
from tests.conftest import NOW
from tests.pages import form_of

PUBLIC = "https://campagnes.example"
ABROAD = {
    "OUTREACH_MODE": "production",
    "OUTREACH_DATABASE_URL": "sqlite://",  # not opened: the tests hand over a database
    "OUTREACH_SECRET_KEY": "N3pq8tRz5vWx1yBc7dFg9hJk2mLn4sQa",
    "OUTREACH_TOKEN_KEYS": "pQ8wEr2tYu6iOp1aSd5fGh9jKl3zXc7v",
    "OUTREACH_PUBLIC_URL": PUBLIC,
    "OUTREACH_SMTP_URL": "smtp://relay.example:587",
    "OUTREACH_MAIL_DOMAIN": "courriel.example",
    "OUTREACH_MAILBOX_DOMAIN": "boites.test",
}
STATIC = asset("app.css")
KINDS = {  # of answers, by what asks for them: method, address, status; {x} is a genuine token
    "page": ("GET", "/accessibility", 200),
    "page of staff": ("GET", "/directory", 200),
    "export": ("GET", "/directory/export.csv", 200),
    "letter in a frame": ("GET", "/campaigns/1/letter/exact/html", 200),
    "redirect": ("GET", "/campaigns/1", 302),
    "host that is not ours": ("GET", "http://evil.test/sign-in", 400),
    "not found": ("GET", "/nowhere", 404),
    "wrong method": ("DELETE", "/sign-in", 405),
    "options": ("OPTIONS", "/sign-in", 200),
    "too large": ("POST", "/sign-in", 413),
    "no form": ("PUT", "/directory/9300/contacts", 415),
    "fault of ours": ("GET", "/responses", 500),
    "no database": ("GET", "/calendar", 503),
    "static": ("GET", STATIC, 200),
    "compressed static": ("GET", STATIC, 200),
    "known static": ("GET", STATIC, 304),
    "part of static": ("GET", STATIC, 206),
    "static, wrong method": ("POST", STATIC, 405),
    "no static": ("GET", "/static/none.css", 404),
    "opening": ("GET", "/o/{o}.gif", 200),
    "opening, headers only": ("HEAD", "/o/{o}.gif", 200),
    "opening, not genuine": ("GET", "/o/x.gif", 200),
    "opening, wrong method": ("POST", "/o/x.gif", 405),
    "click": ("GET", "/c/{c}", 302),
    "click, not genuine": ("GET", "/c/x", 404),
    "unsubscribing": ("POST", "/u/{u}", 200),
    "answer": ("GET", "/a/{a}", 200),
    "letter online": ("GET", "/v/{v}", 200),
    "well known": ("GET", "/.well-known/change-password", 302),
    "security.txt": ("GET", "/.well-known/security.txt", 404),
}
OWN = {
    "compressed static": {"headers": {"Accept-Encoding": "br"}},
    "known static": {"headers": {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}},
    "part of static": {"headers": {"Range": "bytes=0-9"}},
    "too large": {"data": {"email": "x" * 2_000_000}},
    "no form": {"data": b"{}", "content_type": "application/json"},
    "unsubscribing": {"data": {"List-Unsubscribe": "One-Click"}},
}


@pytest.fixture
def abroad(tmp_path, sample_database):
    """An application in production, on the sample."""
    return create_app(read({**ABROAD, "OUTREACH_DATA": str(tmp_path)}), sample_database)


@pytest.fixture
def tokens(app, sample_database):
    """A genuine token of each kind, by its letter in addresses."""
    sender = SenderIdentity.of(app.extensions["outreach.settings"])
    wave = planned(sample_database, NOW, "\n\nVoir [le programme](https://programme.example/).\n")
    with sample_database.writing() as session:
        waves.advance_wave(session, wave, sender, now=NOW)
        letter = session.scalars(select(Message.public_id).where(Message.reason.is_(None)).limit(1)).one()
        tracker = session.scalars(select(Tracker.public_id).order_by(Tracker.recipients.desc())).first()
    made = dict.fromkeys((TokenKind.UNSUBSCRIBE, TokenKind.ANSWER, TokenKind.VIEW), (letter, 0))
    made |= {TokenKind.OPEN: (tracker, 0), TokenKind.CLICK: (tracker, 1)}
    return {kind.name[0].lower(): sender.keys.make(kind, bytes.fromhex(of), link) for kind, (of, link) in made.items()}


def answers(client, tokens):
    """Each kind of answer, by its name."""

    for kind, (method, address, status) in KINDS.items():
        answer = FlaskClient.open(client, address.format(**tokens), method=method, **OWN.get(kind, {}))
        assert answer.status_code == status, (kind, answer.status_code)
        yield kind, answer


@pytest.fixture
def broken(app, monkeypatch):
    """Two pages that fail: by a fault of ours, and as the database does not answer."""

    def fail():
        raise RuntimeError

    def wait():
        raise OperationalError("", {}, Exception("no answer"))

    app.config["TESTING"] = False
    monkeypatch.setitem(app.view_functions, "responses.index", fail)
    monkeypatch.setitem(app.view_functions, "calendar.index", wait)


@pytest.mark.sweep
def test_every_kind_of_answer_has_the_headers_that_all_have(author, tokens, broken):
    for kind, answer in answers(author, tokens):
        said = answer.headers
        assert all(said.getlist(name) == [value] for name, value in headers.EVERYWHERE), kind
        is_pixel = kind in {"opening", "opening, headers only", "opening, not genuine"}
        sharing = "cross-origin" if is_pixel else "same-origin"
        assert said.getlist("Cross-Origin-Resource-Policy") == [sharing], kind
        assert "Access-Control-Allow-Origin" not in said, kind
        assert "Strict-Transport-Security" not in said, kind
        is_file = kind in {"static", "compressed static", "known static", "part of static"}
        assert ("immutable" if is_file else "no-store") in said["Cache-Control"], kind


def test_outside_a_demonstration_every_answer_keeps_browsers_to_tls(abroad):
    client = abroad.test_client()
    for address in ("/sign-in", "/directory", "/nowhere", STATIC, "/o/x.gif", "/c/x", "/u/x"):
        said = FlaskClient.get(client, address, base_url=PUBLIC).headers
        assert said.getlist("Strict-Transport-Security") == [headers.TLS_ONLY[1]], address


def test_outside_a_demonstration_cookies_are_bound_to_the_host_and_to_tls(abroad, password):
    client = abroad.test_client()
    form = form_of(client.get("/sign-in", base_url=PUBLIC))
    entry = {**form, "email": "nadia.lambert@fwb.example", "password": password}
    answer = client.post("/sign-in", base_url=PUBLIC, data=entry, headers={"Referer": f"{PUBLIC}/sign-in"})
    assert answer.status_code == 302
    given = {cookie.partition("=")[0]: cookie for cookie in answer.headers.getlist("Set-Cookie") if "=;" not in cookie}
    assert set(given) == {"__Host-outreach", "__Secure-outreach-known"}
    for cookie in given.values():
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert "Path=/" in given["__Host-outreach"].split("; ")
    assert client.get("/directory", base_url=PUBLIC).status_code == 200


@pytest.mark.long
@pytest.mark.parametrize(
    ("origin", "asked", "is_ours"),
    [
        (PUBLIC, PUBLIC, True),
        (PUBLIC, "http://campagnes.example", True),  # TLS ended before, and nothing says so
        (f"{PUBLIC}:443", PUBLIC, True),
        ("http://campagnes.example", PUBLIC, False),
        ("http://campagnes.example", "http://campagnes.example", False),
        (f"{PUBLIC}:8443", PUBLIC, False),
        (f"{PUBLIC}.evil.test", PUBLIC, False),
        ("https://evil.test", PUBLIC, False),
        ("null", PUBLIC, False),
        ("http://localhost:8000", "http://localhost:8000", True),  # through a tunnel
        ("http://localhost:9000", "http://localhost:8000", False),
        ("https://localhost:8000", "http://localhost:8000", False),
        ("http://localhost:99999", "http://localhost:8000", False),
    ],
)
def test_a_form_is_ours_by_its_scheme_host_and_port(abroad, origin, asked, is_ours):
    abroad.config["WTF_CSRF_ENABLED"] = False
    answer = abroad.test_client().post("/sign-out", base_url=asked, headers={"Origin": origin})
    assert answer.status_code == (302 if is_ours else 400)


def test_in_a_demonstration_a_form_of_another_port_is_refused(app):
    app.config["WTF_CSRF_ENABLED"] = False
    for origin, status in {"http://localhost:8000": 302, "http://localhost:9000": 400, "http://localhost": 400}.items():
        answer = app.test_client().post("/sign-out", base_url="http://localhost:8000", headers={"Origin": origin})
        assert answer.status_code == status, origin


def test_security_txt_names_the_official_page_for_less_than_a_year(tmp_path, sample_database):
    page = "https://fwb.example/campagnes"
    here = read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_OFFICIAL_PAGE": page})
    app = create_app(here, sample_database)
    answer = app.test_client().get("/.well-known/security.txt")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    named = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert named["Contact"] == page
    left = datetime.fromisoformat(named["Expires"]) - here.instant()
    assert timedelta(days=90) < left < timedelta(days=365)
    assert named["Canonical"] == "http://127.0.0.1:8000/.well-known/security.txt"


@pytest.mark.parametrize(
    "page",
    ["http://www.example", "https://a@b.example", 'https://b.example/"', "b.example", "https://a.be/\nContact: c"],
)
def test_an_official_page_that_could_mislead_stops_the_start(tmp_path, page):
    with pytest.raises(SettingsError, match="OUTREACH_OFFICIAL_PAGE"):
        read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_OFFICIAL_PAGE": page})


def test_password_managers_are_led_to_the_page_of_the_password(author, client):
    for reader in (author, client):
        assert reader.get("/.well-known/change-password").location == "/account/password"
