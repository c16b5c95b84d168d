"""The pages that say what is lost before they do it, in a real browser: they keep the rules."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import overflow
from tests.browser.test_progress import launched
from tests.web.test_adherence import record

__all__ = ["launched"]
pytestmark = [pytest.mark.browser, pytest.mark.long]
STATUSES, CONTACTS = "/directory/9300/statuses", "/directory/9300/contacts"


def test_the_pages_that_ask_keep_the_rules_at_both_widths(staff, author, launched, violations, looks):
    record(author, 9300)
    asks = ["/campaigns/1/cancellation", "/campaigns/1/waves/2/withdrawal", STATUSES]
    for place, name in ((CONTACTS, "Retirer po009300"), (STATUSES, "Annuler cet enregistrement")):
        staff.goto(place)
        staff.get_by_role("link", name=name).click()
        expect(staff.get_by_role("link", name="garder")).to_be_visible()
        asks.append(staff.url)
    for address in asks:
        staff.goto(address)
        for look in looks(staff):
            assert (violations(staff), overflow(staff) <= 0) == ([], True), (address, look)
