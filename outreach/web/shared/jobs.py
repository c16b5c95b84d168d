"""The pages of jobs: each person's own, how far they are, and their files; and what makes a job of a request."""

from urllib.parse import unquote, urlsplit

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.core import jobs
from outreach.core.db import Session
from outreach.core.jobs import KEPT, AskedJob, Job, JobState
from outreach.core.tables import InMemoryListing
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.web.shared.list_files import has_files
from outreach.web.sign_in.sessions import TOKEN, is_path
from outreach.web.ui import exports
from outreach.web.ui.fields import posted
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import actor, database, needs, now, reading

pages = Blueprint("jobs", __name__, url_prefix="/jobs")


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        shown = Shown.of(request, _listed(session), export=".export")
        return render_template("pages/jobs/index.html", shown=shown, text=sought(request))


@pages.post("")
@needs(RoleName.READER)
def ask() -> Redirect:
    """Have a file prepared that is too large for a page."""
    address, title = posted("of"), posted("title") or "Fichier"
    if not is_path(address) or unquote(urlsplit(address).path).startswith("/jobs/"):
        raise InputError("Cette adresse n’est pas celle d’un fichier : revenez à la liste, et demandez-le de nouveau.")
    return _begun(AskedJob(title, address))


@pages.get("/<number:number>")
@needs(RoleName.READER)
def job(number: int) -> str:
    with reading() as session:
        found = jobs.job_of(session, number, actor())
        return render_template("pages/jobs/job.html", job=found, kept=KEPT)


@pages.post("/<number:number>/cancellation")
@needs(RoleName.READER)
def cancel(number: int) -> Redirect:
    with database().writing() as session:
        jobs.cancel_job(session, jobs.job_of(session, number, actor()), now=now())
    flash("La tâche est annulée ; vous pouvez la redemander.", "success")
    return redirect(url_for(".job", number=number))


@pages.post("/<number:number>/again")
@needs(RoleName.READER)
def again(number: int) -> Redirect:
    with database().writing() as session:
        another = jobs.repeat_job(session, jobs.job_of(session, number, actor()), now=now()).id
    return redirect(url_for(".job", number=another))


@pages.get("/<number:number>/file")
@pages.post("/<number:number>/file")  # with the proof that some files are handed over for
@needs(RoleName.READER)
def file(number: int) -> Response | tuple[str, int]:
    """The file of a job that is done."""
    with reading() as session:
        found = jobs.job_of(session, number, actor())
        if found.state is not JobState.DONE or not found.file_name:
            raise Refused("Cette tâche n’a pas encore de fichier : regardez où elle en est.")
        name, mimetype, size = found.file_name, found.mimetype, found.size
        endpoint, _ = current_app.url_map.bind("").match(urlsplit(found.address).path, found.method)
    asks_first = getattr(current_app.view_functions[endpoint], "asks_first", None)
    if asks_first and (asked := asks_first(url_for(".job", number=number))):
        page: tuple[str, int] = asked
        return page
    return exports.sending(jobs.read_pieces(database(), number), mimetype, name, size)


@has_files(pages, "/export", "taches", RoleName.READER)
def _listed(session: Session) -> InMemoryListing[Job]:
    return jobs.list_jobs(session, actor(), text=sought(request), sort=sorting(request))


def later(title: str, location: str) -> Redirect:
    """Have this request answered as a job, and lead to its page. `location` is the page that it is about."""
    form = [(name, value) for name, value in request.form.items(multi=True) if name != TOKEN]
    return _begun(AskedJob(title, request.path, request.method, form, location))


def _begun(asked: AskedJob) -> Redirect:
    with database().writing() as session:
        number = jobs.ask_job(session, actor(), asked, now=now()).id
    return redirect(url_for("jobs.job", number=number))
