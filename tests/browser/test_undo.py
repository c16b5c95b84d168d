"""What is lost is said before, and undone after, in a real browser, with a script and without one."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import overflow
from tests.browser.test_progress import launched
from tests.web.test_adherence import record
from tests.web.test_responses import letters, wbe

__all__ = ["launched", "letters", "wbe"]
pytestmark = [pytest.mark.browser, pytest.mark.long]
STATUSES, CONTACTS = "/directory/9300/statuses", "/directory/9300/contacts"


@pytest.fixture(params=["staff", "plain"])
def page(request):
    """The author's tab, with a script and without one."""
    return request.getfixturevalue(request.param)


def test_a_cancelled_campaign_is_taken_back(page, launched):
    page.goto("/campaigns/1/progress")
    page.get_by_role("link", name="Annuler ce qui n’est pas parti").click()
    expect(page.get_by_text("5 courriels partis le restent")).to_be_visible()
    page.get_by_role("link", name="Ne rien changer").click()
    expect(page.get_by_role("button", name="Mettre en pause")).to_be_visible()
    page.get_by_role("link", name="Annuler ce qui n’est pas parti").click()
    page.get_by_role("button", name="Annuler ce qui n’est pas parti").click()
    expect(page.get_by_text("ce qui n’est pas parti ne partira pas")).to_be_visible()
    page.get_by_role("button", name="Reprendre en brouillon").click()
    expect(page.get_by_role("heading", name="Vérifier et planifier")).to_be_visible()
    expect(page.get_by_text("Brouillon", exact=True)).to_be_visible()
    expect(page.get_by_text("5 courriels sont partis et le restent")).to_be_visible()


def test_a_retired_address_is_put_back(page):
    page.goto(CONTACTS)
    page.get_by_role("link", name="Retirer po009300").click()
    expect(page.get_by_text("C’est sa seule adresse")).to_be_visible()
    page.get_by_role("button", name="Retirer cette adresse").click()
    page.get_by_role("button", name="Remettre po009300").click()
    expect(page.get_by_text("est remise en usage")).to_be_visible()
    expect(page.get_by_text("En usage", exact=True)).to_be_visible()


def test_a_status_is_asked_for_recorded_and_withdrawn(page):
    page.goto(STATUSES)
    page.get_by_label("Note ou motif").fill("Rappeler en juin")
    page.get_by_role("button", name="Enregistrer le statut").click()
    expect(page.get_by_role("heading", name="Il y a 5 erreurs à corriger")).to_be_visible()
    expect(page.get_by_label("Note ou motif")).to_have_value("Rappeler en juin")
    page.get_by_label("Volet 1").check()
    page.get_by_label("École").select_option("all")
    page.get_by_label("Statut", exact=True).select_option("Adhéré")
    page.get_by_label("Confirmé par le service").check()
    page.get_by_label("Source").select_option("Réunion")
    page.get_by_role("button", name="Enregistrer le statut").click()
    expect(page.get_by_text("toutes les écoles", exact=True)).to_be_visible()
    page.get_by_role("link", name="Annuler cet enregistrement").click()
    expect(page.get_by_role("cell", name="Sans réponse").first).to_be_visible()
    page.get_by_role("button", name="Annuler cet enregistrement").click()
    expect(page.get_by_text("Annulé", exact=True)).to_be_visible()
    expect(page.get_by_text("aucune école", exact=True).first).to_be_visible()


def test_a_handled_response_is_reopened(page, wbe, client):
    client.post(wbe, data={"answer": "help"})
    page.goto("/responses/1")
    page.get_by_role("button", name="Marquer comme traitée").click()
    expect(page.get_by_text("C’est fait")).to_be_visible()
    page.goto("/responses/1")
    page.get_by_role("button", name="Rouvrir").click()
    expect(page.get_by_role("button", name="Marquer comme traitée")).to_be_visible()
    page.goto("/responses")
    expect(page.get_by_role("link", name="Besoin d’aide (1)")).to_be_visible()


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
