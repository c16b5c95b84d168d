"""From a letter in the demonstration's mailbox to the page an authority sees, in a real browser."""

import smtplib

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from outreach.campaigns import waves
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Batch, Mailing, Suppression
from outreach.delivery.outbox import due_in
from outreach.operations.demo import mailbox
from tests.application import planned
from tests.conftest import NOW
from tests.machine import free_port

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture
def letter(app, sample_database, served, monkeypatch):
    """A letter of a launched wave, delivered to the mailbox; its links lead to the served pages."""
    settings = app.extensions["outreach.settings"]
    sending = type(SenderIdentity.of(settings))(settings.sending_domain, served, SenderIdentity.of(settings).keys)
    wave = planned(sample_database, NOW)
    with sample_database.writing() as session:
        waves.advance_wave(session, wave, sending, now=NOW)
        mailing = session.scalars(select(Mailing)).one()
        due = due_in(session, session.scalars(select(Batch.id)).first(), now=NOW)[0]
        made = Composer(sending, lambda: NOW)(session, mailing, [due])[due.id]
    folder, port = mailbox.folder_of(settings.data), free_port()
    with mailbox.serving(f"127.0.0.1:{port}", folder), smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail(due.return_path, [due.address], made.wire)
    yield due
    for path in (folder / "new").iterdir():
        path.unlink()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_letter_is_read_and_its_link_leads_to_one_choice(staff, letter, violations, sample_database, width):
    staff.set_viewport_size({"width": width, "height": 900})
    staff.goto("/mailbox")
    assert violations(staff) == []
    staff.get_by_role("link", name="À répondre").first.click()
    frame = staff.frame_locator("iframe")
    expect(frame.get_by_role("link", name="Ne plus recevoir")).to_be_visible()
    assert violations(staff) == []
    with staff.context.expect_page() as opened:
        frame.get_by_role("link", name="Ne plus recevoir").click()
    page = opened.value
    expect(page.get_by_role("button", name="Enregistrer mon choix")).to_be_visible()
    assert page.get_by_role("radio", checked=True).count() == 0
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    page.get_by_label("Ne plus les recevoir, sans raison").check()
    page.get_by_role("button", name="Enregistrer mon choix").click()
    expect(page.get_by_role("heading", name="C’est enregistré")).to_be_visible()
    assert violations(page) == []
    with sample_database.reading() as session:
        assert session.scalars(select(Suppression.address_key)).all() == [letter.address.casefold()]


def test_a_letter_read_online_keeps_the_rules_and_has_landmarks(app, visitor, served, letter, looks, violations):
    sending = SenderIdentity.of(app.extensions["outreach.settings"])

    def with_the_pixel_served(route):
        said = route.fetch()
        route.fulfill(response=said, body=said.text().replace(sending.address, served))

    visitor.route("**/v/*", with_the_pixel_served)
    visitor.goto(f"/v/{sending.keys.make(TokenKind.VIEW, bytes.fromhex(letter.public_id))}")
    for _ in looks(visitor):
        assert violations(visitor) == []
    for role in ("banner", "main", "contentinfo"):
        expect(visitor.get_by_role(role)).to_have_count(1)
    expect(visitor.get_by_role("heading", level=1)).to_have_count(1)


@pytest.mark.parametrize("view", ["text", "source"])
def test_its_text_and_its_source_keep_the_rules(staff, letter, violations, view):
    staff.goto("/mailbox")
    staff.get_by_role("link", name="À répondre").first.click()
    expect(staff.locator("iframe")).to_be_visible()
    staff.goto(f"{staff.url.partition('?')[0]}?view={view}")
    assert violations(staff) == []
