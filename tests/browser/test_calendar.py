"""The calendar in a real browser: readable at both widths and in both schemes."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from outreach.campaigns.models import Campaign
from tests.application import planned
from tests.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.long]
MONTHS = ("?month=2021-06", "?month=2021-08", "?month=2021-03", "")


@pytest.fixture
def month(sample_database):
    """A wave on 18 May 2021, its reminders, its deadlines, and a wish on another day."""
    planned(sample_database, NOW + timedelta(days=3))
    planned(sample_database, NOW + timedelta(days=3, hours=2))
    with sample_database.writing() as session:
        session.get_one(Campaign, 1).title = "Invitation au premier volet, réseau libre subventionné"


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_a_full_month_keeps_the_accessibility_rules_at_all_widths_and_every_other_at_one(
    staff, month, violations, looks
):
    for address in ("?month=2021-05", "?month=2021-05&view=list"):
        staff.goto(f"/calendar{address}")
        for look in looks(staff, (1280, 390, 320)):
            assert (violations(staff), overflow(staff) <= 0) == ([], True), (address, look)
    for address in MONTHS:
        staff.goto(f"/calendar{address}")
        assert (violations(staff), overflow(staff) <= 0) == ([], True), address


def test_on_a_phone_only_days_with_something_are_left_and_say_their_whole_name(staff, month):
    staff.set_viewport_size({"width": 390, "height": 900})
    staff.goto("/calendar?month=2021-05")
    seen = staff.locator(".month td:visible time").all_inner_texts()
    lines = ["samedi 1er", "jeudi 13", "vendredi 14", "mardi 18", "dimanche 23", "lundi 24", "mardi 1er juin"]
    assert [one.replace("\n", "").removesuffix("mai").strip() for one in seen] == lines
    staff.set_viewport_size({"width": 1280, "height": 900})
    expect(staff.locator(".month td:visible")).to_have_count(42)
    left = "cells => cells.map(cell => Math.round(cell.getBoundingClientRect().left))"
    days = staff.locator(".month thead th").evaluate_all(left)
    assert staff.locator(".month tbody td").evaluate_all(left) == days * 6, "each day stands under its name"
    closed = staff.locator(".month td", has_text="Ascension").first
    assert "gradient" in closed.evaluate("cell => getComputedStyle(cell).backgroundImage")
    staff.emulate_media(forced_colors="active")
    assert "gradient" in closed.evaluate("cell => getComputedStyle(cell, '::before').backgroundImage")
