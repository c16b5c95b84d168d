"""What an authority reads of itself, and takes back, in a real browser."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message
from tests.browser.test_pages import overflow
from tests.web.test_responses import letters, wbe

__all__ = ["letters", "wbe"]
pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_the_receipt_the_file_and_taking_an_unsubscription_back_keep_the_rules(
    visitor, letters, wbe, app, sample_database, violations, looks
):
    def keeps_the_rules():
        for look in looks(visitor):
            assert (violations(visitor), overflow(visitor) <= 0) == ([], True), look

    few = next(address for address in letters.values() if address != wbe)
    visitor.goto(f"{few}?choice=joined")
    visitor.get_by_role("radio", name="Nous adhérons", exact=True).check()
    visitor.get_by_text("Votre nom, une copie de l’accusé").click()
    visitor.get_by_label("Recevoir une copie").fill("pas une adresse")
    visitor.get_by_role("button", name="Envoyer ma réponse").click()
    expect(visitor.get_by_label("Recevoir une copie")).to_have_attribute("aria-invalid", "true")
    keeps_the_rules()
    visitor.get_by_label("Recevoir une copie").fill("prefet@ecole.be")
    visitor.get_by_role("button", name="Envoyer ma réponse").click()
    expect(visitor.get_by_text("Une copie part vers prefet@ecole.be")).to_be_visible()
    keeps_the_rules()
    visitor.goto(wbe.replace("/a/", "/a/file/") + "?page=3")
    keeps_the_rules()
    with sample_database.reading() as session:
        found = session.scalars(select(Message.public_id).where(Message.reason.is_(None))).first()
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    visitor.goto(f"/u/{keys.make(TokenKind.UNSUBSCRIBE, bytes.fromhex(found))}")
    for choice in ("Ne plus les recevoir, sans raison", "Recevoir à nouveau les courriels"):
        keeps_the_rules()
        visitor.get_by_role("radio", name=choice).check()
        visitor.get_by_role("button", name="Enregistrer mon choix").click()
    expect(visitor.get_by_role("heading", name="Vous recevez à nouveau nos courriels")).to_be_visible()
    keeps_the_rules()
