"""Every page in a real browser: accessibility rules, widths, schemes, keyboard, with and without a script."""

import re

import pytest
from playwright.sync_api import expect

from outreach.access.accounts import LogLine, TrailKind
from outreach.delivery import outbox
from outreach.delivery.models import SuppressionReason
from outreach.operations.demo import people
from outreach.web.sign_in.access_log_queue import EXTENSION
from tests.conftest import NOW

pytestmark = pytest.mark.browser
PAGES = {
    "situation": "/",
    "situation passée": "/?as_of=2021-05-15&known_at=2021-05-16T10:00&by=zone&zone=Namur",
    "actions": "/situation/actions",
    "écoles comptées": "/situation/schools?strand=1&status=joined",
    "notes": "/notes",
    "une note à préparer": "/notes/drafts/new?as_of=2021-05-15",
    "PO comptés": "/situation/authorities?strand=1&as_of=2021-05-15",
    "adhésions": "/adherence/lists",
    "liste": "/adherence/lists/1",
    "statuts": "/directory/9001/statuses",
    "annuaire": "/directory",
    "filtres": "/directory?network=WBE&network=COCOF&level=secondary&q=royal",
    "vide": "/directory?q=zzzz",
    "écoles": "/directory/9001",
    "contacts": "/directory/9300/contacts",
    "école": "/directory/schools/80001",
    "contacts par fichier": "/directory/contact-lists",
    "exclusions, aucune": "/directory/exclusions",
    "état des boîtes": "/directory/reachability",
    "suivi": "/directory/9300/reachability",
    "historique": "/directory/9001/history",
    "nom": "/directory/9001/name",
    "adresse": "/directory/9300/contacts/new",
    "compte": "/account",
    "mot de passe": "/account/password",
    "boîte vide": "/mailbox?q=zzzz",
    "lien inconnu": "/u/x",
    "introuvable": "/directory/1",
    "accessibilité": "/accessibility",
    "données": "/data-protection",
}
SPACING = (
    "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } "
    "p { margin-bottom: 2em !important }"
)


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.long
@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES)
def test_every_page_keeps_the_accessibility_rules_and_scrolls_nowhere_sideways(staff, address, violations):
    staff.goto(address)
    assert violations(staff) == []
    staff.set_viewport_size({"width": 320, "height": 700})
    assert overflow(staff) <= 0
    staff.evaluate(
        "css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets.push(s) }", SPACING
    )
    assert overflow(staff) <= 0, "with wide spacing"


@pytest.mark.long
def test_a_list_of_contacts_is_seen_applied_and_undone(staff, violations):
    rows = "9300;a@ecole.be;Anne", "9300;po009300@adm.fwb.example;Paul", "9301;b@;", "9302;\u0430bc@ecole.be;"
    content = "\n".join(("fase;adresse;nom", *rows)).encode()
    staff.goto("/directory")
    staff.get_by_role("link", name="Importer des contacts").click()
    file = {"name": "c.csv", "mimeType": "text/csv", "buffer": content}
    staff.get_by_label("Fichier").set_input_files(files=[file])
    staff.get_by_label("Cette liste est complète").check()
    staff.get_by_role("button", name="Vérifier le fichier").click()
    expect(staff.get_by_role("heading", name="1 ligne rejetée")).to_be_visible()
    assert violations(staff) == []
    staff.set_viewport_size({"width": 320, "height": 700})
    assert overflow(staff) <= 0
    staff.get_by_role("button", name="Appliquer cette liste").click()
    expect(staff.get_by_role("status")).to_contain_text("2 adresses ajoutées, 1 précisée")
    assert violations(staff) == []
    staff.get_by_role("link", name="Annuler cet import").click()
    assert violations(staff) == []
    staff.get_by_role("button", name="Annuler cet import").click()
    expect(staff.get_by_role("status")).to_contain_text("les adresses sont comme avant")


