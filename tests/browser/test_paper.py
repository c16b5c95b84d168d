"""A campaign played to its end for those whom no mail reaches: approved with its rungs, printed, answered by the code
typed from paper, called, and proved.
"""

import re
import subprocess
import zipfile
from datetime import timedelta

import pytest
import zxingcpp
from playwright.sync_api import expect
from sqlalchemy import select, update

from outreach.campaigns import planning, waves
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Wave
from outreach.campaigns.planning import AudienceRule
from outreach.cli.running import job_child
from outreach.core import jobs
from outreach.core.jobs import JobWork
from outreach.directory import contacts
from outreach.directory.models import Authority
from tests import factories
from tests.browser.test_campaigns import sign_in
from tests.campaigns.channels.climbing import climb
from tests.campaigns.channels.test_paper import _pixels
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.web.campaigns.test_progress import end

__all__ = ["sign_in"]
pytestmark = [pytest.mark.browser, pytest.mark.long]
FEW = {"network": ["COCOF", "Subventionné provincial"]}


@pytest.fixture
def without(sample_database):
    """A draft to the authorities of two small networks; the FASE numbers of two of them, which have no mailbox."""
    with sample_database.writing() as session:
        stated = factories.invitation(segment=AudienceRule.model_validate({"criteria": FEW}), reminders=())
        campaign = factories.campaign(session, stated, NOW)
        keys = sorted({one.authority_id for one in planning.list_addressees(session, campaign, now=NOW)})[:2]
        for authority in (session.get_one(Authority, key) for key in keys):
            for held in contacts.contacts_of(session, authority):
                contacts.retire(session, authority, held, now=NOW, actor=AUTHOR)
        return session.scalars(select(Authority.fase).where(Authority.id.in_(keys)).order_by(Authority.id)).all()


def job_done(database, settings):
    """Do the job that waits, as a work process does."""
    with database.writing() as session:
        number, lease = jobs.claim_job(session, now=settings.instant())
    job_child.do(settings, database, JobWork(database, number, lease, settings.instant))


def launched_days_ago(database, settings, days):
    """Have the wave leave so many days ago; each of its letters was accepted."""
    at = settings.instant() - timedelta(days=days)
    with database.writing() as session:
        session.execute(update(Wave).values(due_at=at, latest_start=at + timedelta(hours=2)))
        wave = session.scalars(select(Wave.id)).one()
    with database.writing() as session:
        waves.advance_wave(session, wave, SenderIdentity.of(settings), now=at)
    end(database)


def codes_on_paper(archive, folder):
    """The addresses in the pictures that a phone reads on the pages of an archive's letters, in order."""
    (folder / "letters.pdf").write_bytes(zipfile.ZipFile(archive).read("lettres-1.pdf"))
    subprocess.run(["pdftoppm", "-r", "120", "-gray", folder / "letters.pdf", folder / "page"], check=True)
    pages = sorted(folder.glob("page-*.pgm"))
    return [found.text for page in pages for found in zxingcpp.read_barcodes(_pixels(page))]


@pytest.fixture
def holds(violations):
    """Checks that a page keeps the rules and its width."""

    def check(page, has_script):
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert not has_script or violations(page) == []

    return check


@pytest.mark.parametrize(
    ("width", "has_script"),
    [pytest.param(1280, True, id="script"), pytest.param(390, False, id="small, no script", marks=pytest.mark.deep)],
)
def test_nobody_is_left_unreached(
    sign_in, open_page, app, sample_database, without, holds, tmp_path, width, has_script
):
    settings = app.extensions["outreach.settings"]
    options = {"java_script_enabled": has_script, "viewport": {"width": width, "height": 900}}
    author, approver, secretary = sign_in("author", **options), sign_in("approver", **options), open_page(**options)
    asks_for_approval(author)
    approves(approver, lambda: holds(approver, has_script))
    launched_days_ago(sample_database, settings, 2)
    assert climb(sample_database, settings.instant()) == (0, 2)
    archive = prints(author, lambda: job_done(sample_database, settings), lambda: holds(author, has_script))
    first, _ = codes_on_paper(archive, tmp_path)
    posts(author)
    answers(secretary, first.rpartition("/")[2], lambda: holds(secretary, has_script))
    (silent,) = [fase for fase in without if not has_answered(author, fase)]
    notes_return(author, silent)
    assert climb(sample_database, settings.instant())[1] == 1
    calls(author, lambda: holds(author, has_script))
    all_are_reached(author, lambda: holds(author, has_script))


