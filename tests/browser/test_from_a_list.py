"""From the situation to a planned reminder, by two people: how many pages and clicks it takes."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_campaigns import sign_in

__all__ = ["sign_in"]
pytestmark = [pytest.mark.browser, pytest.mark.long]


class Way:
    """Counts the pages that are loaded, in all tabs, and the clicks."""

    def __init__(self, *tabs):
        self.pages = self.clicks = 0
        for tab in tabs:
            tab.on("domcontentloaded", self._loaded)

    def _loaded(self, _page):
        self.pages += 1

    def click(self, element):
        self.clicks += 1
        element.click()


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_from_those_never_asked_to_a_planned_invitation_in_eight_pages_and_nine_clicks(sign_in, has_script):
    options = {"java_script_enabled": has_script, "viewport": {"width": 1280, "height": 900}}
    author, approver = sign_in("author", **options), sign_in("approver", **options)
    way = Way(author, approver)
    author.goto("/")
    way.click(author.locator("section[aria-labelledby=strand-1] > .note a").first)
    write = author.get_by_role("link", name=re.compile(r"Écrire à ces \d+ PO"))
    count = re.search(r"\d+", write.inner_text())[0]
    way.click(write)
    expect(author.get_by_label("Nom de la campagne")).to_have_value("Pas encore sollicitée, volet 1")
    expect(author.get_by_role("radio", name=re.compile("^Volet 1"))).to_be_checked()
    expect(author.locator(".account td").first).to_have_text(count)
    way.click(author.get_by_role("button", name="Continuer : vérifier"))
    way.click(author.get_by_role("button", name=re.compile("Demander la validation")))
    expect(author.locator(".heading .ds-tag")).to_have_text("À valider")
    approver.goto("/today")
    way.click(approver.get_by_role("link", name=re.compile("Pas encore sollicitée, volet 1")))
    expect(approver.get_by_text("Le premier volet du plan").first).to_be_visible()
    way.click(approver.get_by_role("button", name="Valider et planifier"))
    expect(approver.locator(".heading .ds-tag")).to_have_text("Planifiée")
    assert way.pages <= 8
    assert way.clicks <= 9
