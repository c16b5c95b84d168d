"""What people see when something goes wrong with us."""

from outreach.db import Database


def test_a_fault_of_ours_names_its_moment_without_a_database_and_shows_nothing_else(app, author, caplog):
    def broken():
        raise RuntimeError("secret detail")

    app.config["TESTING"] = False
    app.view_functions["responses.index"] = broken
    app.extensions["outreach.database"] = silent = Database("postgresql://nobody@127.0.0.1:1/none")
    page = author.get("/responses")
    silent.dispose()
    assert page.status_code == 500
    assert "Erreur du service" in page.text
    assert "secret detail" not in page.text
    assert "Traceback" not in page.text
    assert "secret detail" in caplog.text
    assert "told to somebody at 20" in caplog.text
