"""Tasks as a new user does them: how many pages open and how many clicks they take, from the page after sign-in."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from outreach.campaigns import planning, waves
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Wave, WaveState
from outreach.directory.models import Authority
from tests import factories
from tests.application import planned
from tests.browser.test_campaigns import sign_in
from tests.conftest import NOW
from tests.core.tables.books import workbook
from tests.factories import AUTHOR
from tests.web.campaigns.test_progress import end

__all__ = ["sign_in"]
pytestmark = [pytest.mark.browser, pytest.mark.long]


class Task:
    """A person at work: each page that opens, the first one left out, and each click."""

    def __init__(self, page, start=None):
        self.page, self.pages, self.clicks = page, 0, 0
        if start:
            page.goto(start)
        page.on("domcontentloaded", self._opened)

    def _opened(self, _page):
        self.pages += 1

    def click(self, role, name, **named):
        self.clicks += 1
        self.page.get_by_role(role, name=name, **named).first.click()

    def ends(self, seen, *, pages, clicks=99):
        """What is seen at the end, and how much it may have taken."""
        expect(self.page.get_by_text(seen).first).to_be_visible()
        assert self.pages <= pages
        assert self.clicks <= clicks


@pytest.fixture
def sent(app, sample_database):
    """A campaign whose only wave left two days ago."""
    wave, settings = planned(sample_database, NOW), app.extensions["outreach.settings"]
    at = settings.instant() - timedelta(days=2)
    with sample_database.writing() as session:
        session.execute(update(Wave).where(Wave.id == wave).values(due_at=at, latest_start=at + timedelta(hours=2)))
        session.execute(update(Wave).where(Wave.id != wave).values(state=WaveState.CANCELLED))
    with sample_database.writing() as session:
        waves.advance_wave(session, wave, SenderIdentity.of(settings), now=at)
    end(sample_database)


@pytest.mark.usefixtures("sent")
def test_a_reminder_to_those_who_have_not_reacted(sign_in, violations):
    task = Task(sign_in("author"))
    task.click("link", "Campagnes")
    task.click("link", re.compile("Invitation au premier volet"))
    task.click("link", "Relances")
    task.click("link", "Ajouter une relance")
    task.page.locator("[name=subject]").wait_for(state="hidden")  # its editor has taken the place of the field
    assert violations(task.page) == []
    task.click("button", "Enregistrer et vérifier")
    task.click("button", re.compile("Demander la validation de la relance"))
    task.ends(re.compile("attend (sa|la) validation|À valider"), pages=6, clicks=8)
    assert violations(task.page) == []


def test_an_approval(sign_in, sample_database):
    with sample_database.writing() as session:
        campaign = factories.campaign(session, factories.invitation(), NOW)
        planning.submit_campaign(session, campaign, now=NOW, actor=AUTHOR)
    task = Task(sign_in("approver"))
    task.click("link", re.compile("^Lire et valider"))
    task.click("button", re.compile("^Valider"))
    task.ends(re.compile("^Validée?"), pages=3, clicks=3)


def test_an_ordinary_workbook_of_contacts(sign_in, sample_database):
    """A title above, columns in an odd order, two addresses in a cell, and one row in twenty with a fault."""
    with sample_database.reading() as session:
        numbers = session.scalars(select(Authority.fase).order_by(Authority.fase).limit(40)).all()
    rows = [["", f"a{fase}@ecole.example, b{fase}@ecole.example", f"PO {fase}"] for fase in numbers]
    rows[3][1], rows[20][2] = "pas d’adresse", "PO 1"
    book = workbook(["Contacts au 30 juin"], [], ["Remarque", "Courriel", "N° FASE du PO"], *rows)
    task = Task(sign_in("author"))
    task.click("link", "Annuaire")
    task.click("link", "Importer des contacts")
    task.page.locator("input[type=file]").set_input_files({"name": "C.xlsx", "mimeType": "", "buffer": book})
    task.click("button", "Vérifier le fichier")
    expect(task.page.get_by_text("Lignes rejetées").first).to_be_visible()
    task.click("button", "Appliquer cette liste")
    task.ends(re.compile("Appliquée"), pages=5)


def test_a_call_that_says_a_school_has_left(sign_in, sample_database):
    with sample_database.reading() as session:
        fase = session.scalars(select(Authority.fase).order_by(Authority.fase).limit(1)).one()
    task = Task(sign_in("author"))
    task.click("link", "Annuaire")
    task.page.locator("main input[type=search]").first.fill(str(fase))
    expect(task.page.locator("tbody th a")).to_have_count(1)
    task.page.locator("tbody th a").first.click()
    task.click("link", re.compile("^Appeler"))
    task.page.get_by_label(re.compile("dit|échange", re.IGNORECASE)).last.fill("Cette école n’est plus à ce PO.")
    task.click("button", "Noter cet échange")
    task.ends(re.compile("Cette école n’est plus à ce PO"), pages=4)


def test_a_note_that_an_adviser_takes_away(sign_in):
    reader = Task(sign_in("reader"))
    reader.page.get_by_text("Demander une note").first.click()
    reader.page.get_by_label("La question, dans vos mots").fill("Toutes les écoles de WBE ont-elles adhéré ?")
    reader.click("button", "Demander la note")
    reader.ends("Retirer ma demande", pages=3)
    author = Task(sign_in("author"))
    author.click("link", re.compile("^Répondre"))
    author.click("button", "Figer la note")
    author.ends(re.compile("la validation revient à une autre personne"), pages=4)
    approver = Task(sign_in("approver"))
    approver.click("link", re.compile("^Lire et valider"))
    approver.ends("Votre décision", pages=1)
    approver.click("button", "Valider et numéroter")
    expect(approver.page.get_by_text("Télécharger :")).to_be_visible()
