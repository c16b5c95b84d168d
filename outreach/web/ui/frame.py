"""What every page has: the bar, security headers, asset addresses, error pages, guards, clock."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache, partial, wraps
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, current_app, flash, g, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError
from werkzeug.routing import IntegerConverter
from werkzeug.wrappers import Response as WerkzeugResponse

from outreach import days, french
from outreach.adherence.models import Status
from outreach.alerts import episodes
from outreach.campaigns.review import awaiting
from outreach.db import NO_ANSWER, Database, time_limit
from outreach.delivery import workers
from outreach.delivery.sending import relay_health
from outreach.errors import NotFound, OutreachError, Refused, TookTooLong
from outreach.mail.addresses import Judgement, judge
from outreach.mail.tokens import Keys
from outreach.notes import listing
from outreach.notes.models import NoteState
from outreach.roles import RoleName
from outreach.settings import Mode, Settings
from outreach.text import CONTROLS
from outreach.web.ui import typesetting
from outreach.web.ui.pager import again

STATIC = Path(__file__).parent.parent / "static"
READING_SECONDS = 5.0  # that what a page reads may take in the database
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
FOR_RECIPIENTS = {"public", "mailbox"}  # the blueprints whose links work; a demonstration's mailbox stands for them
SENDERS = (RoleName.AUTHOR, RoleName.APPROVER, RoleName.ADMINISTRATOR)  # who may have a relay tried again
PLACES = {  # blueprints that belong to an entry of the bar other than their own
    "adherence": "situation",
    "notes": "situation",
    "segments": "campaigns",
    "replies": "responses",
    "texts": "responses",
    **dict.fromkeys(("history", "measure", "exclusions", "register", "schools", "contact_lists", "names"), "directory"),
    "reachability": "directory",
    **dict.fromkeys(("accounts", "programmes", "closures", "statements", "trail"), "administration"),
}
FIRST_PAGE = "account.password"  # for those who have to change their password
STATUS_COLORS = {
    Status.JOINED: "success",
    Status.IN_PREPARATION: "info",
    Status.TENDER_LAUNCHED: "info",
    Status.DECLINED: "warning",
    Status.INFORMED: "neutral",
    Status.NOT_CONCERNED: "neutral",
    Status.NONE: "neutral",
}
NOTE_COLORS = {
    NoteState.FROZEN: "warning",
    NoteState.REFUSED: "danger",
    NoteState.APPROVED: "info",
    NoteState.PUBLISHED: "success",
}
SENTENCES = {
    400: ("Demande illisible", "La demande envoyée par le navigateur n’a pas pu être comprise."),
    403: (
        "Accès refusé",
        "Votre compte ne permet pas cette action. Demandez le rôle nécessaire à l’administration du service.",
    ),
    404: (
        "Page introuvable",
        "Cette page n’existe pas ou n’existe plus. Vérifiez son adresse.",
    ),
    405: ("Action impossible", "Cette adresse ne s’ouvre pas de cette manière."),
    409: ("Action refusée", "L’action n’est plus possible dans l’état actuel."),
    413: ("Envoi trop volumineux", "Ce que vous avez envoyé dépasse la taille permise. Rien n’a été enregistré."),
    415: ("Envoi illisible", "Ce service ne lit que des formulaires. Rien n’a été enregistré."),
    429: (
        "Trop d’essais",
        "Attendez un quart d’heure, ou prenez un navigateur où vous vous êtes déjà connecté. Rien n’est bloqué.",
    ),
    503: (
        "Demande trop lourde",
        "La base de données n’a pas répondu en 5 secondes : retirez des conditions du public, ou précisez le filtre.",
    ),
    500: ("Erreur du service", "Une erreur inattendue s’est produite. Rien n’a été enregistré."),
}


def database() -> Database:
    """The database of the running application."""
    opened: Database = current_app.extensions["outreach.database"]
    return opened


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

    Whoever has a password that somebody else chose has to change it before.
    """

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*arguments: Any, **named: Any) -> Any:
            if not current_user.is_authenticated:
                return ask_to_sign_in()
            if current_user.must_change_password and request.endpoint != FIRST_PAGE:
                return _lead_to(url_for(FIRST_PAGE))
            if not current_user.holds(*roles):
                abort(403)
            return view(*arguments, **named)

        return guarded

    return guard


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


