"""What people see when something goes wrong with us."""

import pytest

from outreach.db import Database

STRANGERS = {404: ("get", "/nowhere"), 405: ("get", "/sign-out"), 400: ("post", "/sign-in"), 413: ("post", "/sign-in")}


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


@pytest.mark.parametrize("code", STRANGERS)
def test_a_stranger_is_told_what_to_do_with_a_letter_s_link(client, code):
    method, address = STRANGERS[code]
    page = getattr(client, method)(address, data={"email": "x" * 2_000_000} if code == 413 else None)
    assert page.status_code == code
    assert "répondez à ce courriel" in page.text
    assert "<nav" not in page.text
    assert "Set-Cookie" not in page.headers


def test_staff_find_their_bar_on_an_error_page(author):
    page = author.get("/nowhere")
    assert page.status_code == 404
    assert 'aria-label="Principale"' in page.text
    assert "répondez à ce courriel" not in page.text
