"""The progress of a sending in a real browser: live, then silent; readable by all, also without a script."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.application import planned
from tests.conftest import NOW
from tests.web.campaigns.test_progress import end, settle, starts_in

pytestmark = [pytest.mark.browser, pytest.mark.long]
SHORTEST_REST = 2  # seconds between two questions of a page
TABS = ("progress", "authorities", "authorities?wave=1&outcome=accepted", "progress/waves", "progress/journal")


@pytest.fixture
def launched(launched_sample):
    settle(launched_sample, 5)


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def pass_time(page, seconds=9):
    """What the page has put off till then happens, and what it asks for has left."""
    page.clock.fast_forward(seconds * 1000)
    page.wait_for_timeout(300)


def test_every_tab_keeps_the_accessibility_rules_at_both_widths(staff, launched, violations, looks):
    for tab in TABS:
        staff.goto(f"/campaigns/1/{tab}")
        for look in looks(staff):
            assert (violations(staff), overflow(staff) <= 0) == ([], True), (tab, look)


def test_the_page_follows_the_sending_then_asks_no_more_and_keeps_the_focus(staff, launched, sample_database):
    asked, started = [], time.monotonic()
    staff.on("request", lambda request: asked.append(request.url) if "/live" in request.url else None)
    staff.clock.install()
    staff.goto("/campaigns/1/progress")
    staff.get_by_role("link", name="Voir qui").focus()
    settle(sample_database, 3)
    expect(staff.get_by_role("status")).to_contain_text(re.compile(r"^8 des \d+ courriels sont remis"))
    expect(staff.locator(":focus")).to_have_text("Voir qui")
    assert staff.locator("#bar").evaluate("bar => bar.value") < 100
    end(sample_database)
    expect(staff.get_by_role("status")).to_contain_text("devaient recevoir ce courriel")
    expect(staff.locator("#stage")).not_to_have_text("En cours")
    expect(staff.locator("#bar")).to_have_count(0)
    expect(staff.get_by_role("row", name="Remis")).to_be_visible()
    assert 2 <= len(asked) <= (time.monotonic() - started) / SHORTEST_REST
    pass_time(staff)
    before = len(asked)
    pass_time(staff)
    assert len(asked) == before


def test_what_somebody_has_opened_stays_open(staff, launched, sample_database):
    staff.goto("/campaigns/1/progress")
    staff.get_by_role("button", name="Mettre en pause").click()
    opened = staff.locator("#moment details").filter(has_text="que chaque nombre compte")
    opened.locator("> summary").focus()
    staff.keyboard.press("Enter")
    settle(sample_database, 3)
    expect(staff.locator("#status")).to_contain_text(re.compile("^8 des"))
    expect(opened).to_have_attribute("open", "")
    expect(opened.locator("> summary")).to_be_focused()


def test_nothing_is_asked_while_nobody_looks(staff, launched):
    asked = []
    staff.on("request", lambda request: asked.append(request.url) if "/live" in request.url else None)
    staff.clock.install()
    staff.add_init_script("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
    staff.goto("/campaigns/1/progress")
    pass_time(staff)
    assert asked == []
    with staff.expect_request("**/live?*"):
        staff.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    assert len(asked) == 1


def test_a_button_that_goes_leaves_the_focus_where_it_stood(staff, launched, sample_database):
    staff.goto("/campaigns/1/progress")
    staff.get_by_role("button", name="Mettre en pause").focus()
    end(sample_database)
    expect(staff.get_by_role("button", name="Mettre en pause")).to_have_count(0)
    expect(staff.locator("#actions")).to_be_focused()


def test_the_banner_counts_down_and_calls_the_sending_off(staff, app, sample_database, violations):
    planned(sample_database, NOW)
    starts_in(sample_database, app, 50)
    staff.goto("/campaigns/1/progress")
    assert violations(staff) == []
    expect(staff.locator("#seconds")).to_have_text("50\xa0secondes")
    settings = app.extensions["outreach.settings"]
    app.extensions["outreach.settings"] = settings.model_copy(update={"clock_offset": settings.clock_offset + 20})
    expect(staff.locator("#seconds")).to_have_text("30\xa0secondes")
    staff.get_by_role("button", name="Annuler l’envoi").click()
    expect(staff.get_by_role("heading", name="Vérifier et planifier")).to_be_visible()


def test_without_a_script_the_page_comes_back_by_itself_and_its_buttons_work(plain, launched, sample_database):
    plain.goto("/campaigns/1/progress")
    settle(sample_database, 3)
    expect(plain.get_by_role("status")).to_contain_text("8 des")
    plain.get_by_role("button", name="Mettre en pause").click()
    expect(plain.locator("#status")).to_contain_text("la première vague est en pause")
    plain.get_by_role("link", name="Voir qui", exact=True).click()
    expect(plain.get_by_role("heading", name="Pouvoirs organisateurs")).to_be_visible()


def test_an_error_is_shown_nowhere_and_the_page_asks_again(staff, launched, sample_database):
    asked = []

    def once_unavailable(route):
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=429, body="<p>Trop de demandes</p>")
        else:
            route.continue_()

    staff.route("**/live?*", once_unavailable)
    staff.goto("/campaigns/1/progress")
    settle(sample_database, 3)
    expect(staff.get_by_role("status")).to_contain_text("8 des")
    assert len(asked) >= 2
    assert "Trop de demandes" not in staff.content()


def test_a_printed_page_of_progress_stands_upright_and_leaves_no_page_empty(staff, launched, sample_database):
    end(sample_database)
    staff.goto("/campaigns/1/progress")
    printed = staff.pdf(prefer_css_page_size=True)
    (wide, high) = map(float, re.search(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", printed).groups())
    assert wide < high
    assert len(re.findall(rb"/Type /Page\b", printed)) <= 2
