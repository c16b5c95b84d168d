"""What other sites may load from us, and that no header makes a browser complain or a letter lose its pixel."""

import threading

import pytest
from werkzeug.serving import make_server

from outreach.web.ui.templates import asset
from tests.browser.test_letters import letter

__all__ = ["letter"]
pytestmark = [pytest.mark.browser, pytest.mark.long]
PAGE = """<!doctype html><title>Un webmail</title><link rel=stylesheet href="{0}/static/app.css">
<img id=pixel src="{0}/o/x.gif"><img id=icon src="{0}{1}">"""
WIDTH = "image => image.complete && image.naturalWidth"


@pytest.fixture
def elsewhere(served):
    """The address of a page of another site, a webmail, which shows what is ours."""

    def webmail(_environ, start):
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [PAGE.format(served, asset("icon.svg")).encode()]

    server = make_server("127.0.0.1", 0, webmail, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_site_shows_a_letter_s_pixel_and_loads_nothing_else_of_ours(chromium, served, elsewhere):
    context = chromium.new_context()
    page, refused = context.new_page(), []
    page.on("requestfailed", lambda request: refused.append((request.url.partition("?")[0], request.failure)))
    page.goto(elsewhere)
    assert page.locator("#pixel").evaluate(WIDTH) == 1
    assert page.locator("#icon").evaluate(WIDTH) == 0
    why = "net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin"
    ours = [address for address in refused if address[0].startswith(served)]
    assert sorted(ours) == [(f"{served}/static/app.css", why), (f"{served}/static/icon.svg", why)]
    context.close()


def test_a_letter_in_its_frame_has_its_pixel_and_no_header_is_complained_about(staff, letter, served):
    said = []
    staff.on("console", lambda message: said.append(message.text))
    staff.goto("/mailbox")
    with staff.expect_event("requestfinished", lambda request: "/o/" in request.url) as pixel:
        staff.get_by_role("link", name="À répondre").first.click()
    assert pixel.value.response().ok
    staff.goto("/directory")
    with staff.expect_download() as download:
        staff.get_by_role("link", name="XLSX").first.click()
    assert download.value.path().stat().st_size > 1000
    assert "\n".join(said) == ""
