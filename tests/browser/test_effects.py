"""The pages of a draw in a real browser: what it says stands first, the rest is folded."""

import pytest
from playwright.sync_api import expect

from tests.campaigns.effects.drawn import departures, draw, leave, tell
from tests.campaigns.effects.test_effects import AFTER, DAY, LAST, freeze

pytestmark = pytest.mark.browser


@pytest.mark.full
@pytest.mark.long
def test_an_effect_is_read_at_once_and_its_statistics_unfold(staff, sample_database, violations):
    number = draw(sample_database)
    for departure in (1, 2, 3):
        leave(sample_database, number, departure)
    one, two, _ = departures(sample_database, number)
    tell(sample_database, dict.fromkeys(one[:12], DAY) | {two[0]: DAY}, LAST, at=AFTER)
    freeze(sample_database, number)
    for address, folded in ((f"/campaigns/{number}/effect", "Pour le statisticien"), (f"/t/{number}", "Le plan, gelé")):
        staff.set_viewport_size({"width": 1280, "height": 900})
        staff.goto(address)
        said = staff.get_by_text("Oui.").first
        expect(said).to_be_visible()
        assert said.bounding_box()["y"] < 900, "understood without scrolling"
        inside = staff.locator("details", has=staff.get_by_text(folded)).locator("> :not(summary)").first
        expect(inside).not_to_be_visible()
        staff.get_by_text(folded).click()
        expect(inside).to_be_visible()
        assert violations(staff) == []
        staff.set_viewport_size({"width": 320, "height": 700})
        assert staff.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
