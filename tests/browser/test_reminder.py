"""Who has not reacted gets one more reminder, by two people; whoever answers meanwhile is not written to."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.waves import launching
from outreach.delivery.models import Message
from outreach.mail.tokens import Keys, TokenKind
from tests.application import planned
from tests.browser.test_campaigns import sign_in
from tests.conftest import NOW
from tests.web.campaigns.test_progress import end

__all__ = ["sign_in"]
pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture
def sent(app, sample_database):
    """A first wave that left two days ago, whose reminders were called off; the answer pages of two of its letters."""
    wave, settings = planned(sample_database, NOW), app.extensions["outreach.settings"]
    at = settings.instant() - timedelta(days=2)
    with sample_database.writing() as session:
        session.execute(update(Wave).where(Wave.id == wave).values(due_at=at, latest_start=at + timedelta(hours=2)))
        session.execute(update(Wave).where(Wave.id != wave).values(state=WaveState.CANCELLED))
    with sample_database.writing() as session:
        launching.advance(session, wave, SenderIdentity.of(settings), now=at)
    end(sample_database)
    with sample_database.reading() as session:
        found = session.execute(
            select(Message.public_id, Message.authority_id).where(Message.reason.is_(None)).limit(2)
        ).all()
    keys = Keys(settings.signing_keys)
    return [(f"/a/{keys.make(TokenKind.ANSWER, bytes.fromhex(name))}", authority) for name, authority in found]


def answer(page, address):
    page.goto(f"{address}?choice=joined")
    page.get_by_role("radio", name="Nous adhérons", exact=True).check()
    page.get_by_role("button", name="Envoyer ma réponse").click()
    expect(page.get_by_role("heading", name="Votre réponse est enregistrée")).to_be_visible()


def silent(page):
    page.goto("/campaigns/1/progress/waves")
    told = page.get_by_role("heading", name=re.compile("N’ont ni répondu ni adhéré")).inner_text()
    return int(re.search(r"\d+", told)[0])


@pytest.mark.parametrize(
    ("width", "has_script"),
    [pytest.param(1280, True, id="script"), pytest.param(390, False, id="small, no script", marks=pytest.mark.deep)],
)
def test_one_more_reminder_to_those_alone_who_have_not_reacted(
    sign_in, open_page, app, sample_database, sent, violations, width, has_script
):
    options = {"java_script_enabled": has_script, "viewport": {"width": width, "height": 900}}

    def holds(page):
        assert page.locator("html").evaluate("root => root.scrollWidth - root.clientWidth") <= 0
        assert not has_script or violations(page) == []

    (first, reacted), (second, meanwhile) = sent
    author = sign_in("author", **options)
    before = silent(author)
    answer(open_page(**options), first)
    assert silent(author) == before - 1
    holds(author)
    author.get_by_role("link", name="Ajouter une relance").click()
    expect(author.get_by_text("Écartés : déjà adhéré")).to_be_visible()
    if has_script:  # its editor takes the place of the field, which nobody can fill from then on
        author.locator("[name=subject]").wait_for(state="hidden")
    author.get_by_label("Objet du courriel").fill("FASE ((fase_po)) – Encore un mot")
    holds(author)
    author.get_by_role("button", name="Enregistrer et vérifier").click()
    holds(author)
    author.get_by_role("button", name=f"Demander la validation de la relance à {before - 1} PO").click()
    approver = sign_in("approver", **options)
    approver.get_by_role("link", name=re.compile("^Lire et valider")).click()
    expect(approver.locator(".letter").get_by_text("Madame, Monsieur,")).to_be_visible()
    holds(approver)
    approver.get_by_role("button", name="Valider et planifier").click()
    expect(approver.get_by_text("La relance est validée et planifiée.")).to_be_visible()
    answer(open_page(**options), second)
    with sample_database.writing() as session:
        wave = session.scalars(select(Wave).order_by(Wave.number.desc())).first()
        assert wave.name == "relance 1"
        launching.advance(session, wave.id, SenderIdentity.of(app.extensions["outreach.settings"]), now=wave.due_at)
        query = select(Message.authority_id, Message.reason).where(Message.mailing_id == wave.mailing_id)
        written = {authority for authority, reason in session.execute(query) if reason is None}
    assert len(written) == before - 2
    assert not {reacted, meanwhile} & written
