"""A second factor set up in a browser: the picture is drawn under the policy, and every page of it is accessible."""

import pytest
from playwright.sync_api import expect

from outreach.core.settings import FactorPolicy
from tests.web.second_factor.test_entering import choose, code, email

pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_the_next_sign_in_leads_through_the_set_up(app, visitor, password, violations, looks):
    choose(app, FactorPolicy.REQUIRED)

    def faultless():
        for look in looks(visitor):
            assert violations(visitor) == [], look
            assert visitor.evaluate("document.documentElement.scrollWidth <= innerWidth"), look

    visitor.goto("/campaigns")
    visitor.get_by_label("Adresse de courriel").fill(email("administrator"))
    visitor.get_by_label("Mot de passe").fill(password)
    visitor.get_by_role("button", name="Se connecter").click()
    expect(visitor.get_by_role("heading", name="Mettre en place le second facteur")).to_be_visible()
    picture = visitor.get_by_role("img", name="Image à photographier").bounding_box()
    assert picture["width"] == picture["height"] > 200
    faultless()
    secret = visitor.locator(".key").inner_text().replace(" ", "")
    visitor.get_by_label("Code").fill(code(secret))
    visitor.get_by_role("button", name="Confirmer").click()
    expect(visitor.locator(".codes li")).to_have_count(10)
    faultless()
    visitor.get_by_role("link", name="Ils sont en lieu sûr").click()
    expect(visitor.get_by_role("heading", name="Campagnes")).to_be_visible()
    visitor.context.clear_cookies()
    visitor.goto("/account/second-factor")
    visitor.get_by_label("Adresse de courriel").fill(email("administrator"))
    visitor.get_by_label("Mot de passe").fill(password)
    visitor.get_by_role("button", name="Se connecter").click()
    faultless()
    visitor.get_by_label("Code").fill(code(secret, ahead=1))
    visitor.get_by_role("button", name="Se connecter").click()
    expect(visitor.get_by_role("heading", name="Mon second facteur")).to_be_visible()
    expect(visitor.get_by_text("Il vous reste 10 codes de secours")).to_be_visible()
    faultless()
