"""What the service's people see on a phone: one row for the bar, counts in view, no figure out of sight."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_campaigns import begin
from tests.browser.test_progress import launched, overflow

__all__ = ["launched"]
pytestmark = [pytest.mark.browser, pytest.mark.long]
PHONE = {"width": 390, "height": 844}
ONE_ROW = 56  # pixels: a row of 3 rem and its borders


def height_of_the_bar(page):
    return page.locator(".bar").evaluate("bar => bar.getBoundingClientRect().height")


def test_the_bar_takes_one_row_and_its_menu_leads_everywhere(staff):
    staff.goto("/campaigns")
    pages = staff.get_by_role("navigation", name="Principale").get_by_role("link")
    everywhere = pages.all_inner_texts()
    assert len(everywhere) >= 5
    assert (height_of_the_bar(staff) <= ONE_ROW, staff.get_by_text("Menu", exact=True).is_visible()) == (True, False)
    staff.set_viewport_size(PHONE)
    staff.reload()
    expect(pages.first).to_be_hidden()
    assert (height_of_the_bar(staff) <= ONE_ROW, overflow(staff) <= 0) == (True, True)
    staff.get_by_text("Menu", exact=True).click()
    assert pages.all_inner_texts() == everywhere
    pages.filter(has_text="Calendrier").click()
    expect(staff.get_by_role("heading", level=1)).to_contain_text("Calendrier")


def test_results_stack_and_none_is_out_of_sight(staff, launched):
    staff.set_viewport_size(PHONE)
    staff.goto("/campaigns/1/progress")
    staff.get_by_role("button", name="Mettre en pause").click()
    staff.get_by_text("Par réseau, et ce que chaque nombre compte").click()
    region = staff.get_by_role("region", name="Résultats par réseau")
    assert region.evaluate("region => region.scrollWidth <= region.clientWidth")
    labels = region.locator("tfoot td").evaluate_all(
        "cells => cells.map(cell => getComputedStyle(cell, '::before').content)"
    )
    assert '"Ont répondu"' in labels


def test_the_count_stays_in_view_while_boxes_are_ticked(staff):
    staff.set_viewport_size(PHONE)
    begin(staff)
    before = staff.locator("#status").inner_text()
    staff.get_by_role("button", name="Continuer : le courriel").scroll_into_view_if_needed()
    staff.get_by_role("radio", name="Certains réseaux").check()
    expect(staff.locator("#status")).to_be_in_viewport(ratio=1)
    staff.get_by_role("checkbox", name="Libre confessionnel").check()
    expect(staff.locator("#status")).not_to_have_text(before)
    expect(staff.locator("#status")).to_be_in_viewport(ratio=1)
    staff.set_viewport_size({"width": 1280, "height": 900})
    staff.get_by_role("button", name="Continuer : le courriel").scroll_into_view_if_needed()
    expect(staff.locator("#results .account")).to_be_in_viewport(ratio=1)


def test_they_keep_the_accessibility_rules_on_a_phone_and_on_a_wide_screen(staff, launched, violations, looks):
    for address in ("/campaigns/1/progress", "/campaigns/1/audience", "/campaigns/1/dates?day=x&hour=25"):
        staff.goto(address)
        staff.evaluate("document.querySelector('.menu').open = true")
        for look in looks(staff):
            assert (violations(staff), overflow(staff) <= 0) == ([], True), (address, look)
