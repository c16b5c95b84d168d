"""From the author's request to a planned campaign: the approver is told, opens the mail's page, presses one button."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from outreach.access import accounts
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Batch, Mailing, Purpose
from outreach.delivery.outbox import due_in
from outreach.operations.demo import people
from outreach.staff import notifications
from tests.browser.test_campaigns import begin, sign_in
from tests.conftest import NOW

__all__ = ["sign_in"]
pytestmark = [pytest.mark.browser, pytest.mark.long]


def told(database, settings):
    """The mail that the clock's next pass puts into the outbox: whom it is to, and the page that it names."""
    sending, now = SenderIdentity.of(settings), settings.instant()
    notifications.send_digests(database, sending, now=now)
    with database.reading() as session:
        mailing = session.scalars(select(Mailing).where(Mailing.purpose == Purpose.STAFF).order_by(Mailing.id)).all()[
            -1
        ]
        batch = session.scalars(select(Batch.id).where(Batch.mailing_id == mailing.id)).one()
        (due,) = due_in(session, batch, now=now)
        (letter,) = Composer(sending, lambda: now)(session, mailing, [due]).values()
    return due.address, re.search(rb"/campaigns/\d+/check", letter.wire.replace(b"=\r\n", b""))[0].decode()


@pytest.mark.parametrize(
    ("width", "has_script"),
    [pytest.param(1280, True, id="script"), pytest.param(390, False, id="small, no script", marks=pytest.mark.deep)],
)
def test_the_approver_is_told_and_plans_by_one_button(
    sign_in, sample_database, standing, violations, width, has_script
):
    options = {"java_script_enabled": has_script, "viewport": {"width": width, "height": 900}}
    sending, now = SenderIdentity.of(standing.settings), standing.settings.instant()
    assert notifications.send_digests(sample_database, sending, now=now) == []
    author = sign_in("author", **options)
    address = begin(author)
    author.goto(f"{address}/dates")
    author.get_by_label("Jour de la première vague").fill("2027-05-18")
    author.get_by_role("button", name="Enregistrer et vérifier").click()
    author.get_by_role("button", name=re.compile(r"Demander la validation")).click()
    expect(author.locator(".heading .ds-tag")).to_have_text("À valider")
    to, page = told(sample_database, standing.settings)
    assert to == people.person_for("approver").email
    approver = sign_in("approver", **options)
    expect(approver.get_by_role("link", name=re.compile("^Lire et valider"))).to_be_visible()
    expect(approver.locator(".count:visible")).to_have_text("1 chose vous attend")
    approver.goto(page)
    expect(approver.locator(".letter").get_by_text("Madame, Monsieur,")).to_be_visible()
    assert not has_script or violations(approver) == []
    assert approver.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    approver.get_by_role("button", name="Valider et planifier").click()
    expect(approver.locator(".heading .ds-tag")).to_have_text("Planifiée")
    to, _ = told(sample_database, standing.settings)
    assert to == people.person_for("author").email
    author.goto("/account")
    author.get_by_label("Une fois par jour, à 8 heures").check()
    author.get_by_role("button", name="Enregistrer").click()
    expect(author.get_by_label("Une fois par jour, à 8 heures")).to_be_checked()


def test_an_approver_names_a_deputy_by_keyboard_and_the_page_keeps_the_rules(sign_in, sample_database, violations):
    with sample_database.writing() as session:
        luc = {"email": "luc@fwb.example", "name": "Luc Petit", "roles": (RoleName.APPROVER,), "password_hash": "x"}
        accounts.add_user(session, NOW, "installation", **luc)
    approver = sign_in("approver")
    approver.goto("/account/deputies")
    assert violations(approver) == []
    approver.get_by_label("Premier jour").focus()
    approver.keyboard.type("hier")
    approver.keyboard.press("Enter")
    expect(approver.locator(".ds-error-summary")).to_be_focused()
    expect(approver.get_by_label("Premier jour")).to_have_value("hier")
    assert violations(approver) == []
