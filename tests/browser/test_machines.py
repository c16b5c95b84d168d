"""What scanners of mail do to an installation that is served, by the network and in Chromium: nothing comes of it.

Servers of one database by clocks some seconds apart stand for the time that a machine waits: nobody sleeps.
"""

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Error
from sqlalchemy import func, select, update

from outreach.adherence.models import AdherenceRecord
from outreach.adherence.records import FROM_A_LETTER
from outreach.campaigns.letter import IN_TEXT
from outreach.campaigns.letter._links import IN_HEADER
from outreach.core.settings import read
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message, MessageState, Suppression
from outreach.engagement.replies import FormState, Response, SentForm
from outreach.engagement.replies._models import Doubt
from outreach.engagement.tracking import TrackingBasis
from outreach.web.app import create_app
from outreach.web.sign_in.access_log_queue import EXTENSION
from tests.browser.conftest import serving
from tests.browser.machines import BEHAVIOURS, Machine, without_a_page
from tests.conftest import NOW
from tests.nursery import run_command
from tests.pages import form_of

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(900)]
WAITS, LAST = (0, 4, 60, 600), 1800
AT_ONCE, LETTERS_AT_ONCE = 1000, 40


class Installation:
    """An installation with a campaign whose letters have left, served at each moment after another."""

    def __init__(self, stack, database, url, folder, open_database):
        began = (NOW + timedelta(days=10) - datetime.now(UTC)).total_seconds()
        self.database, self.folder, self.commands, self.ports = database, folder, 0, {}
        own = {"OUTREACH_DATA": str(folder), "OUTREACH_DATABASE_URL": url}
        for seconds in (*WAITS, LAST):
            self.environment = {"PATH": "/usr/bin:/bin", **own, "OUTREACH_CLOCK_OFFSET": str(began + seconds)}
            settings, opened = read(self.environment), open_database(url)
            stack.callback(opened.dispose)
            made = create_app(settings, opened)
            stack.callback(made.extensions[EXTENSION].flush)  # what it writes after an answer needs its database
            self.ports[seconds] = int(stack.enter_context(serving(made)).rpartition(":")[2])
        self.keys = Keys(settings.signing_keys)
        left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": NOW, "settled_at": NOW, "reply_code": 250}
        with database.writing() as session:
            session.execute(update(Message).where(Message.reason.is_(None)).values(left))
            query = select(Message.public_id).where(Message.reason.is_(None)).order_by(Message.id)
            self.letters = [bytes.fromhex(name) for name in session.scalars(query)]

    def machine(self, seconds):
        return Machine(self.ports[0], self.ports[seconds], self.ports[LAST])

    def pages(self, letter):
        """What a letter links to, and its header."""
        answer = self.keys.make(TokenKind.ANSWER, letter)
        yield from (f"/a/{answer}?choice=joined", f"/a/{answer}")
        yield from (f"/u/{self.keys.make(TokenKind.UNSUBSCRIBE, letter, link)}" for link in (IN_TEXT, IN_HEADER))

    def counts(self):
        self.commands += 1
        told = run_command(
            ["campaign", "counts", "1", "--json"], self.environment, self.folder.parent / f"command-{self.commands}"
        )
        assert told.returncode == 0, told.stderr
        return {key: value for key, value in json.loads(told.stdout).items() if key != "as_of"}

    def came(self):
        """What people would have done: answers that stand, what was declared, excluded, measured."""
        with self.database.reading() as session:
            answers = Counter(
                answer.value for answer in session.scalars(select(Response.answer).where(Response.stands()))
            )
            declared = select(AdherenceRecord.status).where(AdherenceRecord.source == FROM_A_LETTER)
            declared = declared.where(AdherenceRecord.stands())
            return {
                "answers": answers,
                "declared": {status.value for status in session.scalars(declared)},
                "excluded": session.scalar(select(func.count()).select_from(Suppression)),
                "measured": session.scalar(select(func.count()).select_from(TrackingBasis)),
            }

    def doubts(self):
        with self.database.reading() as session:
            query = select(SentForm.kind, SentForm.doubt).where(SentForm.state == FormState.TO_VERIFY)
            return Counter((kind.value, doubt) for kind, doubt in session.execute(query))


@pytest.fixture
def installation(launched_sample, sample_url, tmp_path, templates):
    with ExitStack() as stack:
        yield Installation(stack, launched_sample, sample_url, tmp_path / "data", templates.open)


