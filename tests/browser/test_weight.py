"""What a first visit costs on the wire: a page and all it needs, with nothing kept from before."""

import pytest

from tests.browser.test_campaigns import begun, sign_in
from tests.web.test_responses import letters, wbe

pytestmark = [pytest.mark.browser, pytest.mark.long]

__all__ = ["begun", "letters", "sign_in", "wbe"]

SITUATION, ANSWER, EDITOR, WITHOUT_EDITOR = 85_000, 65_000, 120_000, 90_000  # bytes


@pytest.fixture
def weighed(open_page):
    """A new tab, and the bytes that it received so far, headers included."""
    page, received = open_page(viewport={"width": 1280, "height": 900}), []
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    return page, received


@pytest.mark.full
def test_the_situation_weighs_little(weighed, enter):
    page, received = weighed
    enter(page)
    page.wait_for_load_state("networkidle")
    received.clear()
    page.goto("/", wait_until="networkidle")
    assert len(received) > 3
    assert sum(received) <= SITUATION


@pytest.mark.full
def test_the_largest_authority_s_answer_page_weighs_little(weighed, wbe):
    page, received = weighed
    page.goto(wbe, wait_until="networkidle")
    assert len(received) > 2
    assert sum(received) <= ANSWER


def test_the_editor_of_a_letter_weighs_little(begun):
    page, address = begun
    network, sizes, urls = page.context.new_cdp_session(page), {}, {}
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    network.on("Network.responseReceived", lambda event: urls.update({event["requestId"]: event["response"]["url"]}))
    network.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(f"{address}/letter", wait_until="networkidle")
    of_editor = [size for request, size in sizes.items() if "letter-editor.js" in urls.get(request, "")]
    assert 0 < sum(of_editor) <= EDITOR
    assert sum(sizes.values()) - sum(of_editor) <= WITHOUT_EDITOR
