"""A campaign from a ready-made one to a planned one, by its author and its approver, in a real browser."""

import re
from contextlib import nullcontext

import pytest
from playwright.sync_api import expect

from outreach.operations.demo import people

pytestmark = [pytest.mark.browser, pytest.mark.long]
STEPS = ("audience", "letter", "dates", "check", "letter/exact")


@pytest.fixture
def sign_in(open_page, password):
    def signed(role, **options):
        page = open_page(**options)
        page.goto("/sign-in")
        page.get_by_label("Adresse de courriel").fill(people.person_for(role).email)
        page.get_by_label("Mot de passe").fill(password)
        page.get_by_role("button", name="Se connecter").click()
        page.locator(".me").wait_for()
        return page

    return signed


def begin(page):
    """From the list to the first step; returns the campaign's address."""
    page.goto("/campaigns")
    page.get_by_role("link", name="Nouvelle campagne").click()
    page.get_by_role("button", name="Commencer avec « Invitation au premier volet »").click()
    page.get_by_role("button", name="Continuer : le public").click()
    page.get_by_role("heading", name="Choisir le public").wait_for()
    return re.sub(r"/audience.*", "", page.url)


@pytest.mark.parametrize(
    ("width", "has_script"),
    [
        pytest.param(1280, True, id="script"),
        pytest.param(390, False, id="small, no script", marks=pytest.mark.deep),
    ],
)
def test_five_screens_from_a_ready_made_campaign_to_a_planned_one(sign_in, has_script, width):
    options = {"java_script_enabled": has_script, "viewport": {"width": width, "height": 900}}
    author = sign_in("author", **options)
    address = begin(author)
    author.get_by_role("radio", name="Certains réseaux").check()
    author.get_by_role("checkbox", name="Libre confessionnel").check()
    author.get_by_role("button", name="Continuer : le courriel").click()
    expect(author.get_by_role("heading", name="Écrire le courriel")).to_be_visible()
    if has_script:  # its editor takes the place of the field, which nobody can fill from then on
        author.locator("[name=subject]").wait_for(state="hidden")
    author.get_by_label("Objet du courriel").fill("FASE ((fase_po)) – Volet 1, avant le ((date_limite))")
    author.get_by_role("button", name="Continuer : les dates").click()
    author.get_by_label("Jour de la première vague").fill("2027-05-18")
    author.get_by_role("button", name="Enregistrer et vérifier").click()
    expect(author.get_by_role("heading", name="Vérifier et planifier")).to_be_visible()
    ask = author.get_by_role("button", name=re.compile(r"Demander la validation de l’envoi à \d+ PO"))
    count = re.search(r"\d+", ask.inner_text())[0]
    ask.click()
    expect(author.locator(".heading .ds-tag")).to_have_text("À valider")
    expect(author.get_by_role("button", name=re.compile("Valider"))).to_have_count(0)
    approver = sign_in("approver", **options)
    approver.goto(f"{address}/check")
    approver.get_by_role("link", name="Lire les courriels exacts").click()
    approver.get_by_role("link", name="Suivant").click()
    frame = approver.frame_locator("iframe")
    expect(frame.get_by_text("Madame, Monsieur,")).to_be_visible()
    approver.goto(f"{address}/check")
    expect(approver.get_by_role("heading", name="Votre décision")).to_be_visible()
    expect(approver.get_by_text(f"l’envoi à {count} PO part le")).to_be_visible()
    approver.get_by_role("button", name="Valider et planifier").click()
    expect(approver.locator(".heading .ds-tag")).to_have_text("Planifiée")
    author.goto(f"{address}/progress")
    author.get_by_role("link", name="Relances").click()
    expect(author.get_by_role("row", name=re.compile("Relance 2"))).to_be_visible()


@pytest.fixture
def begun(sign_in):
    page = sign_in("author", viewport={"width": 1280, "height": 900})
    return page, begin(page)


def test_every_step_keeps_the_accessibility_rules_and_the_small_screen(begun, violations):
    page, address = begun
    for step in STEPS:
        page.goto(f"{address}/{step}")
        assert violations(page) == [], step
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, step
        page.set_viewport_size({"width": 1280, "height": 900})
    for list_page in ("/campaigns", "/campaigns/new"):
        page.goto(list_page)
        assert violations(page) == [], list_page


def test_the_editor_keeps_them_at_both_widths_and_in_both_schemes(begun, violations, looks):
    page, address = begun
    page.goto(f"{address}/letter")
    for look in looks(page):
        assert violations(page) == [], look


def test_of_five_quick_ticks_the_last_answer_wins_though_the_first_come_late(begun):
    page, _ = begun
    ticks, held = 5, []

    def answer(route):
        is_last = (route.request.post_data or "").count("network=") == ticks
        _ = route.continue_() if is_last else held.append(route)

    page.route("**/audience/choices", answer)
    with page.expect_request("**/audience/choices"):
        page.get_by_role("radio", name="Certains réseaux").check()
    boxes = page.locator("input[name=network]")
    for number in range(ticks):
        with page.expect_request("**/audience/choices"):
            boxes.nth(number).check()
    expect(page.locator("#said")).to_contain_text("Pouvoirs organisateurs : WBE,")
    assert len(held) == ticks
    for route in held:
        route.continue_()
    page.evaluate("fetch('/accessibility')")
    expect(page.locator("#said")).to_contain_text("Pouvoirs organisateurs : WBE,")
    page.reload()
    expect(page.locator("input[name=network]:checked")).to_have_count(ticks)


