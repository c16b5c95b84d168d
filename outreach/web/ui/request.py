"""What a view knows of its request: the instant, the person, settings, the database; and who may open it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from functools import wraps
from typing import Any

from flask import Flask, Response, abort, current_app, flash, g, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach import days
from outreach.db import NO_ANSWER, Database, Session, time_limit
from outreach.errors import TookTooLong
from outreach.jobs.work import JobWork
from outreach.mail.addresses import Judgement, judge
from outreach.mail.tokens import Keys
from outreach.roles import RoleName
from outreach.settings import Mode, Settings
from outreach.sight.engine import sighted
from outreach.sight.scopes import Sight
from outreach.web.ui import door

READING_SECONDS = 5.0  # that what a page reads may take in the database
READS = {"GET", "HEAD"}  # methods that change nothing
JOB = "outreach.job"  # in the environment of a request that a job answers; no client can set it
FIRST_PAGE = "account.password"  # for those who have to change their password


def database() -> Database:
    """The database of the running application."""
    opened: Database = current_app.extensions["outreach.database"]
    return opened


def job() -> JobWork | None:
    """The job that answers this request, or None for a page."""
    work: JobWork | None = request.environ.get(JOB)
    return work


def tell(said: str) -> None:
    """Say what is done, within `finishing`: on the next page, or of the job."""
    if work := job():
        work.tell(said)
    g.told = said


@contextmanager
def finishing() -> Iterator[Session]:
    """The one transaction that does what a request is for. A job that answers the request ends with it."""
    work = job()
    with work.finishing() if work else database().writing() as session:
        yield session
    if "told" in g:
        flash(g.pop("told"), "success")


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads, for a block of a view. A page reads one state of the data, its bar too.

    A request that changes nothing has one such session, which ends with the request. Others have one for a block and
    the blocks within it: what they write in between must be seen. An account of a federation or a network reads what
    is in its scope.
    """
    begins = "reading" not in g
    if begins:
        kept = ExitStack()
        seen = sighted(database(), g.sight) if "sight" in g else database()
        g.reading, g.ends_reading = kept.enter_context(seen.reading()), kept
    try:
        yield g.reading
    except (*NO_ANSWER, TookTooLong):
        end_reading()  # its transaction is over: the page that says so needs another
        raise
    finally:
        if begins and request.method not in READS:
            end_reading()


def end_reading(_error: BaseException | None = None) -> None:
    """End the request's reading, if it has one: call it before waiting for anybody but the database."""
    if g.pop("reading", None) is None:
        return
    try:
        g.pop("ends_reading").__exit__(*sys.exc_info())
    except NO_ANSWER as error:  # the request is answered, and the connection given up
        database().note_fault(error)


def settings() -> Settings:
    """The settings of the running application."""
    current: Settings = current_app.extensions["outreach.settings"]
    return current


def now() -> datetime:
    """The instant of the request. The clock is read once a request, here, and passed on."""
    if "now" not in g:
        g.now = settings().instant()
    instant: datetime = g.now
    return instant


def current_day() -> date:
    """The day of the request in Brussels."""
    return days.today(now())


def actor() -> str:
    """The e-mail address of the person who is signed in, as the audit records it."""
    email: str = current_user.email
    return email


def judged(text: str) -> Judgement:
    """Judge an address by this installation's rules. Raises SeveralAddresses or InputError."""
    here = settings()
    return judge(text, examples=here.mode is Mode.DEMO, ours=here.sending_domain)


def needs(*roles: RoleName) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Open a view only to holders of one of these roles. Others have to sign in first, or get 403.

    To accounts of federations and networks it is open where `door` names it, whatever the roles.

    Whoever has a password that somebody else chose has to change it before.
    """

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*arguments: Any, **named: Any) -> Any:
            if not current_user.is_authenticated:
                return ask_to_sign_in()
            if current_user.must_change_password and request.endpoint != FIRST_PAGE:
                return _lead_to(url_for(FIRST_PAGE))
            if current_user.sight is not None:
                _look_through(current_user.sight)
            elif not current_user.holds(*roles):
                g.lacks = roles
                abort(403)
            return view(*arguments, **named)

        guarded.__dict__["roles"] = roles
        return guarded

    return guard


def _look_through(sight: Sight) -> None:
    """Have the page read through a sight. A view that is not open to it by name answers 403; a job only reads."""
    if job() and request.endpoint not in door.PAGES:
        abort(403)
    if request.endpoint in door.OWN | door.GUIDE:
        return
    if request.endpoint not in door.PAGES | door.WRITES:
        abort(403)
    end_reading()  # which read the account, and everything
    g.sight = sight


def leave_unread(fault: Exception) -> None:
    """Go on as for a stranger where the database does not answer for the account, so that pages without it are served.

    A view that needs an account raises the fault. Only reading goes on: signing out, for one, would seem to be done.
    """
    if request.method not in {"GET", "HEAD"}:
        raise fault
    database().note_fault(fault)
    g.unread = fault


def unread() -> Exception | None:
    """Why the account of the session that this request belongs to could not be read, or None."""
    fault: Exception | None = g.get("unread")
    return fault


def ask_to_sign_in() -> Response | WerkzeugResponse:
    """Redirect to the sign-in page, which leads back. A request by htmx redirects the whole page.

    Whoever was signed in learns that the session ended, and what to do where signing in fails, too.
    """
    if (fault := unread()) is not None:
        raise fault
    if current_user.is_anonymous and session.pop("_user_id", None):
        flash("Votre session est terminée. Reconnectez-vous ; si cela ne va pas, demandez à l’administration.", "info")
    return _lead_to(url_for("account.sign_in", next=request.full_path.rstrip("?")))


def _lead_to(address: str) -> Response | WerkzeugResponse:
    if "HX-Request" in request.headers:
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def held_roles() -> set[RoleName]:
    """The roles of the person who is signed in."""
    return {RoleName(role.name) for role in current_user.roles}


def inert(text: str) -> str:
    """A text for staff, in which no link of a letter works: whoever reads it may not act for a recipient.

    Our own pages make no such link. A note, a title or an answer may quote one.
    """
    return Keys(settings().signing_keys).without(text)


def limit_reading(app: Flask) -> None:
    """Limit what each page reads, and end it. A job reads for as long as it may take.

    Call it first: the account is read before a page begins.
    """
    app.before_request(lambda: time_limit.limit(None if job() else READING_SECONDS))
    app.teardown_request(lambda _error: time_limit.limit(None))
    app.teardown_request(end_reading)