@pytest.mark.long
def test_the_list_of_exclusion_keeps_the_rules(staff, sample_database, violations, looks):
    with sample_database.writing() as session:
        for address in ("po009300@adm.fwb.example", f"{'tres-long-' * 6}nom@{'x' * 60}.example"):
            outbox.suppress_address(
                session, address, SuppressionReason.HARD_BOUNCE, now=NOW, actor="automatique", detail="550"
            )
    for address in ("/directory/exclusions", "/directory/exclusions/2"):
        staff.goto(address)
        for look in looks(staff, (1280, 320)):
            assert (violations(staff), overflow(staff) <= 0) == ([], True), look


@pytest.mark.long
def test_the_trail_and_the_sessions_of_a_person_keep_the_rules(visitor, password, app, violations, looks):
    chief = people.person_for("administrator").email
    for _ in range(2):
        app.test_client().sign_in(chief, password)
    visitor.goto("/sign-in?next=/trail")
    visitor.get_by_label("Adresse de courriel").fill(chief)
    visitor.get_by_label("Mot de passe").fill(password)
    visitor.get_by_role("button", name="Se connecter").click()
    visitor.get_by_role("heading", name="Journal des accès").wait_for()
    app.extensions[EXTENSION].put(
        LogLine(NOW, TrailKind.EXPORTED, f"{'nom-' * 15}@{'x' * 60}.example", "/directory?" + "q" * 280)
    )
    assert app.extensions[EXTENSION].flush()
    for address in ("/trail?kind=exported", "/account"):
        visitor.goto(address)
        for look in looks(visitor, (1280, 320)):
            assert (violations(visitor), overflow(visitor) <= 0) == ([], True), look
    visitor.get_by_role("button", name="Terminer toutes les autres sessions").click()
    expect(visitor.get_by_text("Vos autres sessions sont terminées.")).to_be_visible()


@pytest.mark.parametrize("name", ["situation passée", "filtres", "contacts"])
def test_main_pages_keep_them_at_both_widths_and_in_both_schemes(staff, violations, name, looks):
    staff.goto(PAGES[name])
    for look in looks(staff):
        assert violations(staff) == [], look


def test_the_sign_in_page_keeps_them(visitor, violations):
    visitor.goto("/sign-in")
    assert violations(visitor) == []


def test_the_rules_would_catch_a_bad_page(visitor, violations):
    visitor.goto("/sign-in")
    visitor.evaluate(
        "document.querySelector('main').innerHTML = "
        "'<img src=\"/static/icon.svg\"><input><button></button><h1></h1><p class=faint>gris</p>'"
    )
    visitor.evaluate("document.querySelector('.faint').style.color = '#ccc'")
    assert {"image-alt", "label", "button-name", "empty-heading", "color-contrast"} <= set(violations(visitor))


def test_the_first_tab_leads_to_the_content(staff):
    staff.goto("/directory")
    staff.keyboard.press("Tab")
    assert staff.evaluate("document.activeElement.textContent") == "Aller au contenu"
    staff.keyboard.press("Enter")
    expect(staff.locator("#main")).to_be_focused()


def test_ticking_a_box_changes_the_list_and_keeps_the_focus(staff):
    staff.goto("/directory")
    box = staff.get_by_label("COCOF")
    box.focus()
    staff.keyboard.press("Space")
    staff.wait_for_url("**network=COCOF**")
    staff.locator("#status", has_text="1\u00a0pouvoir organisateur, 6\u00a0écoles").wait_for(state="attached")
    expect(staff.locator("#results tbody tr")).to_have_count(1)
    expect(staff.locator(":focus")).to_have_value("COCOF")
    expect(box).to_be_checked()


def test_typing_searches_without_losing_a_letter(staff):
    staff.goto("/directory")
    staff.get_by_label("Chercher").press_sequentially("athenee royal", delay=20)
    staff.locator("#results tbody th", has_text="Wallonie-Bruxelles").wait_for()
    staff.wait_for_url(re.compile(r"q=athenee(\+|%20)royal"))
    expect(staff.get_by_label("Chercher")).to_have_value("athenee royal")


