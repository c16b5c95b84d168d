"""Signing in: sessions, the names under which attempts count, and the cookie that recognises a browser."""

import secrets
from contextlib import suppress

from flask import Response, current_app, g, request, session
from itsdangerous import BadSignature, URLSafeTimedSerializer

from outreach.accounts import attempts, sessions
from outreach.db import Session
from outreach.errors import InputError
from outreach.mail.addresses import judge
from outreach.web.ui.frame import database, now, settings

MOST_BY_ACCOUNT, MOST_BY_ADDRESS, MOST_BY_BROWSER = 10, 100, 10
COOKIE, REMEMBERED_SECONDS = "outreach-known", 180 * 24 * 3600
KEY = "session"  # in the signed cookie: the key of the session's row
# Each name stands before those that its User-Agent names as well.
PROGRAMS = {"Edg": "Edge", "OPR/": "Opera", "Firefox": "Firefox", "Chrom": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iOS",
    "iPad": "iOS",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def begin_session(writing: Session, user_id: int) -> None:
    """Begin a session of this person in the browser that asks, in the caller's transaction.

    An attacker who planted the cookie beforehand knows its CSRF token, so the token is dropped.
    """
    for place in (session, g):
        place.pop("csrf_token", None)
    session[KEY] = sessions.begin(writing, user_id, browser_of(request.user_agent.string), now=now())


def end_session(writing: Session) -> None:
    """End the session of the browser that asks, in the caller's transaction."""
    sessions.end(writing, session.pop(KEY, ""))


def browser_of(agent: str) -> str:
    """A coarse description of a browser, in French, from its User-Agent: “Firefox sous Windows”."""
    program = next((name for mark, name in PROGRAMS.items() if mark in agent), "Navigateur inconnu")
    system = next((name for mark, name in SYSTEMS.items() if mark in agent), "")
    return f"{program} sous {system}" if system else program


def begin_attempt(email: str) -> list[int] | None:
    """Count an attempt to sign in as `email`, for `take_back`. None after too many failed, which the log then says."""
    most, key = names_of(email), attempts.key_of(settings().secret_key.get_secret_value())
    # A flood is refused by reading alone, so that it never holds SQLite's only write lock.
    with database().reading() as session:
        is_open = attempts.is_open(session, key, most, now=now())
    attempt = None
    if is_open:
        with database().writing() as session:
            attempt = attempts.begin(session, key, most, now=now())
    if attempt is None:
        current_app.logger.warning("Too many sign-ins failed: %r", list(most))
    return attempt


def take_back(attempt: list[int]) -> None:
    """Remove an attempt from the counts: the password was right."""
    with database().writing() as session:
        attempts.take_back(session, attempt)


def names_of(email: str) -> dict[str, int]:
    """The names under which an attempt to sign in as `email` counts, each with its highest permitted number.

    In a browser where this person signed in before, the attempt counts for that browser alone.
    """
    account = _account(email)
    browser = _known_browser(account)
    if browser:
        return {f"browser:{browser}": MOST_BY_BROWSER}
    return {f"account:{account}": MOST_BY_ACCOUNT, f"address:{request.remote_addr}": MOST_BY_ADDRESS}


def _account(email: str) -> str:
    """The account that an address as typed leads to: several ways to write one address are one account."""
    with suppress(InputError):
        return judge(email).key
    return email.strip().casefold()[:320]


def cookie_name() -> str:
    """The cookie's name. Outside a demonstration browsers take it by TLS only; `__Host-` would exclude its path."""
    return f"__Secure-{COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else COOKIE


def know_browser(response: Response, email: str) -> Response:
    """Set the cookie that marks the browser as one that this person uses; returns the response."""
    name = _known_browser(email) or secrets.token_hex(8)
    response.set_cookie(
        cookie_name(),
        _seal().dumps([email, name]),
        max_age=REMEMBERED_SECONDS,
        path="/sign-in",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


def _known_browser(account: str) -> str:
    """The random name of the request's browser when this person has signed in with it before, or ''."""
    try:
        email, name = _seal().loads(request.cookies.get(cookie_name(), ""), max_age=REMEMBERED_SECONDS)
    except (BadSignature, TypeError, ValueError):
        return ""
    return str(name) if email == account else ""


def _seal() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="known-browser")
