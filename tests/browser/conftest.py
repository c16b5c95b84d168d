import itertools
import shutil
import threading
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import insert, select
from werkzeug.serving import make_server

from outreach.access.accounts import StaffSession, User
from outreach.core.db import table_of
from outreach.operations.demo import people
from tests.application import (
    app,
    author,
    backend,
    client,
    launched_sample,
    password,
    signed_in,
    standing,
    while_writing,
)
from tests.needed import refuse
from tests.pages import open_pages_before

__all__ = [
    "app",
    "author",
    "backend",
    "client",
    "launched_sample",
    "password",
    "signed_in",
    "standing",
    "while_writing",
]
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")  # without a window it takes half
expect.set_options(timeout=20_000)  # a busy machine takes longer than the five seconds that are usual
SILENT = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        refuse("Chromium is missing")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SILENT)
        yield browser
        browser.close()


@pytest.fixture
def served(app, monkeypatch):
    open_pages_before(monkeypatch)
    with serving(app) as address:
        yield address


@contextmanager
def serving(app):
    """An application behind a server of its own, until no request of it is under way: its address."""
    counted = Counted(app)
    server = make_server("127.0.0.1", 0, counted, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    counted.wait()
    server.server_close()


class Counted:
    """An application, and how many requests it is answering: a page that asks again may do so as its test ends."""

    def __init__(self, app):
        self._app, self._under_way, self._changed = app, 0, threading.Condition()

    def __call__(self, environ, start):
        self._add(1)
        try:
            return self._app(environ, start)
        finally:
            self._add(-1)

    def wait(self, seconds=30):
        """Wait until no request is under way: one that outlived its test would hold that test's database."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._under_way, seconds)

    def _add(self, many):
        with self._changed:
            self._under_way += many
            self._changed.notify_all()


@pytest.fixture
def open_page(chromium, served):
    """Open a tab; at the end, nothing may have been written on its console or fetched from elsewhere."""
    contexts, faults = [], []

    def opened(**options):
        context = chromium.new_context(base_url=served, locale="fr-BE", reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console", lambda m: faults.append(m.text) if m.type == "error" and "status of 4" not in m.text else None
        )
        page.on("request", lambda r: faults.append(r.url) if not r.url.startswith((served, "data:")) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def visitor(open_page):
    return open_page(viewport={"width": 1280, "height": 900})


@pytest.fixture
def enter(password):
    def signed(page):
        page.goto("/sign-in")
        page.get_by_label("Adresse de courriel").fill(people.person_for("author").email)
        page.get_by_label("Mot de passe").fill(password)
        page.get_by_role("button", name="Se connecter").click()
        page.locator(".me").wait_for()
        return page

    return signed


@pytest.fixture
def staff(app, visitor, enter, templates):
    """The author's tab: signed in by the form once a sample, then by its cookie and a copy of its session."""
    database = app.extensions["outreach.database"]
    with database.reading() as session:
        of_author = User.email == people.person_for("author").email
        sample = session.execute(select(User.id, User.password).where(of_author)).one()  # each made its own
    if sample in templates.sessions:
        cookies, row = templates.sessions[sample]
        with database.writing() as session:
            session.execute(insert(StaffSession), row)
    else:
        cookies = enter(visitor).context.cookies()
        with database.reading() as session:
            newest = select(table_of(StaffSession)).order_by(StaffSession.id.desc()).limit(1)
            row = {name: value for name, value in session.execute(newest).one()._mapping.items() if name != "id"}
        templates.sessions[sample] = cookies, row
    visitor.context.add_cookies(cookies)
    return visitor


@pytest.fixture
def plain(open_page, enter):
    """A browser whose scripts are off, signed in by the form each time."""
    return enter(open_page(java_script_enabled=False))


@pytest.fixture
def looks():
    """Go through a page as it looks at each width, light and dark in turn; it is loaded once, and laid out anew."""

    def through(page, widths=(1280, 390)):
        for width, scheme in zip(widths, itertools.cycle(("light", "dark"))):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            yield f"{width} px, {scheme}"

    return through


@pytest.fixture
def violations():
    """The names of the rules a page breaks; to be told of all that it keeps would take three times as long."""
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}

    def found(page):
        if not page.evaluate("'axe' in window"):
            page.evaluate(Axe().axe_script)
        return page.evaluate("asked => axe.run(asked).then(told => told.violations.map(one => one.id))", options)

    return found