def test_back_restores_the_ticked_boxes(staff):
    staff.goto("/directory?network=WBE")
    staff.get_by_label("COCOF").check()
    staff.wait_for_url("**network=COCOF**")
    staff.go_back()
    staff.wait_for_url(lambda url: "COCOF" not in url)
    staff.locator("#results tbody th", has_text="Wallonie-Bruxelles").wait_for()
    expect(staff.get_by_label("COCOF")).not_to_be_checked()
    expect(staff.get_by_label("WBE", exact=True)).to_be_checked()


def test_an_error_summary_takes_the_focus_and_leads_to_the_field(staff):
    staff.goto("/directory/9300/contacts/new")
    staff.get_by_role("button", name="Enregistrer l’adresse").click()
    expect(staff.locator("#error-summary")).to_be_focused()
    staff.get_by_role("link", name="Indiquez une adresse de courriel.").click()
    expect(staff.locator("#address")).to_be_focused()


def test_a_session_that_ended_leads_to_sign_in_and_not_to_an_empty_list(staff):
    staff.goto("/directory")
    staff.context.clear_cookies()
    staff.get_by_label("COCOF").click()
    staff.wait_for_url("**/sign-in?next=**")
    expect(staff.get_by_role("heading", name="Se connecter")).to_be_visible()


def test_on_a_phone_the_list_comes_before_the_filters_are_unfolded(staff):
    staff.set_viewport_size({"width": 390, "height": 800})
    staff.goto("/directory")
    assert staff.locator("#results").bounding_box()["y"] < 500
    expect(staff.get_by_label("Chercher")).to_be_hidden()


@pytest.mark.long
def test_everything_works_without_a_script(plain):
    plain.set_viewport_size({"width": 390, "height": 800})
    plain.goto("/directory?network=COCOF")
    plain.locator("summary", has_text="Filtrer").click()
    plain.get_by_label("WBE", exact=True).check()
    plain.get_by_role("button", name="Appliquer les filtres").click()
    expect(plain.locator("#results tbody tr")).to_have_count(2)
    plain.get_by_role("link", name="Wallonie-Bruxelles Enseignement").click()
    plain.get_by_role("link", name="Contacts").click()
    plain.get_by_role("link", name="Ajouter une adresse").click()
    plain.get_by_label("Adresse de courriel").fill("direction@ecole.be")
    plain.get_by_role("button", name="Enregistrer l’adresse").click()
    expect(plain.get_by_role("status")).to_have_text("L’adresse direction@ecole.be est enregistrée.")


def test_forced_colours_and_print_keep_the_list_readable(staff):
    staff.emulate_media(forced_colors="active")
    staff.goto("/directory?network=COCOF")
    assert staff.locator("#results tbody tr").is_visible()
    staff.emulate_media(media="print", forced_colors="none")
    assert staff.locator("#results tbody tr").is_visible()
    assert not staff.locator(".bar").is_visible()
    assert not staff.locator(".filters").is_visible()


def test_a_printed_situation_shows_every_column_and_unfolded_numbers_on_two_pages_upright(staff):
    staff.set_viewport_size({"width": 680, "height": 1009})  # A4, less its margins
    staff.emulate_media(media="print")
    staff.goto("/?as_of=2021-05-15")
    for table in staff.locator(".numeric").all():
        frame = "e.closest('section').getBoundingClientRect()"
        assert table.evaluate(f"e => e.getBoundingClientRect().right <= {frame}.right")
    expect(staff.locator(".printed")).to_contain_text("Fédération Wallonie-Bruxelles – Sensibilisation" + "Situation")
    expect(staff.locator(".definitions")).to_contain_text("Sans réponse")
    expect(staff.locator("form.inline")).to_be_hidden()
    expect(staff.locator(".chart tbody tr").last).to_be_hidden()
    assert "\u00ad" not in staff.content(), "what is copied has no soft hyphens"
    assert len(re.findall(rb"/Type /Page\b", staff.pdf(prefer_css_page_size=True))) <= 2
    staff.locator(".chart .ds-details").evaluate("folded => { folded.open = true }")
    expect(staff.locator(".chart tbody tr").last).to_be_visible()
