"""Failed sign-ins: slowed by account and by network address; a browser in which its owner signed in before is apart.

So whoever tries passwords keeps nobody out (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"). The counts
live in memory: one process serves the pages.
"""

import secrets
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

PERIOD = timedelta(minutes=15)
MOST_BY_ACCOUNT, MOST_BY_ADDRESS, MOST_BY_BROWSER = 10, 100, 10
MOST_NAMES = 10_000
COOKIE, REMEMBERED_SECONDS = "outreach-known", 180 * 24 * 3600


class Attempts:
    """The attempts of the last quarter of an hour that failed or are under way, by any names."""

    def __init__(self) -> None:
        self._at: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def begin(self, most: Mapping[str, int], now: datetime) -> bool:
        """Count an attempt under each of these names, unless one has reached its most; whether it may go on."""
        with self._lock:
            self._forget(most, now)
            if any(len(self._at.get(name, ())) >= count for name, count in most.items()):
                return False
            for name in most:
                self._at.setdefault(name, deque()).append(now)
            return True

    def take_back(self, names: Iterable[str]) -> None:
        """An attempt under these names was right: it does not count."""
        with self._lock:
            for name in names:
                if self._at.get(name):
                    self._at[name].pop()

    def _forget(self, names: Iterable[str], now: datetime) -> None:
        for name in list(self._at if len(self._at) >= MOST_NAMES else names):
            kept = self._at.get(name, deque())
            while kept and kept[0] <= now - PERIOD:
                kept.popleft()
            if not kept:
                self._at.pop(name, None)
        while len(self._at) >= MOST_NAMES:
            del self._at[next(iter(self._at))]


def sign_ins() -> Attempts:
    """Those of the running application."""
    found: Attempts = current_app.extensions["outreach.sign_ins"]
    return found


def names_of(email: str) -> dict[str, int]:
    """Under which names an attempt of the request to sign in as `email` counts, each with its most."""
    account = email.strip().casefold()[:320]
    browser = _known_browser(account)
    if browser:
        return {f"browser:{browser}": MOST_BY_BROWSER}
    return {f"account:{account}": MOST_BY_ACCOUNT, f"address:{request.remote_addr}": MOST_BY_ADDRESS}


def know_browser(response: Response, email: str) -> Response:
    """Let the answer to a sign-in mark its browser as one that this person uses."""
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
