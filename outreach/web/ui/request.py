"""What a view knows of its request: where it comes from, the instant, the person, what is open to whom.

A view of `PAGES` reads through the account's scope. One of `OWN` reads rows of the account itself, and nothing else.
One of `GUIDE` reads no row.
"""

import ipaddress
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from functools import wraps
from typing import Any
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, abort, current_app, flash, g, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach.access.scopes import AccessScope, scoped_database
from outreach.core.db import NO_ANSWER, Database, Session, time_limit
from outreach.core.jobs import JobWork
from outreach.core.settings import Mode, Settings
from outreach.core.settings.values import Network, address_of, is_within
from outreach.core.text import dates
from outreach.core.text.addresses import Judgement, judge
from outreach.core.text.errors import TookTooLong
from outreach.core.text.roles import RoleName
from outreach.delivery.letters import Keys

Proxies = tuple[Network, ...]
OF_ONE = 64  # bits of the IPv6 network in which whoever is connected takes any address (RFC 4291 §2.5.1)
OF_SITE = 48  # bits of the largest one that a site has for itself (RFC 6177)


def client_of(environ: WSGIEnvironment, proxies: Proxies, bits: int = OF_ONE) -> str:
    """The address that a request comes from; of an IPv6 one the network, as whoever asks may change the rest at will.

    A web server that is believed (`proxies`) says for whom it asks: it adds the address that it saw itself at the end
    of `X-Forwarded-For`. So the list is read from its end, as far as those who wrote it are believed. Whoever asks may
    have written the rest; and all of it as `X_Forwarded_For`, which reaches a WSGI application under the same name and
    in place of what the web server said. Nothing passes for `Forwarded` (RFC 7239): where that comes, it has to agree.
    """
    place: str = environ.get("REMOTE_ADDR", "")
    forwarded: str | None = environ.get("HTTP_FORWARDED")
    hops = _from_the_end(environ.get("HTTP_X_FORWARDED_FOR", ""))
    agreed = None if forwarded is None else map(_address_in, _from_the_end(forwarded))
    for address in map(address_of, hops):
        if not is_within(place, proxies) or address is None or (agreed and next(agreed, None) != address):
            break
        place = address
    return _client_at(place, bits)


def _client_at(place: str, bits: int) -> str:
    try:
        address = ipaddress.ip_address(place)
    except ValueError:
        return place
    if isinstance(address, ipaddress.IPv4Address):
        return place
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), bits), strict=False))


def _from_the_end(rest: str) -> Iterator[str]:
    """The entries of a list, the last one first; cut lazily, as the list may be as long as the headers."""
    while rest:
        rest, _, last = rest.rpartition(",")
        yield last.strip()


def _address_in(entry: str) -> str | None:
    """The address in an entry of `Forwarded`, such as `for="[2001:db8::5]:4711";proto=https`."""
    pairs = (pair.partition("=") for pair in entry.split(";"))
    written = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return address_of(written.get("for", "").strip('"'))


def came_by_https(environ: WSGIEnvironment, proxies: Proxies) -> bool:
    """Whether a web server that is believed says that it was asked by https."""
    last = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip()
    return last == "https" and is_within(environ.get("REMOTE_ADDR", ""), proxies)


PAGES = frozenset(
    {
        "situation.index",
        "situation.export",
        "situation.slides",
        "situation.listed",
        "situation.export_list",
        "situation.all_actions",
        "situation.export_actions",
        "situation.why",
        "situation.changed",
        "situation.export_changed",
        "directory.index",
        "directory.export",
        "directory.authority",
        "directory.export_schools",
        "directory.authority_contacts",
        "directory.export_contacts",
        "schools.index",
        "adherence.statuses",
        "calendar.index",
        "notes.index",
        "notes.export",
        "finding.index",
        "proposals.index",
        "proposals.export",
        "proposals.new",
    }
)
WRITES = frozenset({"proposals.propose"})  # it reads its target as a page does; a named function writes
OWN = frozenset(
    {
        "account.index",
        "account.password",
        "account.choose_pace",
        "account.sign_out",
        "oidc.bind",
        "account.end_session",
        "account.end_other_sessions",
        "calendar.make_key",
        "calendar.end_key",
        "second_factor.index",
        "second_factor.begin",
        "second_factor.confirm",
        "second_factor.renew_codes",
        "second_factor.remove",
        "jobs.index",
        "jobs.export",
        "jobs.ask",
        "jobs.job",
        "jobs.cancel",
        "jobs.again",
        "jobs.file",
    }
)
GUIDE = frozenset({"guide.index", "guide.topic", "guide.file"})
CLOSED = (
    "Votre compte voit la situation, l’annuaire, le calendrier et les notes publiées, pour vos membres. Cette page "
    "n’en est pas : demandez au service ce qu’il vous faut."
)


def counted() -> AccessScope | None:
    """Whose members alone this request reads: the account's scope, or the key's; None where it reads all rows."""
    scope: AccessScope | None = g.get("scope")
    return scope


def is_scoped() -> bool:
    """Whether whoever is signed in sees the members of a federation or a network alone."""
    return bool(current_user.is_authenticated and current_user.access_scope is not None)


def opens(endpoint: str) -> bool:
    """Whether a view is open to whoever is signed in, as far as its scope goes; a role may still be wanted."""
    return not is_scoped() or endpoint in PAGES | WRITES | OWN | GUIDE


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
        seen = scoped_database(database(), g.scope) if "scope" in g else database()
        g.reading, g.ends_reading = kept.enter_context(seen.reading()), kept
    try:
        yield g.reading
    except (*NO_ANSWER, TookTooLong):
        end_reading()  # its transaction is over: the page that says so needs another
        raise
    finally:
        if begins and request.method not in READS:
            end_reading()


@contextmanager
def whole() -> Iterator[Session]:
    """As `reading`, but that in a scope, too, it sees all rows: for what tells a scope no more than its own."""
    if "scope" not in g:
        with reading() as session:
            yield session
        return
    with database().reading() as session:
        yield session


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
    return dates.today(now())


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

    To accounts of federations and networks it is open where `opens` names it, whatever the roles.

    Whoever has a password that somebody else chose has to change it before.
    """

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*arguments: Any, **named: Any) -> Any:
            if not current_user.is_authenticated:
                return ask_to_sign_in()
            if current_user.must_change_password and request.endpoint != FIRST_PAGE:
                return _lead_to(url_for(FIRST_PAGE))
            if current_user.access_scope is not None:
                _look_through(current_user.access_scope)
            elif not current_user.holds(*roles):
                g.lacks = roles
                abort(403)
            return view(*arguments, **named)

        guarded.__dict__["roles"] = roles
        return guarded

    return guard


def _look_through(scope: AccessScope) -> None:
    """Have the page read through a scope. A view that is not open to it by name answers 403; a job only reads."""
    if job() and request.endpoint not in PAGES:
        abort(403)
    if request.endpoint in OWN | GUIDE:
        return
    if request.endpoint not in PAGES | WRITES:
        abort(403)
    end_reading()  # which read the account, and everything
    g.scope = scope


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