class NumberConverter(IntegerConverter):
    """A number in an address that any database can hold as an integer."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{"max": 2**31 - 1, **named})


def limit_reading(app: Flask) -> None:
    """Limit what each request reads. Call it first: the account is read before a page begins."""
    app.before_request(lambda: time_limit.limit(READING_SECONDS))
    app.teardown_request(lambda _error: time_limit.limit(None))


def install(app: Flask) -> None:
    """Add the frame's filters, globals, headers and error pages to an application."""
    app.url_map.converters["number"] = NumberConverter
    typesetting.install(app)
    app.jinja_env.globals.update(now=now, asset=asset, unread=unread, again=partial(again, request), RoleName=RoleName)
    app.jinja_env.filters.update(
        printable=lambda text: CONTROLS.sub("", text),
        pair=lambda value: (value, value),
        status_color=STATUS_COLORS.get,
        note_color=NOTE_COLORS.get,
        labelled=lambda member: (member.value, member.label),
        numbered=lambda wave: (wave.number, wave.name),
    )
    app.context_processor(
        lambda: {
            "bar": _bar(),
            "mode": settings().mode,
            "Mode": Mode,
            "stays_here": settings().stays_here,
            "clock": _clock,
            "awaited": _awaited,
        }
    )
    app.after_request(_protect)
    app.register_error_handler(
        SecurityError, lambda _error: Response("Nom d’hôte inconnu.\n", 400, mimetype="text/plain")
    )
    app.register_error_handler(InternalServerError, _failure)
    app.register_error_handler(HTTPException, lambda error: _page(error.code or 500))
    app.register_error_handler(NotFound, lambda error: _page(404, str(error)))
    app.register_error_handler(Refused, lambda error: _page(409, str(error)))
    app.register_error_handler(OutreachError, lambda error: _page(400, str(error)))
    app.register_error_handler(TookTooLong, _too_long)
    for error in NO_ANSWER:
        app.register_error_handler(error, _unavailable)


_BUSY = "Le service est très occupé. Réessayez dans un moment."
_EXPIRED = (
    "Le formulaire a expiré ou vient d’une autre session. Rien n’a été enregistré : rechargez la page et recommencez."
)


def refuse_form(sentence: str = _EXPIRED) -> tuple[str, int] | Response:
    """The page of a form that is not taken: it has expired, comes from elsewhere, or is another person's."""
    return _page(400, sentence)


