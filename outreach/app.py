"""Builds the Flask application from settings: pages, sign-in, security, static files."""

from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit
from wsgiref.types import WSGIEnvironment

from flask import Flask, Request, abort, request
from flask_compress import Compress
from flask_wtf.csrf import CSRFError, CSRFProtect
from jinja2 import StrictUndefined
from whitenoise import WhiteNoise

from outreach import migrations
from outreach.accounts.sessions import LIFETIME
from outreach.db import Database
from outreach.db.ways import Way
from outreach.erasures import digests
from outreach.segments import calm
from outreach.settings import ROOT, Mode, Settings
from outreach.sight import role
from outreach.web import (
    adherence,
    api,
    campaigns,
    guide,
    jobs,
    mailbox,
    notes,
    responses,
    second_factor,
    sending,
    situation,
)
from outreach.web.administration import (
    accounts,
    api_keys,
    closures,
    hooks,
    letterhead,
    persons,
    programmes,
    pushes,
    retention,
    statements,
    trail,
)
from outreach.web.administration import index as administration
from outreach.web.api import hooks as received_hooks
from outreach.web.audience import segments
from outreach.web.directory import (
    authorities,
    contact_lists,
    exclusions,
    history,
    measure,
    names,
    proposals,
    reachability,
    register,
    school_reports,
    schools,
)
from outreach.web.headers import Headed
from outreach.web.oidc import pages as oidc
from outreach.web.own import account, calendar, deputies, today
from outreach.web.paper import addresses as postal_addresses
from outreach.web.public import draws as public_draws
from outreach.web.public import notes as public_notes
from outreach.web.public import well_known
from outreach.web.public.answering import codes as public_codes
from outreach.web.public.answering import disowning, unsubscribing
from outreach.web.public.answering.answer_lists import BIGGEST_FORM
from outreach.web.public.health import Health
from outreach.web.public.hit_endpoint import Hits
from outreach.web.public.metrics import Metrics
from outreach.web.replies import letters, texts
from outreach.web.replies import written_reply as replies
from outreach.web.sent_lists import BIGGEST_UPLOAD
from outreach.web.signing_in import kept, password_links, sign_in
from outreach.web.signing_in import trail as trail_queue
from outreach.web.ui import bar, errors, problems, programme, protection, templates
from outreach.web.ui import request as page_request

WORDS = {"", "application/x-www-form-urlencoded"}
BIG_UPLOADS = {"adherence.receive", "contact_lists.receive", "register.receive"}  # with files of BIGGEST_UPLOAD
UPLOADS = {*BIG_UPLOADS, "programmes.upload", "segments.make_list", "letterhead.change"}
ROOMS = (  # of pages
    today,
    situation,
    notes,
    proposals,
    campaigns,
    authorities,
    exclusions,
    history,
    measure,
    names,
    postal_addresses,
    reachability,
    register,
    school_reports,
    schools,
    contact_lists,
    adherence,
    calendar,
    responses,
    jobs,
    replies,
    letters,
    texts,
    segments,
    account,
    deputies,
    guide,
    password_links,
    second_factor,
    oidc,
    mailbox,
    sending,
    trail,
    administration,
    accounts,
    programmes,
    api_keys,
    hooks,
    pushes,
    closures,
    retention,
    persons,
    statements,
    letterhead,
    public_codes,
    public_draws,
    public_notes,
    well_known,
    api,
    received_hooks,
)
DEFAULT_PORTS = {"http": 80, "https": 443}
FOR_EVER = 365 * 24 * 3600


class _Request(Request):
    """A request whose host is in lower case, since names compare without case (RFC 9110, §4.2.3)."""

    def __init__(self, environ: WSGIEnvironment, populate_request: bool = True, shallow: bool = False) -> None:
        if host := environ.get("HTTP_HOST"):
            environ["HTTP_HOST"] = host.lower()
        super().__init__(environ, populate_request, shallow)


