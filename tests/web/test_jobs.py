"""Pages of jobs: a file too large for a page is prepared apart, a large list applied apart, for one person alone."""

import io

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from werkzeug.exceptions import Forbidden

from outreach.access import accounts
from outreach.cli.running import job_child
from outreach.core import jobs
from outreach.core.jobs import Job, JobState, JobWork
from outreach.core.text.errors import OutreachError
from outreach.core.text.roles import RoleName
from outreach.directory.models import Contact
from outreach.web.shared import imports
from outreach.web.ui import exports
from tests.pages import actions, form_of, text_of
from tests.web.test_scoped_pages import signed_in as scoped

FILE = "/directory/export.csv?level=fundamental"


@pytest.fixture
def few_rows(monkeypatch):
    monkeypatch.setattr(exports, "MOST_ROWS", 2)


@pytest.fixture
def do(settings, sample_database):
    """Do the job that waits, as a work process does, and return what it is then."""

    def done():
        with sample_database.writing() as session:
            number, lease = jobs.claim_job(session, now=settings.instant())
        work = JobWork(sample_database, number, lease, settings.instant)
        try:
            job_child.do(settings, sample_database, work)
        except OutreachError as error:
            work.fail(str(error))
        with sample_database.reading() as session:
            job = jobs.job_numbered(session, number)
            session.expunge(job)
        return job

    return done


def ask(reader, address=FILE):
    offer = reader.get(address)
    assert "se prépare à part" in text_of(offer)
    answer = reader.send("/jobs", form_of(offer), page=address)
    assert answer.status_code == 302
    return answer.headers["Location"]


def test_a_small_file_is_an_answer(signed_in):
    assert signed_in("reader").get(FILE).headers["Content-Disposition"].startswith("attachment")


@pytest.mark.long
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_large_file_is_a_job_whose_file_is_the_same(signed_in, do, monkeypatch, kind):
    address = FILE.replace("csv", kind)
    reader = signed_in("reader")
    whole = reader.get(address).data
    monkeypatch.setattr(exports, "MOST_ROWS", 2)
    page = ask(reader, address)
    assert "En attente" in text_of(reader.get(page))
    assert do().state is JobState.DONE
    shown = reader.get(page)
    assert "Terminée" in text_of(shown)
    file = reader.get(f"{page}/file")
    assert file.headers["Content-Disposition"].startswith("attachment")
    if kind == "csv":
        assert file.data == whole
    else:
        books = [CalamineWorkbook.from_filelike(io.BytesIO(data)) for data in (file.data, whole)]
        prepared, at_once = (book.get_sheet_by_index(0).to_python() for book in books)
        assert prepared == at_once
    assert "Télécharger le fichier" in text_of(shown)
    assert page in reader.get("/jobs").text


@pytest.mark.long
@pytest.mark.usefixtures("few_rows")
def test_a_job_that_makes_a_file_changed_nothing_and_leads_back_to_its_page(signed_in, do, sample_database):
    reader = signed_in("reader")
    page = ask(reader)
    assert do().file_name
    with sample_database.writing() as session:
        session.scalars(select(Job)).one().location = "/directory"
    said = text_of(reader.get(page))
    assert ("Revenir à la page" in said, "Voir ce qui a changé" in said) == (True, False)


@pytest.mark.long
@pytest.mark.usefixtures("few_rows")
def test_a_job_is_private_to_who_asked(signed_in, do):
    page = ask(signed_in("reader"))
    do()
    other = signed_in("author")
    for address in (page, f"{page}/file"):
        assert other.get(address).status_code == 404
    assert other.send(f"{page}/again", {}, page="/account").status_code == 404
    assert page not in other.get("/jobs").text


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.usefixtures("few_rows")
def test_a_waiting_job_is_cancelled_and_asked_for_again(signed_in):
    reader = signed_in("reader")
    page = ask(reader)
    assert reader.get(f"{page}/file").status_code == 409
    assert reader.send(f"{page}/cancellation", {}, page=page).status_code == 302
    shown = reader.get(page)
    assert "Annulée" in text_of(shown)
    assert f"{page}/again" in actions(shown)
    assert reader.send(f"{page}/again", {}, page=page).headers["Location"] != page


