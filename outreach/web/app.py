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

from outreach.access import scopes
from outreach.access.accounts import LIFETIME
from outreach.campaigns.segments import info_of
from outreach.core import erasure
from outreach.core.db import Database, Way
from outreach.core.settings import ROOT, Mode, Settings
from outreach.operations import migrations
from outreach.web import api
from outreach.web.api import deliveries
from outreach.web.pages import adherence as situation
from outreach.web.pages import campaigns, reports, segments
from outreach.web.pages.adherence import joinings
from outreach.web.pages.administration import (
    access_log,
    accounts,
    api_keys,
    blackout_dates,
    index,
    letterhead,
    persons,
    programmes,
    retention,
    statements,
    webhooks_in,
    webhooks_out,
)
from outreach.web.pages.directory import (
    authorities,
    contact_imports,
    history,
    mailbox_health,
    names,
    postal_addresses,
    proposals,
    register,
    school_reports,
    schools,
    suppressions,
    tracking_consent,
)
from outreach.web.pages.replies import inbox, mails, one_off, reply, reply_templates
from outreach.web.pages.staff import account, calendar, delegates, demo_mailbox, finding, guide, sending, today
from outreach.web.public import experiments, health
from outreach.web.public import notes as public_notes
from outreach.web.public.answer_page import address, codes, disowning, unsubscribing
from outreach.web.public.answer_page.sheets import BIGGEST_FORM
from outreach.web.public.health import Health, Metrics
from outreach.web.public.tracking_endpoint import Hits
from outreach.web.shared import jobs
from outreach.web.shared.imports import BIGGEST_UPLOAD
from outreach.web.sign_in import access_log_queue, form_recovery, oidc, password_links, second_factor, sessions
from outreach.web.ui import errors, headers, navigation, programme, templates
from outreach.web.ui import request as page_request
from outreach.web.ui.headers import Headed

WORDS = {"", "application/x-www-form-urlencoded"}
BIG_UPLOADS = {"adherence.receive", "contact_lists.receive", "register.receive"}  # with files of BIGGEST_UPLOAD
UPLOADS = {*BIG_UPLOADS, "programmes.upload", "segments.make_list", "letterhead.change"}
ROOMS = (  # of pages
    today,
    situation,
    reports,
    proposals,
    campaigns,
    authorities,
    suppressions,
    history,
    tracking_consent,
    names,
    postal_addresses,
    mailbox_health,
    register,
    school_reports,
    schools,
    contact_imports,
    joinings,
    calendar,
    inbox,
    jobs,
    reply,
    one_off,
    mails,
    reply_templates,
    segments,
    account,
    delegates,
    guide,
    finding,
    password_links,
    second_factor,
    oidc,
    demo_mailbox,
    sending,
    access_log,
    index,
    accounts,
    programmes,
    api_keys,
    webhooks_in,
    webhooks_out,
    blackout_dates,
    retention,
    persons,
    statements,
    letterhead,
    codes,
    experiments,
    public_notes,
    health,
    api,
    deliveries,
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
    rules = info_of(settings) | erasure.info_of(settings) | scopes.info_of(settings)
    opened = database or Database(settings.database, rules).watched(migrations.fault_of)
    database = opened.by(Way.PAGE)
    app.extensions["outreach.database"] = database
    page_request.limit_reading(app)
    app.before_request(_refuse_pieces)
    app.before_request(_refuse_foreign_forms)
    app.before_request(_allow_uploads)
    protect = CSRFProtect(app)
    for room in (address, disowning, unsubscribing):  # one blueprint: letters' pages
        protect.exempt(room.pages)
    protect.exempt(deliveries.pages)  # signed, each
    protect.exempt(api.pages)  # no browser asks there: whoever does shows a key
    sessions.install(app)
    templates.install(app)
    programme.install(app)
    navigation.install(app, awaited=today.awaited, clock=sending.clock)
    headers.install(app)
    errors.install(app)
    form_recovery.install(app, _is_ours)
    access_log_queue.install(app, database)
    deliveries.install(app, database)
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
    elif request.endpoint in form_recovery.CARRYING:
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
    if request.blueprint == disowning.pages.name or errors.is_program():
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
