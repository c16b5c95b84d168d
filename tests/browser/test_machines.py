"""What scanners of mail do to a served installation, by the network and in a real Chromium: nothing comes of it.

Processes that serve one database by clocks some seconds apart stand for the time that a machine waits: nobody sleeps.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Error
from sqlalchemy import func, select, update

from outreach.adherence.models import AdherenceRecord
from outreach.adherence.records import FROM_A_LETTER
from outreach.campaigns.letter.page_links import IN_HEADER, IN_TEXT
from outreach.delivery.models import Mailing, Message, MessageState, Purpose, Suppression
from outreach.mail.tokens import Keys, TokenKind
from outreach.measuring.models import TrackingBasis
from outreach.responses.models import Doubt, FormState, Response, SentForm
from tests.browser.machines import BEHAVIOURS, Machine, without_a_page
from tests.conftest import NOW
from tests.nursery import run_command
from tests.pages import form_of
from tests.processes.test_web import Served

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(900)]
WAITS, LAST = (0, 4, 60, 600), 1800
AT_ONCE, LETTERS_AT_ONCE = 1000, 40


class Installation:
    """An installation with a campaign whose letters have left, served at each moment after another."""

    def __init__(self, stack, database, url, folder):
        began = (NOW + timedelta(days=10) - datetime.now(UTC)).total_seconds()
        self.database, self.folder, self.commands, self.ports = database, folder, 0, {}
        for seconds in (*WAITS, LAST):
            own = {"OUTREACH_CLOCK_OFFSET": str(began + seconds), "OUTREACH_WEB_PROCESSES": "1"}
            served = stack.enter_context(Served(folder, url, **own))
            self.ports[seconds] = served.place[1]
        self.environment, self.keys = served.environment, Keys(served.settings.signing_keys)
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
        """What people would have done: answers that stand, what was declared, excluded, measured, confirmed by mail."""
        with self.database.reading() as session:
            answers = Counter(answer.value for answer in session.scalars(select(Response.answer)))
            declared = select(AdherenceRecord.status).where(AdherenceRecord.source == FROM_A_LETTER)
            receipts = select(func.count()).where(Mailing.purpose == Purpose.CONFIRMATION)
            return {
                "answers": answers,
                "declared": {status.value for status in session.scalars(declared)},
                "excluded": session.scalar(select(func.count()).select_from(Suppression)),
                "measured": session.scalar(select(func.count()).select_from(TrackingBasis)),
                "receipts": session.scalar(receipts),
            }

    def doubts(self):
        with self.database.reading() as session:
            query = select(SentForm.doubt).where(SentForm.state == FormState.TO_VERIFY)
            return Counter(session.scalars(query))


@pytest.fixture
def installation(launched_sample, sample_url, tmp_path):
    with ExitStack() as stack:
        yield Installation(stack, launched_sample, sample_url, tmp_path / "data")


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
    assert after.pop("receipts") >= 0
    assert after == {name: before[name] for name in after}
    without = {name: value for name, value in counted.items() if name not in {"to_verify", "schools"}}
    assert without == {name: counts[name] for name in without}
    assert counted["to_verify"] == len(WAITS), "of those who never opened a page"
    assert {name for name, value in counted["schools"].items() if value != counts["schools"][name]} == {"to_verify"}


def test_a_chromium_that_fills_nothing_answers_nothing(installation, chromium):
    letters = iter(installation.letters[1:])
    for seconds in WAITS:
        for backwards in (False, True):
            for address in installation.pages(next(letters)):
                wander(chromium, installation.ports[0], installation.ports[seconds], address, backwards=backwards)
    came = installation.came()
    assert (came["answers"], came["declared"], came["excluded"], came["measured"]) == ({}, set(), 0, 0)
    assert not installation.doubts(), "it sends nothing that would have to be verified"


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


def test_a_thousand_forms_at_once_that_choose_are_those_of_a_machine_after_the_fourth_authority(installation):
    """It reads French and chooses; but no secretary answers for forty authorities within seconds."""
    machine = installation.machine(4)
    forms = []
    for letter in installation.letters[1 : LETTERS_AT_ONCE + 1]:
        address = f"/a/{installation.keys.make(TokenKind.ANSWER, letter)}"
        forms.append((address, {**form_of(machine.ask(address), "answer"), "answer": "in_preparation"}))
    with ThreadPoolExecutor(16) as pool:
        many = forms * (AT_ONCE // LETTERS_AT_ONCE)
        pages = list(pool.map(lambda one: machine.send(*one), many))
    assert {page.status_code for page in pages} == {200}
    assert len(pages) == AT_ONCE
    assert installation.came()["answers"] == {"in_preparation": 4}
    assert installation.doubts() == {Doubt.MANY: LETTERS_AT_ONCE - 4}


def test_a_machine_that_sends_back_what_the_answer_to_its_form_shows_is_a_person_to_us(installation):
    """What stays possible, as the documentation says: it chose an answer that nothing had proposed, and confirmed."""
    letter = installation.letters[1]
    address = f"/a/{installation.keys.make(TokenKind.ANSWER, letter)}"
    machine = installation.machine(0)
    asked = machine.send(address, {"answer": "in_preparation"})
    assert "Un dernier geste" in asked.text
    machine.send(address, form_of(asked, "answer"))
    assert not installation.came()["answers"], "not at once"
    machine.send(address, form_of(asked, "answer"), port=installation.ports[4])
    assert installation.came()["answers"] == {"in_preparation": 1}
    without_a_page(machine, address)
    assert installation.came()["answers"] == {"in_preparation": 1}
