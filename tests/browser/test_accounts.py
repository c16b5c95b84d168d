"""Accounts as an administrator sees them: a person is invited, chooses a password, and the account is closed."""

import json
import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from outreach.delivery.models import Mailing
from outreach.operations.demo import people
from tests.browser.test_pages import overflow

pytestmark = [pytest.mark.browser, pytest.mark.long]

LEA, PHRASE = "lea.roland@fwb.example", "le chat dort sur le toit"


def link_in_the_outbox(database):
    with database.reading() as session:
        letter = session.scalars(select(Mailing.letter).order_by(Mailing.id.desc())).first()
    return re.search(r"/account/links/[\w-]+", json.loads(letter)["draft"]["text"])[0]


def test_a_person_is_invited_comes_in_and_is_out_once_the_account_is_closed(
    visitor, open_page, password, sample_database, violations, looks
):
    def keeps_the_rules(page):
        for look in looks(page, (1280, 320)):
            assert (violations(page), overflow(page) <= 0) == ([], True), (page.url, look)

    def sign_in(page, email, word):
        page.goto("/sign-in")
        page.get_by_label("Adresse de courriel").fill(email)
        page.get_by_label("Mot de passe").fill(word)
        page.get_by_role("button", name="Se connecter").click()
        page.locator(".me").wait_for()

    sign_in(visitor, people.person_for("administrator").email, password)
    visitor.get_by_role("link", name="Administration").click()
    visitor.get_by_role("link", name="Comptes").click()
    visitor.get_by_role("link", name="Inviter une personne").click()
    visitor.get_by_role("button", name="Envoyer l’invitation").click()
    expect(visitor.locator("#error-summary")).to_be_focused()
    keeps_the_rules(visitor)
    visitor.get_by_label("Adresse de courriel").fill(LEA)
    visitor.get_by_label("Prénom et nom").fill("Léa Roland")
    visitor.get_by_label("Rédaction").check()
    visitor.get_by_role("button", name="Envoyer l’invitation").click()
    expect(visitor.get_by_text(f"L’invitation part à {LEA}")).to_be_visible()
    keeps_the_rules(visitor)
    guest = open_page()
    guest.goto(link_in_the_outbox(sample_database))
    keeps_the_rules(guest)
    guest.get_by_label("Nouveau mot de passe", exact=True).fill(PHRASE)
    guest.get_by_label("Nouveau mot de passe, encore une fois").fill(PHRASE)
    guest.get_by_role("button", name="Choisir ce mot de passe").click()
    sign_in(guest, LEA, PHRASE)
    visitor.get_by_role("link", name="Léa Roland").click()
    keeps_the_rules(visitor)
    visitor.get_by_role("link", name="Fermer le compte").click()
    keeps_the_rules(visitor)
    visitor.get_by_role("button", name="Fermer le compte").click()
    expect(visitor.get_by_text("Le compte de Léa Roland est fermé")).to_be_visible()
    guest.goto("/campaigns")
    guest.wait_for_url("**/sign-in?next=**")
    expect(guest.get_by_role("link", name="Mot de passe oublié")).to_be_visible()
