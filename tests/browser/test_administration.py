"""The register, the closures and the programmes in a real browser: files sent, differences seen, the rules kept."""

import pytest
from playwright.sync_api import expect

from outreach.operations.demo import people, sample
from tests.browser.test_pages import overflow
from tests.conftest import STORY_DAY

pytestmark = [pytest.mark.browser, pytest.mark.long]


def keeps_the_rules(page, violations, looks):
    for look in looks(page, (1280, 390)):
        assert (violations(page), overflow(page) <= 0) == ([], True), look
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.full
def test_an_edition_is_imported_and_taken_back(staff, violations, looks):
    content = sample.build(STORY_DAY).second.decode()
    (school, *_) = [line for line in content.splitlines() if line.startswith("80001;")]
    faulty = school.replace("80001;", "80002;").replace("Libre confessionnel", "Martien")
    edition = content.replace(school.split(";")[1], "Institut du Lac").rstrip() + f"\r\n{faulty}\r\n"
    staff.goto("/directory")
    staff.get_by_role("link", name="Importer le registre").click()
    keeps_the_rules(staff, violations, looks)
    staff.get_by_label("Fichier", exact=True).set_input_files(
        {"name": "r.csv", "mimeType": "text/csv", "buffer": edition.encode()}
    )
    staff.get_by_role("button", name="Comparer avec l’annuaire").click()
    expect(staff.get_by_role("cell", name="Institut du Lac").first).to_be_visible()
    keeps_the_rules(staff, violations, looks)
    staff.get_by_role("button", name="Appliquer cette édition").click()
    expect(staff.get_by_role("status")).to_contain_text("est appliquée")
    keeps_the_rules(staff, violations, looks)
    staff.get_by_role("link", name="Annuler cette édition").click()
    keeps_the_rules(staff, violations, looks)
    staff.get_by_role("button", name="Annuler cette édition").click()
    expect(staff.get_by_text("Annulée", exact=True)).to_be_visible()


def test_an_administrator_closes_a_day_changes_a_programme_and_fills_in_a_public_page(
    visitor, password, violations, looks
):
    visitor.goto("/sign-in?next=/administration/closures")
    visitor.get_by_label("Adresse de courriel").fill(people.person_for("administrator").email)
    visitor.get_by_label("Mot de passe").fill(password)
    visitor.get_by_role("button", name="Se connecter").click()
    visitor.get_by_label("Premier jour").fill("02/03/2027")
    visitor.get_by_label("Le matin").check()
    visitor.get_by_label("Pourquoi", exact=True).fill("grève générale")
    keeps_the_rules(visitor, violations, looks)
    visitor.get_by_role("button", name="Fermer ces jours").click()
    visitor.get_by_role("heading", name="Fermeture : grève générale").wait_for()
    keeps_the_rules(visitor, violations, looks)
    visitor.goto("/administration/programmes")
    keeps_the_rules(visitor, violations, looks)
    visitor.get_by_role("link", name="Modifier").click()
    visitor.get_by_label("Nom du programme").fill("Nos outils numériques")
    visitor.get_by_role("button", name="Ajouter un volet").press("Enter")
    expect(visitor.get_by_label("Nom, volet 3")).to_be_focused()
    visitor.keyboard.type("Des classes primaires équipées")
    keeps_the_rules(visitor, violations, looks)
    visitor.keyboard.press("Enter")  # as in any field: it reads the form, and removes no row
    expect(visitor.get_by_role("link", name="Volet 3, « Ouvert le » :")).to_be_visible()
    keeps_the_rules(visitor, violations, looks)
    expect(visitor.get_by_label("Nom, volet 3")).to_have_value("Des classes primaires équipées")
    visitor.get_by_role("link", name="Volet 3, « Ouvert le » :").click()
    expect(visitor.get_by_label("Ouvert le, volet 3")).to_be_focused()
    visitor.keyboard.type("01/02/2027")
    visitor.get_by_role("group", name="Écoles concernées, volet 3").get_by_label("Primaire").check()
    visitor.get_by_role("button", name="Relire la différence").click()
    visitor.get_by_role("heading", name="Ce qui changerait").wait_for()
    keeps_the_rules(visitor, violations, looks)
    visitor.get_by_role("button", name="Enregistrer ces changements").click()
    expect(visitor.get_by_role("status")).to_contain_text("Nos outils numériques")
    visitor.get_by_role("link", name="Annuler le dernier changement").click()
    expect(visitor.get_by_text("Des classes primaires équipées, retiré.")).to_be_visible()
    visitor.goto("/administration/statements/accessibility")
    visitor.get_by_label("À qui signaler un problème").fill("")
    visitor.get_by_role("button", name="Publier cette version").click()
    expect(visitor.get_by_role("heading", name="Il y a une erreur à corriger")).to_be_visible()
    keeps_the_rules(visitor, violations, looks)
