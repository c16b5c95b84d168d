"""Attempts to sign in: the names they count under, and the cookie that recognises a browser."""

import secrets

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from outreach.accounts.attempts import Attempts

MOST_BY_ACCOUNT, MOST_BY_ADDRESS, MOST_BY_BROWSER = 10, 100, 10
COOKIE, REMEMBERED_SECONDS = "outreach-known", 180 * 24 * 3600


def sign_ins() -> Attempts:
    """The recent attempts to sign in that the running application counts."""
    attempts: Attempts = current_app.extensions["outreach.sign_ins"]
    return attempts


def names_of(email: str) -> dict[str, int]:
    """The names under which an attempt to sign in as `email` counts, each with its highest permitted number.

    In a browser where this person signed in before, the attempt counts for that browser alone.
    """
    account = email.strip().casefold()[:320]
    browser = _known_browser(account)
    if browser:
        return {f"browser:{browser}": MOST_BY_BROWSER}
    return {f"account:{account}": MOST_BY_ACCOUNT, f"address:{request.remote_addr}": MOST_BY_ADDRESS}


def know_browser(response: Response, email: str) -> Response:
    """Set the cookie that marks the browser as one that this person uses; returns the response."""
    name = _known_browser(email) or secrets.token_hex(8)
    response.set_cookie(
        COOKIE,
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
        email, name = _seal().loads(request.cookies.get(COOKIE, ""), max_age=REMEMBERED_SECONDS)
    except (BadSignature, TypeError, ValueError):
        return ""
    return str(name) if email == account else ""


def _seal() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="known-browser")
