"""The red bands above every page: read at any width, in both schemes, and the page below them still stands."""

from datetime import timedelta

import pytest

from outreach.core.text.roles import RoleName
from outreach.operations import alerts
from outreach.operations.alerts import AlertCondition, AlertKind
from tests.conftest import NOW
from tests.web.ui.test_banners import RELAYS, alarmed, passed, setting

pytestmark = [pytest.mark.browser, pytest.mark.long]

ONE, BOTH = ["a.example:25"], ["a.example:25", "b.example:25"]


@pytest.mark.parametrize("alarms", [ONE, BOTH], ids=["one of two relays", "both"])
def test_relays_in_alarm_are_read_at_any_width(staff, app, sample_database, violations, looks, alarms):
    setting(app, smtp_url=RELAYS)
    told = alarmed(sample_database, *alarms)
    passed(sample_database, timedelta(), " ".join(told) if alarms == BOTH else "")
    staff.goto("/directory")
    assert staff.locator(".stopped").count() == 1
    assert staff.get_by_role("button", name="Réessayer maintenant").count() == 1
    for look in looks(staff):
        assert violations(staff) == [], look
        assert staff.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), look


def test_alarms_on_the_home_page_are_read_at_any_width(staff, sample_database, violations, looks):
    with sample_database.writing() as session:
        for kind in AlertKind:
            assert alerts.begin(session, AlertCondition(kind, "1", NOW))
    staff.goto("/")
    assert staff.locator("section[aria-labelledby^='alarm-']").count() == sum(
        RoleName.AUTHOR in kind.roles for kind in AlertKind
    )
    for look in looks(staff):
        assert violations(staff) == [], look
        assert staff.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), look
