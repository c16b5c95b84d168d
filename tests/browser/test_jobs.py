"""The page of a job in a real browser: it follows the job, keeps the focus, and serves whoever has no script."""

import pytest
from playwright.sync_api import expect

from outreach.core import jobs
from outreach.core.jobs import AskedJob, JobWork
from outreach.core.jobs import _work as leases
from outreach.operations.demo import people

pytestmark = [pytest.mark.browser, pytest.mark.long]
AUTHOR = people.person_for("author").email


@pytest.fixture
def asked(sample_database, settings):
    """Asks for a job of the author."""

    def ask(title="Écoles d’un pouvoir organisateur dont le nom est fort long, avec leurs implantations", **about):
        with sample_database.writing() as session:
            about = AskedJob(title, f"/directory/export.csv?{title}", **about)
            return jobs.ask_job(session, AUTHOR, about, now=settings.instant()).id

    return ask


@pytest.fixture
def begun(sample_database, settings):
    """Begins the job that waits."""

    def begin():
        with sample_database.writing() as session:
            number, lease = leases.claim_job(session, now=settings.instant())
        return JobWork(sample_database, number, lease, settings.instant)

    return begin


def tell(work, done, total=None):
    with work.database.writing() as session:
        leases.write(session, work.number, work.lease, done=done, total=total)


def test_jobs_keep_the_accessibility_rules_in_every_state(staff, asked, begun, violations, looks):
    def check(page):
        staff.goto(page)
        for look in looks(staff):
            wide = staff.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert (violations(staff), wide) == ([], 0), (page, look)

    page = f"/jobs/{asked()}"
    check(page)
    work = begun()
    check(page)
    tell(work, 12_500, 30_000)
    check(page)
    work.write(b"x" * 2_000_000)
    work.save("ecoles.csv", "text/csv")
    check(page)
    asked("Liste de contacts", location="/directory")
    failed = begun()
    failed.fail("Ce qui est connu a changé entre-temps : regardez à nouveau ce que la liste changerait.")
    check(f"/jobs/{failed.number}")
    check("/jobs")


def test_the_page_follows_its_job_and_keeps_the_focus(staff, asked, begun):
    staff.clock.install()
    staff.goto(f"/jobs/{asked('Écoles')}")
    staff.get_by_role("button", name="Annuler").focus()
    work = begun()
    tell(work, 12_500, 30_000)
    staff.clock.fast_forward(3_000)
    expect(staff.get_by_role("progressbar")).to_have_js_property("value", 41)
    expect(staff.locator(":focus")).to_have_text("Annuler la tâche")
    work.write(b"x")
    work.save("ecoles.csv", "text/csv")
    staff.clock.fast_forward(3_000)
    expect(staff.get_by_role("status")).to_contain_text("Terminée")
    expect(staff.locator(":focus")).to_contain_text("Télécharger le fichier")
    with staff.expect_download() as saved:
        staff.get_by_role("link", name="Télécharger le fichier").click()
    assert saved.value.suggested_filename == "ecoles.csv"


def test_a_job_is_followed_and_cancelled_without_a_script(plain, asked, begun):
    plain.goto(f"/jobs/{asked('Écoles')}")
    work = begun()
    tell(work, 12_500)
    expect(plain.get_by_role("status")).to_contain_text("12 500 lignes prêtes".replace(" ", "\u202f", 1))
    plain.get_by_role("button", name="Annuler la tâche").click()
    expect(plain.locator("#job")).to_contain_text("Annulée")
    plain.get_by_role("button", name="Recommencer").click()
    expect(plain.locator("#job")).to_contain_text("En attente")
