"""An authority agrees to be measured, its next letter's opening shows by name, it withdraws, nothing more is stored."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select, update

from outreach.campaigns import planning
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.campaigns.models import Wave
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Batch, Composition, Message, MessageState
from outreach.delivery.outbox import due_in
from outreach.directory.models import Authority, Contact
from outreach.engagement.tracking import Hit, TrackingMode
from tests import factories
from tests.arriving import move_all
from tests.browser.test_pages import overflow
from tests.campaigns.conftest import advance
from tests.factories import APPROVER, AUTHOR

pytestmark = [pytest.mark.browser, pytest.mark.long]
READER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5"
BOX, SAVE = "Oui, j’accepte", "Enregistrer ce choix"


class Sending:
    """A campaign with a reminder that measures mailboxes one by one where it may, and its letters to WBE."""

    def __init__(self, app, database, served):
        settings = app.extensions["outreach.settings"]
        keys = SenderIdentity.of(settings).keys
        self.database, self.now = database, settings.instant
        self.sending = SenderIdentity(settings.sending_domain, served, keys)
        self.keys: Keys = keys
        then = self.now() - timedelta(days=14)
        more = f"\n\nVoir [la page du programme]({served}/accessibility).\n"
        stated = factories.invitation(tracking=TrackingMode.INDIVIDUAL, reminders=(14,), deadline_days=60)
        with database.writing() as session:
            stated = stated.model_copy(update={"letter": stated.letter + more})
            campaign = factories.campaign(session, stated, then)
            self.campaign = campaign.id
            planning.submit_campaign(session, campaign, now=then, actor=AUTHOR)
            planning.approve_campaign(session, campaign, now=then, actor=APPROVER)
            planning.schedule_campaign(session, campaign, then, now=then, actor=AUTHOR)

    def launch(self, number, now):
        """Start a wave; returns its letter to WBE, its key and HTML, as a relay accepted it."""
        with self.database.writing() as session:
            wave = session.scalars(select(Wave).where(Wave.number == number)).one()
            wave.due_at, wave.latest_start = now, now + timedelta(days=1)
            started = wave.id
        advance(self.database, started, now, self.sending)
        with self.database.writing() as session:
            mailing = session.get_one(Wave, started).mailing
            wbe = session.scalars(select(Authority.id).where(Authority.fase == 9001)).one()
            theirs = select(Message.id).where(Message.mailing_id == mailing.id, Message.authority_id == wbe)
            key = session.scalars(theirs).one()
            batches = session.scalars(select(Batch.id).where(Batch.mailing_id == mailing.id))
            due = [one for batch in batches for one in due_in(session, batch, now=now) if one.id == key]
            made = Composer(self.sending, lambda: now)(session, mailing, due)[key]
            session.add(Composition(message_id=key, revision=0, content=made.content))
            left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": now, "settled_at": now}
            meant = (Message.mailing_id == mailing.id, Message.reason.is_(None))
            session.execute(update(Message).where(*meant).values(**left, reply_code=250))
        return key, message_from_bytes(made.wire, policy=default).get_body(("html",)).get_content()

    def answer_page(self, key):
        with self.database.reading() as session:
            identity = bytes.fromhex(session.get_one(Message, key).public_id)
        return f"/a/{self.keys.make(TokenKind.ANSWER, identity)}"

    def kept(self):
        """How many hits are kept one by one, once the clock has moved what came."""
        with self.database.writing() as session:
            move_all(session)
            return session.scalar(select(func.count()).select_from(Hit))


@pytest.fixture
def sending(app, sample_database, served):
    return Sending(app, sample_database, served)


def read(page, letter):
    """Open a letter as a mail program that shows pictures, in a tab of its own, and follow its link."""
    tab = page.context.new_page()
    tab.set_content(letter, wait_until="networkidle")
    tab.goto(tab.get_by_role("link", name="la page du programme").get_attribute("href"))
    tab.close()


def test_an_authority_agrees_is_seen_by_name_and_withdraws(open_page, staff, sending):
    theirs = open_page(java_script_enabled=False, user_agent=READER, viewport={"width": 390, "height": 800})
    first, letter = sending.launch(1, sending.now() - timedelta(days=14))
    read(theirs, letter)
    assert sending.kept() == 0
    theirs.goto(sending.answer_page(first))
    expect(theirs.get_by_label(BOX)).not_to_be_checked()
    theirs.get_by_label(BOX).check()
    theirs.get_by_role("button", name=SAVE).click()
    expect(theirs.get_by_role("status")).to_contain_text("Votre accord est enregistré")
    assert overflow(theirs) <= 0
    read(theirs, letter)
    assert sending.kept() == 0, "an agreement counts from the next wave on"

    second, reminder = sending.launch(2, sending.now())
    read(theirs, reminder)
    assert sending.kept() == 2
    staff.goto("/directory/9001/history")
    expect(staff.get_by_text("Ouvert le")).to_contain_text("(probable), cliqué le")
    expect(staff.get_by_text("Une ouverture est probable, jamais sûre")).to_be_visible()
    staff.goto(f"/campaigns/{sending.campaign}/letters/{second}")
    expect(staff.get_by_text("ouvert le")).to_contain_text("(probable), cliqué le")
    staff.goto(f"/campaigns/{sending.campaign}/authorities?opening=opened")
    staff.locator("td[data-label='Courriel'] summary").last.click()
    expect(staff.locator("td[data-label='Courriel'] li").last).to_contain_text("(probable), cliqué le")

    theirs.goto(sending.answer_page(second))
    expect(theirs.get_by_label(BOX)).to_be_checked()
    theirs.get_by_label(BOX).uncheck()
    theirs.get_by_role("button", name=SAVE).click()
    expect(theirs.get_by_role("status")).to_contain_text("Cette boîte n’est pas mesurée")
    for _ in range(2):
        read(theirs, reminder)
        read(theirs, letter)
    assert sending.kept() == 2, "nothing more is stored"
    staff.goto("/directory/9001/history")
    expect(staff.get_by_text("plus rien n’est enregistré depuis")).to_be_visible()
    staff.goto("/directory/9001/measure")
    expect(staff.get_by_text("Dans un groupe")).to_be_visible()
    expect(staff.get_by_text("Retiré le")).to_be_visible()


def test_the_pages_of_agreements_keep_the_rules(staff, sending, violations, looks):
    first, _ = sending.launch(1, sending.now())
    with sending.database.reading() as session:
        key = session.scalars(select(Contact.id).join(Authority).where(Authority.fase == 9001)).one()

    def keeps(address=None):
        if address:
            staff.goto(address)
        for look in looks(staff):
            assert (violations(staff), overflow(staff) <= 0) == ([], True), (staff.url, look)

    keeps("/directory/9001/measure")
    keeps(f"/directory/9001/measure/{key}/decision")
    keeps(f"/directory/9001/measure/{key}/consent")
    staff.get_by_role("button", name="Enregistrer un accord").click()
    keeps()
    staff.get_by_label("Qui l’a donné").fill("A. Petit, directrice")
    staff.get_by_role("button", name="Enregistrer un accord").click()
    expect(staff.get_by_text("Il vaut à partir du prochain courriel")).to_be_visible()
    keeps()
    page = sending.answer_page(first)
    keeps(page)
    staff.get_by_label(BOX).uncheck()
    staff.get_by_role("button", name=SAVE).click()
    keeps()