@pytest.mark.long
@pytest.mark.usefixtures("few_rows")
def test_a_person_who_left_gets_no_file(signed_in, sample_database, do):
    page = ask(signed_in("reader"))
    with sample_database.writing() as session:
        accounts.user_named(session, jobs.job_numbered(session, int(page.rpartition("/")[2])).asked_by).active = False
    failed = do()
    assert failed.state is JobState.FAILED
    assert "Aucun compte actif" in failed.said


@pytest.mark.usefixtures("few_rows")
def test_a_job_has_the_roles_that_the_person_has_by_then(signed_in, sample_database, do):
    page = ask(signed_in("administrator"), "/administration/accounts/export.csv")
    with sample_database.writing() as session:
        person = jobs.job_numbered(session, int(page.rpartition("/")[2])).asked_by
        accounts.user_named(session, person).roles = []
    with pytest.raises(Forbidden):
        do()


@pytest.mark.long
def test_a_job_of_a_federation_has_its_members_alone_and_goes_with_its_scope(app, sample_database, do, monkeypatch):
    adviser = scoped(app, "federation", "CECP")
    whole = adviser.get(FILE).data
    monkeypatch.setattr(exports, "MOST_ROWS", 2)
    app.config["WTF_CSRF_ENABLED"] = False
    page = adviser.post("/jobs", data=form_of(adviser.get(FILE), "/jobs")).location
    assert do().state is JobState.DONE
    assert adviser.get(f"{page}/file").data == whole
    for closed in ("/responses/export.csv", "/account", "/administration/accounts/export.csv"):
        adviser.post("/jobs", data={"of": closed, "title": "x"})
        with pytest.raises(Forbidden):
            do()
    with sample_database.writing() as session:
        person = accounts.user_named(session, jobs.job_numbered(session, int(page.rpartition("/")[2])).asked_by)
        other = {"scope": "FELSI", "now": app.extensions["outreach.settings"].instant(), "actor": "x"}
        accounts.set_roles(session, person, [RoleName.FEDERATION], **other)
        assert session.scalars(select(Job)).all() == []


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.usefixtures("few_rows")
def test_a_request_sent_again_is_one_job_and_one_cancelled_often_is_cancelled_once(signed_in):
    reader = signed_in("reader")
    page = ask(reader)
    assert ask(reader) == page
    answers = [reader.send(f"{page}/cancellation", {}, page=page).status_code for _ in range(3)]
    assert answers == [302, 409, 409]


@pytest.mark.one_example
@pytest.mark.parametrize(
    "address",
    [
        "https://ailleurs.example/",
        "//ailleurs.example",
        "/\\ailleurs.example",
        "/x\r\nHost: y",
        "/jobs/1/file",
        "/%6Aobs/1",
        "",
    ],
)
def test_only_a_path_of_ours_is_prepared(signed_in, address):
    assert signed_in("reader").send("/jobs", {"of": address, "title": "x"}, page="/account").status_code == 400


def test_what_is_no_file_fails_and_says_so(signed_in, do):
    reader = signed_in("reader")
    reader.send("/jobs", {"of": "/directory", "title": "x"}, page="/account")
    assert do().said == job_child.FAILED


@pytest.mark.long
def test_a_large_list_is_applied_as_a_job(author, sample_database, do, monkeypatch):
    monkeypatch.setattr(imports, "MOST_AT_ONCE", 10)
    book = io.BytesIO(b"FASE;Adresse\n9300;nouvelle@ec.be\n")
    place = author.send("/directory/contact-lists", {"file": (book, "contacts.csv")}).location
    form = form_of(author.get(place), f"{place}/application")
    page = author.post(f"{place}/application", data=form).location
    assert page.startswith("/jobs/")
    assert author.get(place).status_code == 200, "nothing is applied yet"
    assert "nouvelle@ec.be" not in added(sample_database)
    done = do()
    assert (done.state, done.location) == (JobState.DONE, place)
    assert done.said == "La liste est appliquée : 1\xa0adresse ajoutée, 0\xa0précisée, 0\xa0retirée."
    assert "1 adresse ajoutée" in text_of(author.get(page))
    assert "nouvelle@ec.be" in added(sample_database)
    assert author.post(f"{place}/application", data=form).status_code in {302, 409}


def added(database):
    with database.reading() as session:
        return set(session.scalars(select(Contact.address)))