def test_no_machine_answers_excludes_or_is_counted(installation):
    before, counts = installation.came(), installation.counts()
    letters, sent = iter(installation.letters[1:]), Counter()
    for seconds in WAITS:
        for behaviour in BEHAVIOURS:
            machine, letter = installation.machine(seconds), next(letters)
            for page in installation.pages(letter):
                behaviour(machine, page)
            sent[behaviour.__name__] += machine.sent
    assert {name for name, forms in sent.items() if not forms} == {"head", "every_link"}
    after, counted = installation.came(), installation.counts()
    assert set(after.pop("answers")) == {"informed"}, "the first choice says at most that the letter was read"
    assert after.pop("declared") <= {"informed"}
    assert after == {name: before[name] for name in after}
    without = {name: value for name, value in counted.items() if name not in {"to_verify", "schools"}}
    assert without == {name: counts[name] for name in without}
    assert counted["to_verify"] == len(WAITS) + 1, "who never opened a page, and who ticked the first choice at once"
    assert {name for name, value in counted["schools"].items() if value != counts["schools"][name]} == {"to_verify"}


def test_a_chromium_that_fills_nothing_answers_nothing(installation, chromium):
    letters = iter(installation.letters[1:])
    for seconds in WAITS[::2]:
        for backwards in (False, True):
            for address in installation.pages(next(letters)):
                wander(chromium, installation.ports[0], installation.ports[seconds], address, backwards=backwards)
    came = installation.came()
    assert (came["answers"], came["declared"], came["excluded"], came["measured"]) == ({}, set(), 0, 0)
    doubts = installation.doubts()
    assert {kind for kind, _ in doubts} == {"measure"}, "the one form that says something by its button alone: no"


def wander(chromium, now, later, address, *, backwards):
    """Open each link of a page, and press each of its buttons, with scripts; a form is sent by a later clock."""
    context = chromium.new_context(base_url=f"http://127.0.0.1:{now}")
    page = context.new_page()

    def send_later(route):
        asked = route.request
        route.continue_(**({"url": asked.url.replace(f":{now}/", f":{later}/")} if asked.method == "POST" else {}))

    page.route("**/*", send_later)
    page.goto(address)
    for link in page.eval_on_selector_all("a[href^='/a/'], a[href^='/u/']", "all => all.map(one => one.href)")[:6]:
        try:
            page.goto(link)
        except Error as error:  # a file is no page
            assert "Download is starting" in str(error) or "ERR_ABORTED" in str(error)  # noqa: PT017
    page.goto(address)
    places = range(page.locator("main button, main input[type=submit]").count())
    for place in reversed(places) if backwards else places:
        page.goto(address)
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
        page.locator("main button, main input[type=submit]").nth(place).click()
        page.wait_for_load_state()
    context.close()


@pytest.mark.deep
def test_of_a_thousand_forms_at_once_each_page_gives_one_answer_and_two_minds_of_one_page_none(installation):
    machine = installation.machine(60)
    addresses = [f"/a/{installation.keys.make(TokenKind.ANSWER, one)}" for one in installation.letters[1:]]
    forms = [
        (address, {**form_of(machine.ask(address), "answer"), "answer": "in_preparation"})
        for address in addresses[:LETTERS_AT_ONCE]
    ]
    torn, form = forms[0]
    many = forms[1:] * (AT_ONCE // LETTERS_AT_ONCE)
    many += [(torn, {**form, "answer": answer}) for answer in ("joined", "declined")] * (
        AT_ONCE // LETTERS_AT_ONCE // 2
    )
    with ThreadPoolExecutor(16) as pool:
        pages = list(pool.map(lambda one: machine.send(*one), random.sample(many, len(many))))
    assert {page.status_code for page in pages} <= {200, 302}, "the page, or the receipt of what was recorded"
    assert installation.came()["answers"] == {"in_preparation": LETTERS_AT_ONCE - 1}
    assert installation.doubts() == {("answer", Doubt.TWICE): 2}


def test_a_machine_that_sends_back_what_the_answer_to_its_form_shows_is_a_person_to_us(installation):
    """What stays possible, as the documentation says: it chose an answer that nothing had proposed, and confirmed."""
    letter = installation.letters[1]
    address = f"/a/{installation.keys.make(TokenKind.ANSWER, letter)}"
    machine = installation.machine(0)
    response = machine.send(address, {"answer": "in_preparation"})
    assert "Un dernier geste" in response.text
    machine.send(address, form_of(response, "answer"))
    assert not installation.came()["answers"], "not at once"
    machine.send(address, form_of(response, "answer"), port=installation.ports[4])
    assert installation.came()["answers"] == {"in_preparation": 1}
    without_a_page(machine, address)
    assert installation.came()["answers"] == {"in_preparation": 1}
