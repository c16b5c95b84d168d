"""Text outlives what goes wrong while one writes: a session that ends in mid-letter, a page that is left."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, select

from outreach.access.accounts import StaffSession
from outreach.campaigns.models import Campaign
from outreach.operations.demo import people
from tests.browser.test_campaigns import begin

pytestmark = [pytest.mark.browser, pytest.mark.long]
TYPED = "Une heure de travail, « bien relue » & <gardée>."


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_a_session_that_ends_in_mid_letter_loses_nothing(
    open_page, enter, password, sample_database, violations, has_script
):
    page = enter(open_page(java_script_enabled=has_script))
    address = begin(page)
    page.goto(f"{address}/letter")
    with sample_database.writing() as session:
        session.execute(delete(StaffSession))
    page.get_by_label("Texte du courriel").fill(TYPED)
    if has_script:
        expect(page.locator("[name=letter]")).to_have_value(TYPED)
        expect(page.locator("#preview")).to_contain_text("Votre session a expiré")
        expect(page.locator("#draft-state")).to_contain_text("n’est plus gardé en brouillon", use_inner_text=True)
    page.get_by_role("button", name="Continuer : les dates").click()
    expect(page.get_by_role("heading", name="Votre session a expiré")).to_be_visible()
    assert not has_script or violations(page) == []
    page.get_by_label("Adresse de courriel").fill(people.person_for("author").email)
    page.get_by_label("Mot de passe").fill(password)
    page.get_by_role("button", name="Se reconnecter").click()
    expect(page.get_by_text(TYPED)).to_be_visible()
    assert not has_script or violations(page) == []
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("heading", name="Choisir les dates")).to_be_visible()
    with sample_database.reading() as session:
        written = session.scalars(select(Campaign.letter)).one()
    assert written == TYPED if has_script else written.startswith(f"{TYPED}\n(% if")


def test_who_leaves_is_warned_and_finds_a_draft_on_return(staff, violations):
    warned = []
    staff.on("dialog", lambda dialog: (warned.append(dialog.type), dialog.accept()))
    address = begin(staff)
    staff.goto(f"{address}/letter")
    editor, text = staff.get_by_label("Texte du courriel"), staff.locator("[name=letter]")
    editor.fill(TYPED)
    expect(staff.locator("#draft-state")).to_contain_text("Brouillon gardé", use_inner_text=True)
    staff.goto("/directory")
    assert warned == ["beforeunload"]
    staff.goto(f"{address}/letter")
    expect(text).not_to_have_value(TYPED)
    assert violations(staff) == []
    expect(staff.locator("#draft-offers form")).to_contain_text("Texte du courriel")
    staff.get_by_role("link", name="Reprendre").click()
    expect(text).to_have_value(TYPED)
    staff.get_by_role("button", name="Continuer : les dates").click()
    expect(staff.get_by_role("heading", name="Choisir les dates")).to_be_visible()
    staff.goto(f"{address}/letter")
    expect(staff.locator("#draft-offers form")).to_have_count(0)
    expect(text).to_have_value(TYPED)
    assert warned == ["beforeunload"]