class _Service(Flask):
    """Logs a fault without the address that was asked for: an address may be a link of a letter, or hold typed text."""

    def log_exception(self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
        """Log a fault by the page's rule, with the numbers of what it shows."""
        rule = request.url_rule.rule if request.url_rule else "no page"
        shown = {name: value for name, value in (request.view_args or {}).items() if isinstance(value, int)}
        extra, said = {"event": "view_failed"}, "exception on %s %s [%s]"
        self.logger.error(said, rule, shown or "", request.method, exc_info=exc_info, extra=extra)


def create_app(settings: Settings, database: Database | None = None) -> Flask:
    """The application, ready to serve. Unless a database is given, one is opened from the settings, and watched."""
    app = _Service("outreach", template_folder=str(ROOT / "templates"), static_folder=None)
    app.request_class = _Request
    app.config.update(_config(settings))
    Compress(app)  # before the frame, whose headers are then set when it compresses
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["outreach.settings"] = settings
    rules = calm.info_of(settings) | digests.info_of(settings) | role.info_of(settings)
    opened = database or Database(settings.database, rules).watched(migrations.fault_of)
    database = opened.by(Way.PAGE)
    app.extensions["outreach.database"] = database
    page_request.limit_reading(app)
    app.before_request(_refuse_pieces)
    app.before_request(_refuse_foreign_forms)
    app.before_request(_allow_uploads)
    protect = CSRFProtect(app)
    protect.exempt(unsubscribing.pages)
    protect.exempt(received_hooks.pages)  # signed, each
    protect.exempt(api.pages)  # no browser asks there: whoever does shows a key
    sign_in.install(app)
    templates.install(app)
    programme.install(app)
    bar.install(app, awaited=today.awaited, clock=sending.clock)
    protection.install(app)
    errors.install(app)
    kept.install(app, _is_ours)
    trail_queue.install(app, database)
    received_hooks.install(app, database)
    for room in ROOMS:
        app.register_blueprint(room.pages)
    pages = WhiteNoise(
        app.wsgi_app,
        root=str(templates.STATIC),
        prefix="static/",
        max_age=FOR_EVER,
        immutable_file_test=lambda *_: True,
        allow_all_origins=False,
    )
    named = Health(Metrics(pages, database, settings), database, settings)
    # Hits come first, and have the fixed headers in answers that are ready: they are what comes by thousands.
    app.wsgi_app = Hits(Headed(named, settings.mode), database, settings)  # type: ignore[method-assign, assignment]
    return app


def _allow_uploads() -> None:
    # This runs before the CSRF check, which reads the form. Only pages that receive tables accept a large body.
    if request.endpoint in BIG_UPLOADS:
        request.max_content_length = BIGGEST_UPLOAD
    elif request.endpoint == "public.receive_list":
        request.max_content_length = BIGGEST_FORM
    elif request.endpoint in kept.CARRYING:
        request.max_form_memory_size = request.max_content_length  # signed, 500 kB of form take up to 700


def _refuse_pieces() -> None:
    """Refuse a body in pieces (`chunked`), as nothing tells whether the last one came (411). nginx hands none on."""
    if "Transfer-Encoding" in request.headers:
        abort(411)


def _refuse_foreign_forms() -> None:
    """Refuse a body that is not a form (415) and a change sent from a page of another site (CSRFError).

    Public pages are exempt: they hide their origin, and mail programs post to them. So is what programs ask: they show
    a key, which no browser adds by itself.
    """
    if request.blueprint == disowning.pages.name or problems.is_program():
        return
    takes_files = request.endpoint in UPLOADS and request.mimetype == "multipart/form-data"
    if request.mimetype not in WORDS and not takes_files:
        abort(415)  # a file in a text field would break the form that reads it
    origin = request.headers.get("Origin")
    if request.method not in {"GET", "HEAD", "OPTIONS"} and origin is not None and not _is_ours(origin):
        raise CSRFError("The form stands on a page of another site.")


def _is_ours(origin: str) -> bool:
    """Whether an `Origin` is the address that people open, or else the one that the request was sent to.

    On the public host name only the public address is ours: the request cannot tell whether TLS ended on its way.
    """
    with suppress(ValueError):
        served, sent_to = _site(page_request.settings().address), _site(request.host_url)
        is_public = bool(page_request.settings().public_url) and sent_to[1] == served[1]
        return _site(origin) in ({served} if is_public else {served, sent_to})
    return False


def _site(address: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of an address. Raises ValueError."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _config(settings: Settings) -> dict[str, object]:
    host = settings.host.lower()
    served = {urlsplit(settings.address).hostname, host, f"[{host}]", "localhost"}
    return {
        "SECRET_KEY": settings.own_key,
        "TRUSTED_HOSTS": sorted(filter(None, served)),
        "MAX_CONTENT_LENGTH": 1_000_000,
        "WTF_CSRF_TIME_LIMIT": int(LIFETIME.total_seconds()),  # a form is good for as long as its session
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.mode is not Mode.DEMO,
        # A browser takes this name only by TLS, for this host alone: no neighbour of the domain can plant one.
        "SESSION_COOKIE_NAME": "outreach" if settings.mode is Mode.DEMO else "__Host-outreach",
        "PERMANENT_SESSION_LIFETIME": LIFETIME,
        # Fast rather than small: a page of 100 kB takes a millisecond, and is a tenth as large.
        "COMPRESS_ALGORITHM": ["br", "zstd", "gzip"],
        "COMPRESS_BR_LEVEL": 5,  # a twenty-fifth smaller than zstd by level 7, for a sixth of a millisecond
        "COMPRESS_ZSTD_LEVEL": 7,
        "COMPRESS_MIMETYPES": ["text/html", "text/csv", "text/plain", "application/json", "image/svg+xml"],
    }