def said(words):
    """These words, with any kind of space between them."""
    return re.compile(re.escape(words).replace(r"\ ", r"\s"))


def asks_for_approval(author):
    author.goto("/campaigns/1/dates")
    author.get_by_label("Jour de la première vague").fill("2027-05-18")
    author.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    author.get_by_label("Une lettre sur papier, après (jours)").fill("1")
    author.get_by_label("Un appel, après (jours)").fill("2")
    author.get_by_role("button", name="Enregistrer et vérifier").click()
    author.get_by_role("button", name=re.compile("Demander la validation")).click()
    expect(author.locator(".heading .ds-tag")).to_have_text("À valider")


def approves(approver, holds):
    approver.goto("/campaigns/1/check")
    expect(approver.get_by_role("row", name=re.compile("Lettre sur papier.* environ 2 PO"))).to_be_visible()
    holds()
    approver.get_by_role("button", name="Valider et planifier").click()
    expect(approver.locator(".heading .ds-tag")).to_have_text("Planifiée")


def prints(author, do_job, holds):
    author.goto("/campaigns/1/paper")
    expect(author.get_by_text(said("2 lettres sont dues"))).to_be_visible()
    holds()
    author.get_by_role("button", name="Préparer ces lettres").click()
    do_job()
    author.goto("/campaigns/1/paper")
    holds()
    author.get_by_role("button", name="Demander les fichiers du lot 1").click()
    do_job()
    author.reload()
    with author.expect_download() as saved:
        author.get_by_role("link", name=re.compile("Télécharger le fichier")).click()
    return saved.value.path()


def posts(author):
    author.goto("/campaigns/1/paper")
    author.get_by_role("button", name="Noter l’envoi du lot 1").click()
    expect(author.get_by_text(said("2 lettres sont postées"))).to_be_visible()


def answers(secretary, code, holds):
    """She mistypes the code, then types it as one does: small, without its dash."""
    secretary.goto("/r")
    holds()
    secretary.get_by_label("Code de la lettre").fill("abcd efgh")
    secretary.get_by_role("button", name="Ouvrir la page de réponse").click()
    expect(secretary.locator(".ds-error-summary")).to_be_visible()
    holds()
    secretary.get_by_label("Code de la lettre").fill(code.lower().replace("-", " "))
    secretary.get_by_role("button", name="Ouvrir la page de réponse").click()
    expect(secretary.get_by_role("button", name="Envoyer ma réponse")).to_be_visible()
    holds()
    secretary.get_by_label(re.compile("préparation")).first.check()
    secretary.get_by_role("button", name="Envoyer ma réponse").click()
    expect(secretary.get_by_text("donnée par le code de votre lettre")).to_be_visible()
    holds()


def has_answered(author, fase):
    author.goto(f"/campaigns/1/authorities?figure=reached&q={fase}")
    return author.locator("tbody tr").count() == 1


def notes_return(author, fase):
    author.goto("/campaigns/1/paper")
    author.get_by_label("Lettres revenues (NPAI) : numéros FASE").fill(str(fase))
    author.get_by_role("button", name="Noter ces retours du lot 1").click()
    expect(author.get_by_text(said("1 lettre est notée comme revenue"))).to_be_visible()


def calls(author, holds):
    author.goto("/campaigns/1/progress")
    expect(author.locator("#moment")).to_contain_text(said("1 à atteindre encore, dont 1 à appeler"))
    author.goto("/campaigns/1/calls")
    holds()
    author.get_by_role("button", name=re.compile("^Appeler ")).click()
    author.get_by_label("Joint", exact=True).check()
    author.get_by_label("Ce qui a été dit (facultatif)").fill("La direction a pris note.")
    holds()
    author.get_by_role("button", name="Noter l’appel").click()
    expect(author.get_by_text("L’appel est noté.")).to_be_visible()


def all_are_reached(author, holds):
    author.goto("/campaigns/1/authorities?figure=to_reach")
    expect(author.get_by_role("navigation", name="Filtrer")).not_to_contain_text(said("À atteindre encore"))
    holds()
    author.get_by_role("link", name=said("Ont réagi (2)")).click()
    for proof in ("a répondu", "joint par téléphone"):
        expect(author.locator("tbody").get_by_text(re.compile(proof, re.IGNORECASE))).to_have_count(1)
    author.goto("/situation/actions")
    expect(author.get_by_role("listitem").filter(has_text=said("2 ont réagi"))).to_be_visible()