@lru_cache
def asset(path: str) -> str:
    """The address of a static file, with the digest of its content, so that browsers may cache it for ever."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


@dataclass(frozen=True, slots=True)
class Clock:
    """What staff pages show of the clock: whether it ticks, and how long ago it last did.

    `hindrances` are sentences on why no letter can leave from an installation, by its place. `leaves`: letters leave
    from another one. `alarms` are the relays' alarms that `hindrances` do not contain, with the place of each.
    `others_serve`: letters still leave by another relay. `may_retry`: a relay rests or is in alarm, and the person may
    have it tried now.
    """

    ticks: bool
    ago: str
    hindrances: dict[str, str]
    alarms: list[tuple[str, str]]
    leaves: bool = False
    others_serve: bool = False
    may_retry: bool = False


def _clock() -> Clock:
    with database().reading() as session:
        passes, relays = workers.last_passes(session), relay_health.states(session)
    alive = [passed for passed in passes if now() - passed.at < workers.CLOCK_IS_LATE]
    hindrances = {passed.place: passed.hindrance for passed in alive if passed.hindrance}
    alarms = [(state.place, alarm) for state in relays for alarm in relay_health.alarms([state])]
    others = [(place, alarm) for place, alarm in alarms if alarm not in hindrances.get(place, "")]
    if not passes:
        return Clock(False, "", {}, others)
    since = now() - max(passed.at for passed in passes)
    alarmed = Counter(place for place, _ in alarms)
    serving = [passed for passed in alive if passed.place not in hindrances]
    return Clock(
        bool(alive),
        french.ago(since.total_seconds()),
        hindrances,
        others,
        leaves=bool(serving),
        others_serve=any(alarmed[passed.place] < len(settings().relays) for passed in serving),
        may_retry=any(relay_health.is_held(state, now=now()) for state in relays) and current_user.holds(*SENDERS),
    )


def _awaited() -> int:
    """How much awaits the person who is signed in, alerts too; one statement, for the bar of a page."""
    with database().reading() as session:
        roles = held_roles()
        others = [*episodes.counted(roles), *listing.counted(actor(), roles)]
        return awaiting.count(session, actor(), roles, others)


def held_roles() -> set[RoleName]:
    """The roles of the person who is signed in."""
    return {RoleName(role.name) for role in current_user.roles}


def _bar() -> list[tuple[str, str, bool]]:
    entries = [
        ("Situation", "situation.index"),
        ("Campagnes", "campaigns.index"),
        ("Annuaire", "directory.index"),
        ("Calendrier", "calendar.index"),
        ("Réponses", "responses.index"),
    ]
    if settings().stays_here:
        entries.append(("Boîte de démonstration", "mailbox.index"))
    if current_user.is_authenticated and current_user.holds(RoleName.ADMINISTRATOR):
        entries.append(("Administration", "administration.index"))
    of_directory = {"adherence.statuses", "adherence.record", "adherence.withdrawal"}
    blueprint = "directory" if request.endpoint in of_directory else request.blueprint or ""
    here = PLACES.get(blueprint, blueprint)
    return [(label, url_for(view), view == f"{here}.index") for label, view in entries]


def inert(text: str) -> str:
    """A text for staff, in which no link of a letter works: whoever reads it may not act for a recipient.

    Our own pages make no such link. A note, a title or an answer may quote one.
    """
    return Keys(settings().signing_keys).without(text)


def _protect(response: Response) -> Response:
    is_for_staff = request.blueprint not in FOR_RECIPIENTS and not response.direct_passthrough
    if is_for_staff and (response.mimetype or "").startswith("text/"):
        shown = response.get_data(as_text=True)
        if (safe := inert(shown)) != shown:
            response.set_data(safe)
    response.headers.setdefault("Content-Security-Policy", POLICY)
    if response.mimetype == "text/html":
        # A length at random: nobody learns from the size of a compressed page what it says (BREACH).
        response.headers["X-Padding"] = "x" * secrets.randbelow(100)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers["Cache-Control"] = "no-store"
    return response


def _failure(error: Exception) -> tuple[str, int]:
    """The page of an internal error. It needs no database, and shows the moment that the log records."""
    moment = now()
    current_app.logger.error("The fault told to somebody at %s: %r", moment.isoformat(timespec="seconds"), error)
    return _bare("public/failure.html", moment=moment), 500


def _unavailable(error: Exception) -> Response:
    """The page of a database that does not answer, for everybody; the log says so once a fault.

    A 503 with Retry-After, so that a mail program repeats its unsubscribe request later (RFC 9110 §15.6.4).
    """
    database().note_fault(error)
    # A part that a script asked for stays as it is: the page around it may hold what somebody has typed.
    stays = {"HX-Reswap": "none"} if "HX-Request" in request.headers else {}
    has_sent = request.method not in {"GET", "HEAD"}  # its commit may have come through, though the answer did not
    return Response(_bare("public/unavailable.html", has_sent=has_sent), 503, {"Retry-After": "30", **stays})


def _bare(template: str, **values: object) -> str:
    """A page without what every page is given, which would read the person's account."""
    return current_app.jinja_env.get_template(template).render(values)


def _too_long(error: Exception) -> Response:
    """The page of a request that asked too much of the database; where a script asked for a part, it is shown whole.

    503, as the request itself is in order: at a quieter time, or of fewer rows, the same is answered. It has no
    Retry-After, as repeating it by itself would only add to the load.
    """
    if not hasattr(g, "_login_user"):  # flask-login's: the account itself took too long, and would again
        return _unavailable(error)
    time_limit.limit(READING_SECONDS)  # for this page itself
    whole = {"HX-Retarget": "#main", "HX-Reselect": "#main", "HX-Reswap": "outerHTML"}
    try:
        page, code = _staff_or_public(503, "" if current_user.is_authenticated else _BUSY)
    except NO_ANSWER as fault:
        return _unavailable(fault)
    return Response(page, code, whole if "HX-Request" in request.headers else None)


def _page(code: int, sentence: str = "") -> tuple[str, int] | Response:
    try:
        return _staff_or_public(code, sentence)
    except NO_ANSWER as fault:
        return _unavailable(fault)


def _staff_or_public(code: int, sentence: str) -> tuple[str, int]:
    title, usual = SENTENCES.get(code, SENTENCES[500] if code >= 500 else SENTENCES[400])
    template = "pages/error.html" if current_user.is_authenticated else "public/error.html"
    return render_template(template, title=title, sentence=sentence or usual), code
