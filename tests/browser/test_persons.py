"""No person is lost, however they come to the page of a letter: by programs that send forms, and in Chromium."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.engagement.replies import Response
from tests.browser.conftest import serving
from tests.browser.keyboard import tab_to
from tests.pages import form_of
from tests.web.public.test_codes import coded
from tests.web.public.test_persons import clock
from tests.web.test_responses import letters

__all__ = ["clock", "coded", "letters"]
pytestmark = [pytest.mark.browser, pytest.mark.long]
CHOICE = "in_preparation"
IN_CHROMIUM = 5  # each fifth person


@pytest.fixture
def served(app):
    """The application as people meet it: their pages are as old as they are."""
    with serving(app) as address:
        yield address


class Town:
    """The installation, the letters that people got, the code of one on paper, and the clock."""

    def __init__(self, app, addresses, code, clock, database, chromium=None, served=""):
        self.app, self.addresses, self.code, self.clock, self.database = app, addresses, code, clock, database
        self.chromium, self.served = chromium, served

    def device(self, *, cookies=True):
        return FlaskClient(self.app, self.app.response_class, use_cookies=cookies)

    def is_recorded(self, words):
        with self.database.reading() as session:
            query = select(Response.answer).where(Response.comment == words, Response.stands())
            return session.scalars(query).all() == [CHOICE]


# ---- ways without a browser: what is sent is what the page held, with what was typed


def filled(form, words):
    ticked = {name: value for name, value in form.items() if name not in ("pick", "range", "measure")}
    return {**ticked, "answer": CHOICE, "comment": words}


def sends(town, device, address, form):
    """Send a form, and confirm it where the page asks; at most one tap more."""
    page = device.post(address, data=form)
    if page.status_code == 200:
        town.clock.wait(3)
        page = device.post(address, data=form_of(page, "answer"))
    assert page.status_code == 303, page.text[:2000]


def reads(town, address, words, *, cookies=True, pause=40):
    device = town.device(cookies=cookies)
    form = filled(form_of(device.get(address), "answer"), words)
    town.clock.wait(pause)
    sends(town, device, address, form)


def refuses_cookies(town, address, words):
    reads(town, address, words, cookies=False)


def answers_fast(town, address, words):
    """Faster than two seconds: a press of the return key."""
    reads(town, address, words, pause=1)


def leaves_it_open_for_a_day(town, address, words):
    reads(town, address, words, pause=86_400)


def copies_the_link_to_another_device(town, address, words):
    town.device().get(f"{address}?choice=joined")
    town.clock.wait(300)
    reads(town, address, words, cookies=False)


def sends_from_another_network(town, address, words):
    """The page was opened on one connection, and is sent on another, by another program."""
    form = filled(form_of(town.device().get(address), "answer"), words)
    town.clock.wait(30)
    other = town.device(cookies=False)
    other.environ_base.update(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="another")
    sends(town, other, address, form)


def goes_back(town, address, words):
    """A page of before, by the back button, after another one was opened."""
    device = town.device()
    form = filled(form_of(device.get(address), "answer"), words)
    device.get(f"{address}?choice=joined")
    town.clock.wait(60)
    sends(town, device, address, form)


def changes_its_mind_by_the_back_button(town, address, words):
    device = town.device()
    form = form_of(device.get(address), "answer")
    town.clock.wait(60)
    sends(town, device, address, {**filled(form, ""), "answer": "declined"})
    town.clock.wait(60)
    sends(town, device, address, filled(form, words))


def sends_twice(town, address, words):
    device = town.device()
    form = filled(form_of(device.get(address), "answer"), words)
    town.clock.wait(9)
    sends(town, device, address, form)
    sends(town, device, address, form)


def has_a_page_of_an_older_version(town, address, words):
    device = town.device()
    form = filled(form_of(device.get(address), "answer"), words)
    del form["seen"]
    town.clock.wait(60)
    sends(town, device, address, form)


def comes_by_the_code_on_paper(town, _address, words):
    town.clock.wait(3600)
    page = town.device(cookies=False).post("/r", data={"code": town.code.lower()})
    reads(town, page.location, words, cookies=False)


BY_FORMS = (
    reads,
    refuses_cookies,
    answers_fast,
    leaves_it_open_for_a_day,
    copies_the_link_to_another_device,
    sends_from_another_network,
    goes_back,
    changes_its_mind_by_the_back_button,
    sends_twice,
    has_a_page_of_an_older_version,
    comes_by_the_code_on_paper,
)


# ---- ways in Chromium


def fills(page, words):
    page.get_by_role("radio", name="En préparation").check()
    page.get_by_label("Commentaire ou motif").fill(words)


def presses(page, name="Envoyer ma réponse"):
    page.get_by_role("button", name=name).first.click()
    page.wait_for_load_state()


def has_scripts(town, page, address, words):
    page.goto(f"{address}?choice=joined")
    fills(page, words)
    town.clock.wait(20)
    presses(page)


def loses_its_page(town, page, address, words):
    """A phone that loads the page anew before it is sent, and again when the receipt was left."""
    page.goto(address)
    fills(page, words)
    page.goto("about:blank")
    town.clock.wait(86_400)
    page.go_back()
    fills(page, words)
    town.clock.wait(10)
    presses(page)


def presses_at_once(town, page, address, words):
    page.goto(address)
    fills(page, words)
    town.clock.wait(1)
    presses(page)
    assert page.get_by_text("Un dernier geste").is_visible()
    town.clock.wait(5)
    presses(page, "Confirmer ma réponse")


def goes_back_from_the_receipt(town, page, address, words):
    page.goto(address)
    page.get_by_role("radio", name="Nous n’adhérons pas").check()
    town.clock.wait(30)
    presses(page)
    town.clock.wait(30)
    page.go_back()
    fills(page, words)
    presses(page)
    town.clock.wait(5)
    presses(page, "Confirmer ma réponse")


def hears_the_page(town, page, address, words):
    """By the keyboard alone, in the order of the page, as who hears it: the doubt is told, and its button reached."""
    page.goto(address)
    tab_to(page, page.get_by_role("radio", name="J’ai pris connaissance"))
    page.keyboard.press("Space")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    tab_to(page, page.get_by_label("Commentaire ou motif"))
    page.keyboard.press("Control+a")  # the page holds the comment of an earlier answer
    page.keyboard.type(words)
    tab_to(page, page.get_by_role("button", name="Envoyer ma réponse").first)
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="Un dernier geste").wait_for()
    town.clock.wait(30)
    tab_to(page, page.get_by_role("button", name="Confirmer ma réponse").first)
    page.keyboard.press("Enter")


def types_the_code_on_paper(town, page, _address, words):
    town.clock.wait(3600)
    page.goto("/r")
    page.locator("input[name=code]").fill(town.code)
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="En préparation").wait_for()
    fills(page, words)
    town.clock.wait(20)
    presses(page)


IN_A_BROWSER = (
    has_scripts,
    loses_its_page,
    presses_at_once,
    goes_back_from_the_receipt,
    hears_the_page,
    types_the_code_on_paper,
)


def browse(town, number, way, address, words):
    """One person in a Chromium of their own, with scripts or without, in turn."""
    scripts = number % 2 == 0
    context = town.chromium.new_context(base_url=town.served, locale="fr-BE", java_script_enabled=scripts)
    try:
        page = context.new_page()
        way(town, page, address, words)
        page.get_by_role("heading", name="Votre réponse est enregistrée").wait_for()
    finally:
        context.close()


def lost(town, count):
    """The ways of which the answer of so many persons is not recorded; each fifth one is in Chromium."""
    found = []
    for number in range(count):
        address, words = town.addresses[number % len(town.addresses)], f"Personne {number}."
        if number % IN_CHROMIUM == 0:
            way = IN_A_BROWSER[number // IN_CHROMIUM % len(IN_A_BROWSER)]
            browse(town, number // IN_CHROMIUM, way, address, words)
        else:
            way = BY_FORMS[number % len(BY_FORMS)]
            way(town, address, words)
        if not town.is_recorded(words):
            found.append((number, way.__name__))
        town.clock.wait(600)
    return found


@pytest.fixture
def town(app, letters, coded, clock, sample_database, chromium, served):
    code, _ = coded
    return Town(app, list(letters.values())[1:], code, clock, sample_database, chromium, served)


@pytest.mark.parametrize("way", BY_FORMS, ids=lambda way: way.__name__)
def test_no_way_to_send_a_page_loses_who_answers(app, letters, coded, clock, sample_database, way):
    made = Town(app, list(letters.values())[1:], coded[0], clock, sample_database)
    way(made, made.addresses[3], "Oui.")
    assert made.is_recorded("Oui.")


@pytest.mark.parametrize("scripts", [0, 1], ids=["scripts", "none"])
@pytest.mark.parametrize("way", IN_A_BROWSER, ids=lambda way: way.__name__)
def test_no_way_in_a_browser_loses_who_answers(town, way, scripts):
    browse(town, scripts, way, town.addresses[3], "Oui.")
    assert town.is_recorded("Oui.")


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_of_two_hundred_persons_none_is_lost(town):
    assert lost(town, 200) == []