@pytest.mark.full
@pytest.mark.parametrize(
    ("has_script", "width"),
    [pytest.param(True, 1280, id="script"), pytest.param(False, 390, id="no script")],
)
def test_a_button_of_the_audience_keeps_its_place_its_focus_and_what_is_on_the_page(sign_in, has_script, width):
    page = sign_in("author", java_script_enabled=has_script, viewport={"width": width, "height": 844})
    address, asked = begin(page), []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("radio", name="Certains réseaux").check()
    page.get_by_text("Ajouter une condition").click()
    page.get_by_role("button", name="Province des écoles").click()
    added = page.locator("#words-1")
    expect(added).to_be_focused()
    expect(added).to_be_in_viewport()
    # The draft of what was ticked is answered first: sent as the next button is pressed, it may overtake the button's.
    with page.expect_response("**/audience/draft") if has_script else nullcontext():
        page.get_by_role("checkbox", name="Namur", exact=True).check()
    if has_script:
        expect(added).to_have_text("Au moins une école en province de Namur")
    page.get_by_role("checkbox", name="Libre confessionnel").check()
    if not has_script:
        page.get_by_role("button", name="Mettre le compte à jour").last.press("Enter")
        expect(page.locator("#recount")).to_be_focused()
    expect(page.locator("#draft-state")).to_contain_text("Brouillon gardé", use_inner_text=True)
    receive = page.locator("#results .end td")
    expect(page.locator("#said")).to_contain_text("libre confessionnel")
    count, said = receive.inner_text(), page.locator("#said").inner_text()
    page.goto(f"{address}/audience")
    offer = page.locator("#draft-offers form")
    expect(offer).to_contain_text(f"→ {count} PO")
    offer.get_by_role("link", name="Reprendre").click()
    expect(receive).to_have_text(count)
    expect(page.locator("#said")).to_have_text(said)
    page.get_by_role("button", name="Retirer").press("Enter")
    expect(page.locator("#adding")).to_be_focused()
    expect(page.locator("#said")).not_to_contain_text("Namur")
    expect(page.locator("#draft-offers form")).to_have_count(0)
    page.get_by_text("Un PO y est-il ?").click()
    page.get_by_label("Son numéro FASE ou son nom").fill("9289")
    page.locator("#results").get_by_role("button", name="Chercher").press("Enter")
    expect(page.locator("#results .notice")).to_contain_text("ce courriel")
    assert not any("csrf_token" in url for url in asked)


def test_the_preview_follows_what_is_typed_and_an_inserted_field_can_be_taken_back(begun):
    page, address = begun
    page.goto(f"{address}/letter")
    editor, written = page.get_by_role("textbox", name="Texte du courriel"), page.locator("[name=letter]")
    editor.fill("Bonjour ")
    page.locator("summary", has_text="Insérer").click()
    page.get_by_role("button", name="nom du PO", exact=True).click()
    expect(written).to_have_value("Bonjour ((nom_po))")
    expect(page.get_by_role("button", name="nom du PO", exact=True)).to_be_hidden()
    expect(page.locator(".letter mark")).to_have_count(1)
    expect(editor).to_be_focused()
    page.keyboard.press("Control+z")
    expect(written).not_to_have_value("Bonjour ((nom_po))")
    editor.fill("Bonjour ((nom_pos))")
    expect(page.locator("#preview")).to_contain_text("Vouliez-vous écrire ((nom_po))")
    page.get_by_role("button", name="Continuer : les dates").click()
    expect(page.locator("#error-summary")).to_be_focused()
    expect(page.locator("[name=letter]")).to_have_value("Bonjour ((nom_pos))")


def test_without_a_script_each_tab_of_a_passage_has_its_text(plain):
    address = begin(plain)
    plain.goto(f"{address}/letter")
    several, one = plain.get_by_label("Pour plusieurs écoles"), plain.get_by_label("Pour une école")
    expect(one).to_be_hidden()
    expect(plain.get_by_text("Insérer")).to_be_hidden()
    several.fill("Vos écoles : ((commune))")
    plain.get_by_role("radio", name="Une école").check()
    expect(several).to_be_hidden()
    one.fill("Votre école")
    plain.get_by_role("button", name="Continuer : les dates").click()
    plain.goto(f"{address}/letter?whole=1")
    written = plain.get_by_label("Texte du courriel").input_value()
    assert "(% if plusieurs_écoles %)\nVos écoles : ((commune))\n(% else %)\nVotre école\n(% endif %)" in written


def test_previous_and_next_lead_through_the_recipients_without_losing_what_is_typed(begun):
    page, address = begun
    page.goto(f"{address}/letter")
    page.locator("[name=subject]").wait_for(state="hidden")  # its editor has taken the place of the field
    held = []
    # The button's answer never comes before that of what was typed.
    page.route("**/preview?at=go-next", lambda route: held.append(route.request.url))
    first = page.locator("#shown-as").inner_text()
    with page.expect_request(lambda request: request.url.endswith("/letter/preview")):
        page.get_by_label("Objet du courriel").fill("Un autre objet")
        page.get_by_role("button", name="Suivant").press("Enter")
    expect(page.locator("#shown-as")).not_to_have_text(first)
    assert len(held) == 1
    page.unroute("**/preview?at=go-next")
    expect(page.get_by_role("button", name="Suivant")).to_be_focused()
    expect(page.get_by_label("Objet du courriel")).to_have_text("Un autre objet")
    expect(page.locator("#draft-state")).to_contain_text("Brouillon gardé", use_inner_text=True)
    page.get_by_role("button", name="Précédent").click()
    expect(page.locator("#shown-as")).to_have_text(first)


def test_a_date_that_moves_is_explained_while_it_is_chosen(begun):
    page, address = begun
    page.goto(f"{address}/dates")
    page.get_by_label("Jour de la première vague").fill("2027-05-06")
    expect(page.locator("#plan")).to_contain_text("vacances de printemps")
