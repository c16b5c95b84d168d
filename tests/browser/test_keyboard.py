"""The main journeys of the service's people with the keyboard alone; who answers a letter is in `test_answers`."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.keyboard import press_on, tab_to
from tests.browser.test_progress import launched

__all__ = ["launched"]
pytestmark = pytest.mark.browser


def test_an_authority_is_found_and_its_address_corrected(staff):
    staff.goto("/")
    press_on(staff, staff.get_by_role("link", name="Annuaire"))
    tab_to(staff, staff.get_by_label("Chercher"))
    staff.keyboard.type("9300")
    expect(staff.locator("#results tbody tr")).to_have_count(1)
    press_on(staff, staff.locator("#results tbody th a"))
    press_on(staff, staff.get_by_role("link", name="Contacts"))
    press_on(staff, staff.get_by_role("link", name="Corriger po009300@adm.fwb.example"))
    tab_to(staff, staff.get_by_label("Adresse de courriel"))
    staff.keyboard.press("Control+a")
    staff.keyboard.type("direction@ecole.be")
    press_on(staff, staff.get_by_role("button", name="Enregistrer l’adresse"))
    expect(staff.get_by_role("status")).to_contain_text("direction@ecole.be")


@pytest.mark.long
def test_a_campaign_is_written_and_submitted(staff):
    staff.goto("/campaigns")
    press_on(staff, staff.get_by_role("link", name="Nouvelle campagne"))
    press_on(staff, staff.get_by_role("button", name="Commencer avec « Invitation au premier volet »"))
    press_on(staff, staff.get_by_role("button", name="Continuer : le public"))
    box, receive = staff.get_by_role("checkbox", name="Libre confessionnel"), staff.locator("#results .end td")
    counted = receive.inner_text()
    press_on(staff, staff.get_by_role("radio", name="Tous les pouvoirs organisateurs"), "ArrowDown")
    press_on(staff, box, "Space")
    expect(receive).not_to_have_text(counted)
    expect(box).to_be_focused()
    press_on(staff, staff.get_by_role("button", name="Continuer : le courriel"))
    tab_to(staff, staff.get_by_label("Objet du courriel"))
    staff.keyboard.press("Control+a")
    staff.keyboard.type("Volet 1 : à répondre avant le ((date_limite))")
    press_on(staff, staff.get_by_role("button", name="Continuer : les dates"))
    tab_to(staff, staff.get_by_label("Jour de la première vague"))
    staff.keyboard.type("18052027")
    press_on(staff, staff.get_by_role("button", name="Enregistrer et vérifier"))
    press_on(staff, staff.get_by_role("button", name=re.compile(r"Demander la validation de l’envoi à \d+ PO")))
    expect(staff.locator(".heading .ds-tag")).to_have_text("À valider")


@pytest.mark.long
def test_a_campaign_under_way_is_followed_and_paused(staff, launched):
    staff.goto("/campaigns")
    press_on(staff, staff.locator("tbody th a"))
    press_on(staff, staff.get_by_role("link", name="Voir qui", exact=True))
    press_on(staff, staff.get_by_role("link", name="Remis (5)"))
    expect(staff.locator("tbody tr")).to_have_count(5)
    press_on(staff, staff.get_by_role("navigation", name="Suivi").get_by_role("link", name="Suivi"))
    press_on(staff, staff.get_by_role("button", name="Mettre en pause"))
    expect(staff.locator("#stage")).to_have_text("En pause")
    tab_to(staff, staff.get_by_role("button", name="Reprendre l’envoi"))


@pytest.mark.long
def test_ctrl_k_finds_a_school_from_any_page(staff):
    staff.goto("/calendar")
    staff.keyboard.press("Control+k")
    expect(staff.get_by_role("heading", level=1)).to_have_text("Chercher")
    staff.keyboard.type("80001")
    staff.keyboard.press("Enter")
    press_on(staff, staff.locator("main ol a").first)
    expect(staff).to_have_url(re.compile("/directory/schools/80001$"))
