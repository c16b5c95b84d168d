"""What people see when something goes wrong with us."""

import pytest
from sqlalchemy import text

from outreach.core.db import Database
from outreach.core.text.errors import NotFound, TookTooLong
from outreach.directory import authorities
from outreach.operations.demo import people
from outreach.web.ui import request
from tests.core.db.test_time_limit import FOR_LONG

STRANGERS = {404: ("get", "/nowhere"), 405: ("get", "/sign-out")} | dict.fromkeys((400, 411, 413), ("post", "/sign-in"))


def test_a_fault_of_ours_names_its_moment_without_a_database_and_shows_nothing_else(app, author, caplog, monkeypatch):
    def broken():
        raise RuntimeError("secret detail")

    app.config["TESTING"] = False
    monkeypatch.setitem(app.view_functions, "responses.index", broken)
    app.extensions["outreach.database"] = silent = Database("postgresql://nobody@127.0.0.1:1/none")
    page = author.get("/responses")
    silent.dispose()
    assert page.status_code == 500
    assert "Erreur du service" in page.text
    assert "secret detail" not in page.text
    assert "Traceback" not in page.text
    assert "secret detail" in caplog.text
    assert "told to somebody at 20" in caplog.text


def test_the_log_of_a_fault_holds_no_link_of_a_letter_and_nothing_typed_in_an_address(
    app, client, author, caplog, monkeypatch
):
    def broken(**_named):
        raise RuntimeError

    app.config["TESTING"] = False
    for view in ("public.answer", "links.link", "campaigns.list_authorities"):
        assert view in app.view_functions
        monkeypatch.setitem(app.view_functions, view, broken)
    for asking, address in (
        (client, "/a/a-token"),
        (client, "/account/links/a-token"),
        (author, "/campaigns/7/authorities"),
    ):
        assert asking.get(f"{address}?next=a-token").status_code == 500
    assert "a-token" not in caplog.text
    for rule in ("/a/<path:token>", "/account/links/<token>", "/authorities {'number': 7} [GET]"):
        assert rule in caplog.text


@pytest.mark.parametrize("code", STRANGERS)
def test_a_stranger_is_told_what_to_do_with_a_letter_s_link(client, code):
    method, address = STRANGERS[code]
    data, own = {413: {"email": "x" * 2_000_000}}.get(code), {411: {"Transfer-Encoding": "chunked"}}.get(code)
    page = getattr(client, method)(address, data=data, headers=own)
    assert page.status_code == code
    assert "répondez à ce courriel" in page.text
    assert "<nav" not in page.text
    assert "Set-Cookie" not in page.headers


def test_staff_find_their_bar_on_an_error_page(author):
    page = author.get("/nowhere")
    assert page.status_code == 404
    assert 'aria-label="Principale"' in page.text
    assert "répondez à ce courriel" not in page.text


@pytest.fixture
def costly_directory():
    """The directory's list asks the database for longer than a page may, until what is given is undone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(request, "READING_SECONDS", 0.3)
        patch.setattr(authorities, "list_networks", lambda session: session.execute(FOR_LONG).all())
        yield patch


@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_a_page_that_asks_too_much_ends_in_time_and_says_what_to_do(client, password, costly_directory):
    assert client.sign_in(people.person_for("author").email, password).status_code == 302
    page = client.get("/directory")
    assert page.status_code == 503
    assert "retirez des conditions du public" in page.text
    assert 'aria-label="Principale"' in page.text
    assert "HX-Retarget" not in page.headers
    part = client.get("/directory", headers={"HX-Request": "true"})
    assert part.headers["HX-Retarget"] == part.headers["HX-Reselect"] == "#main"
    costly_directory.undo()
    assert client.get("/directory").status_code == 200


@pytest.mark.long
def test_what_a_command_or_a_launch_reads_is_not_limited_after_a_request(author, costly_directory, sample_database):
    author.get("/directory")
    with sample_database.reading() as session:
        assert session.execute(text(str(FOR_LONG).replace("30000000", "2000000"))).scalar() == 2000000


def test_a_refusal_after_a_long_reading_is_said_as_any_other(author, monkeypatch, app):
    def refuse():
        with pytest.raises(TookTooLong):
            read_for_long()
        raise NotFound("Aucun courriel n’a ce numéro.")

    monkeypatch.setattr(request, "READING_SECONDS", 0.2)
    monkeypatch.setitem(app.view_functions, "today.index", refuse)
    page = author.get("/today")
    assert (page.status_code, "Aucun courriel n’a ce numéro." in page.text) == (404, True)


def read_for_long():
    with request.reading() as session:
        session.execute(FOR_LONG).all()


def test_a_recipient_is_told_to_try_again(client, monkeypatch, app):
    monkeypatch.setattr(request, "READING_SECONDS", 0.2)
    monkeypatch.setitem(app.view_functions, "public.accessibility", read_for_long)
    page = client.get("/accessibility")
    assert page.status_code == 503
    assert "Réessayez dans un moment" in page.text
    assert "conditions" not in page.text
