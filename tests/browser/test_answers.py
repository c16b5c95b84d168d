"""Answers from a letter, the service's inbox and an authority's history, in a real browser."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message, Suppression
from outreach.engagement.replies import Response
from tests.browser.keyboard import tab_to
from tests.browser.test_pages import overflow
from tests.web.test_responses import letters, wbe

__all__ = ["letters", "wbe"]
pytestmark = [pytest.mark.browser, pytest.mark.long]
WIDTHS = pytest.mark.parametrize("width", [1280, 390])


@pytest.fixture
def leaving(wbe, app, sample_database):
    """The address of the page that unsubscribes, from a letter."""
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    with sample_database.reading() as session:
        found = session.scalars(select(Message.public_id).where(Message.reason.is_(None))).first()
    return f"/u/{keys.make(TokenKind.UNSUBSCRIBE, bytes.fromhex(found))}"


@pytest.fixture
def inbox(wbe, client):
    """Three answers that wait: a joining, a call for help, a wrong contact."""
    client.post(wbe, data={"answer": "joined", "comment": "Tout est prêt pour septembre."})
    client.post(wbe, data={"answer": "help"})
    client.post(wbe, data={"answer": "wrong_contact", "proposed": "direction@ecole.be"})


def test_the_pages_an_authority_sees_keep_the_rules(visitor, letters, leaving, violations, wbe, looks):
    few = next(address for address in letters.values() if address != wbe)
    for address in (wbe, few, leaving):
        visitor.goto(address)
        for look in looks(visitor):
            assert (violations(visitor), overflow(visitor) <= 0) == ([], True), look
    visitor.goto(f"{few}?choice=joined")
    expect(visitor.get_by_role("radio", name="Nous adhérons", exact=True)).to_be_focused()
    visitor.keyboard.press("Space")
    visitor.get_by_role("button", name="Envoyer ma réponse").click()
    expect(visitor.get_by_role("heading", name="Votre réponse est enregistrée")).to_be_visible()
    for look in looks(visitor):
        assert violations(visitor) == [], look


def test_the_pages_of_many_schools_keep_the_rules(visitor, violations, wbe, looks):
    for address in (f"{wbe}?status=none", wbe.replace("/a/", "/a/lists/")):
        visitor.goto(address)
        for look in looks(visitor):
            assert (violations(visitor), overflow(visitor) <= 0) == ([], True), look


def test_an_answer_is_given_by_the_keyboard_alone(visitor, wbe, sample_database):
    visitor.goto(wbe)
    visitor.keyboard.press("Tab")
    assert visitor.evaluate("document.activeElement.textContent") == "Aller au contenu"
    first = visitor.get_by_role("radio", name="J’ai pris connaissance")
    tab_to(visitor, first)
    visitor.keyboard.press("Space")
    visitor.keyboard.press("ArrowDown")
    visitor.keyboard.press("ArrowDown")
    expect(visitor.get_by_role("radio", name="En préparation")).to_be_checked()
    tab_to(visitor, visitor.get_by_label("Commentaire ou motif"))
    visitor.keyboard.type("Le conseil se réunit en juin.")
    tab_to(visitor, visitor.get_by_role("button", name="Envoyer ma réponse"))
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name="Votre réponse est enregistrée")).to_be_visible()
    with sample_database.reading() as session:
        assert session.scalars(select(Response.comment)).one() == "Le conseil se réunit en juin."


def test_unsubscribing_takes_the_keyboard_alone(visitor, leaving, sample_database):
    visitor.goto(leaving)
    tab_to(visitor, visitor.get_by_role("radio", name="Je continue à les recevoir"))
    for _ in range(3):
        visitor.keyboard.press("ArrowDown")
    expect(visitor.get_by_role("radio", name="Ne plus les recevoir, sans raison")).to_be_checked()
    tab_to(visitor, visitor.get_by_role("button", name="Enregistrer mon choix"))
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name="C’est enregistré")).to_be_visible()
    with sample_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Suppression)) == 1


@pytest.mark.full
@WIDTHS
def test_a_whole_answer_is_given_without_a_script(open_page, wbe, sample_database, width):
    page = open_page(java_script_enabled=False, viewport={"width": width, "height": 900})
    page.goto(wbe)
    expect(page.get_by_role("button", name="Envoyer ma réponse")).to_be_in_viewport()
    expect(page.locator("#proposed")).to_be_hidden()
    page.get_by_role("radio", name="Ce n’est pas le bon contact").check()
    expect(page.locator("#proposed")).to_be_visible()
    assert page.locator(".choices > .ds-field").first.bounding_box()["height"] >= 44
    page.reload()
    page.get_by_role("button", name="Envoyer ma réponse").click()
    expect(page.locator("#error-summary")).to_be_focused()
    page.get_by_role("link", name="Choisissez une réponse.").press("Enter")
    page.get_by_role("radio", name="En préparation").check()
    page.get_by_text("Répondre autrement pour quelques écoles").click()
    page.get_by_label("Réponse des écoles cochées").select_option("joined")
    page.get_by_role("checkbox", name="Athénée").first.check()
    if width == 390:
        expect(page.get_by_role("button", name="Envoyer pour les écoles cochées")).to_be_in_viewport()
    page.get_by_label("Commentaire ou motif").fill("Une école d’avance.")
    page.get_by_label("Zone").select_option("Hainaut Sud")
    page.get_by_role("button", name="Filtrer").click()
    expect(page.get_by_text("1 école cochée")).to_be_visible()
    page.get_by_role("button", name="Envoyer pour les écoles cochées").click()
    expect(page.get_by_role("link", name="Une réponse est aussi choisie")).to_be_visible()
    page.get_by_role("button", name="Envoyer pour les écoles cochées").click()
    expect(page.get_by_text("Nous adhérons (1 école sur 147)")).to_be_visible()
    page.get_by_role("link", name="Changer ma réponse").click()
    expect(page.get_by_text("Votre dernière réponse")).to_be_visible()
    expect(page.get_by_label("Zone")).to_have_value("Hainaut Sud")
    with sample_database.reading() as session:
        assert set(session.scalars(select(Response.comment))) == {"Une école d’avance."}


def test_what_a_letter_s_button_names_is_in_view_on_a_phone_and_still_to_be_touched(open_page, wbe, letters):
    page = open_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    for address in (wbe, next(address for address in letters.values() if address != wbe)):
        page.goto(f"{address}?choice=joined")
        named, send = page.get_by_role("radio", name="Nous adhérons", exact=True), page.locator(".send button").first
        for seen in (named, send):
            expect(seen).to_be_in_viewport(ratio=1)
        expect(named).not_to_be_checked()
        expect(page.get_by_text("propose la réponse « Nous adhérons »")).to_be_attached()
        page.get_by_role("radio", name="Marché lancé").check()
        expect(page.get_by_role("button", name="Envoyer ma réponse : « Marché lancé »")).to_be_in_viewport(ratio=1)


def test_what_would_be_replaced_follows_the_answer_chosen_without_a_script(open_page, wbe):
    page = open_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page.goto(f"{wbe}?choice=joined")
    page.get_by_role("radio", name="Nous adhérons").check()
    note, refusals = page.locator("#recorded"), page.locator("#recorded li", has_text="Refus")
    expect(note).to_contain_text("votre réponse « Nous adhérons » remplacerait", use_inner_text=True)
    expect(refusals).to_be_visible()
    page.get_by_role("radio", name="Nous n’adhérons pas").check()
    expect(note).to_contain_text("votre réponse « Nous n’adhérons pas » remplacerait", use_inner_text=True)
    expect(refusals).to_be_hidden()
    for answer in ("J’ai pris connaissance", "Besoin d’aide"):
        page.get_by_role("radio", name="Nous adhérons").check()
        page.get_by_role("radio", name=answer).check()
        expect(note).to_be_hidden()
    page.get_by_role("radio", name="Nous adhérons").check()
    page.get_by_role("link", name="Lisez leurs noms").click()
    expect(page.get_by_label("Réponse des écoles cochées")).to_be_visible()


@pytest.mark.full
@pytest.mark.parametrize("scripts", [True, False])
def test_147_schools_of_which_20_differ_take_at_most_120_key_presses(open_page, wbe, scripts):
    page = open_page(java_script_enabled=scripts, viewport={"width": 1280, "height": 900})
    page.goto(wbe)
    keys = Keyboard(page)
    keys.reach("J’ai pris connaissance")
    keys.press("ArrowDown")
    keys.reach("Répondre autrement pour quelques écoles")
    keys.press("Enter")
    keys.reach("Réponse des écoles cochées")
    keys.type("Nous n")
    keys.reach("Leurs numéros dans la liste")
    keys.type(",".join(map(str, range(94, 134, 2))))  # the longest of 133
    keys.press("Enter")
    expect(page.get_by_text("Nous adhérons (113 écoles sur 147)")).to_be_visible()
    expect(page.get_by_text("Nous n’adhérons pas (20 écoles sur 147)")).to_be_visible()
    assert keys.presses <= 120, keys.presses


class Keyboard:
    """The keys of a page, counted; a person reads where the focus is by its name."""

    def __init__(self, page):
        self.page, self.presses = page, 0

    def press(self, key):
        self.page.keyboard.press(key)
        self.presses += 1

    def type(self, text):
        for character in text:
            self.press(character)

    def reach(self, name):
        """Press Tab until the control with this name has the focus."""
        control = self.page.get_by_label(name).or_(self.page.locator("summary", has_text=name)).first
        for _ in range(40):
            self.press("Tab")
            if control.evaluate("e => e === document.activeElement"):
                return
        raise AssertionError(f"the keyboard does not reach {name}")


def test_the_inbox_keeps_the_rules(staff, inbox, violations, looks):
    several, texts = "/responses/selection?pick=1&pick=2&pick=3&pick=4", ("/responses/texts", "/responses/texts/joined")
    for address in ("/responses", "/responses?tray=help&owner=me", "/responses/1", "/responses/3", several, *texts):
        staff.goto(address)
        for look in looks(staff):
            assert (violations(staff), overflow(staff) <= 0) == ([], True), look


def test_a_reply_is_written_read_and_sent_and_its_pages_keep_the_rules(staff, inbox, violations, looks):
    staff.goto("/responses?tray=help")
    staff.locator("#main tbody").get_by_role("link", name="Aider").click()
    staff.get_by_role("link", name="Répondre par courriel").click()
    text = staff.get_by_role("textbox", name="Texte du courriel")
    expect(text.locator(".chip").first).to_contain_text("nom du PO")  # no field is typed by hand
    text.fill("Appelez-moi.")
    staff.keyboard.press("Control+a")
    staff.get_by_role("button", name="Gras", exact=True).click()
    expect(staff.locator("[name=letter]")).to_have_value("**Appelez-moi.**")
    for button in ("Relire avant d’envoyer", "Envoyer à"):
        for look in looks(staff):
            assert (violations(staff), overflow(staff) <= 0) == ([], True), look
        staff.get_by_role("button", name=button).click()
    expect(staff.get_by_role("status")).to_contain_text("est dans la file d’envoi")
    staff.locator("#replies ~ details summary").click()
    for look in looks(staff):
        assert (violations(staff), overflow(staff) <= 0) == ([], True), look


def test_the_history_with_its_form_keeps_the_rules(staff, inbox, violations, looks):
    staff.goto("/directory/9001/history")
    staff.get_by_text("Noter un appel").click()
    for look in looks(staff):
        assert violations(staff) == [], look
    staff.get_by_role("button", name="Noter cet échange").click()
    expect(staff.locator("#error-summary")).to_be_focused()
    expect(staff.get_by_role("group").filter(has_text="Noter un appel")).to_have_attribute("open", "")
    for look in looks(staff):
        assert (violations(staff), overflow(staff) <= 0) == ([], True), look
