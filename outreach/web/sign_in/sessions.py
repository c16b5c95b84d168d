"""Signing in: sessions, the names under which attempts count, and the cookie that recognises a browser."""

import secrets
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from flask import Flask, Response, after_this_request, current_app, g, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from itsdangerous import BadData, BadSignature, URLSafeTimedSerializer

from outreach.access import accounts
from outreach.access.accounts import TrailKind, User
from outreach.core.db import NO_ANSWER, Session
from outreach.core.text.roles import RoleName
from outreach.web.sign_in.access_log_queue import note
from outreach.web.ui.request import actor, client_of, database, leave_unread, now, reading, settings

MOST_BY_ACCOUNT, MOST_BY_ADDRESS, MOST_BY_BROWSER, MOST_BY_SESSION = 10, 100, 10, 10
COOKIE, REMEMBERED_SECONDS = "outreach-known", 180 * 24 * 3600
TOKEN = "csrf_token"  # noqa: S105 - the name of flask-wtf's field, in the cookie and in each form
KEY = "session"  # in the signed cookie: the key of the session's row
SIGN = "_user_id"  # idem: the sign of its person's sessions, as flask-login calls it
SECOND_STEP, OFFERED = "second_step", "factor_offered"  # idem: a step of signing in, a secret that is being set up
PROVED = "proved"  # idem: who gave the password once more, and when
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


def install(app: Flask) -> None:
    """Have each request know its person. Only a session's row signs in: no header, no token, no remembered cookie."""
    manager = LoginManager(app)
    # A session stays where its network or its browser's version changes: its row says whether it goes on.
    manager.session_protection = None

    @manager.user_loader  # type: ignore[untyped-decorator]
    def find(sign: str) -> User | None:
        key, policy = session.get(KEY, ""), settings().factor_policy
        try:
            with reading() as snapshot:
                return accounts.user_of_session(snapshot, sign, key, policy=policy, now=now())
        except NO_ANSWER as fault:
            leave_unread(fault)
            return None

    # Before the page begins: no page waits for the account while it has a transaction of its own.
    app.before_request(read_account)


def read_account() -> None:
    """Read the account of the session that this request belongs to."""
    _ = current_user.is_authenticated


def enter(user: User, *, has_factor: bool = False, how: str = "") -> None:
    """Sign a person in, who has proved to be it. `how` says so in the trail, after the browser."""
    login_user(user)
    with database().writing() as writing:
        begin_session(writing, user.id, has_factor=has_factor)
        accounts.note_sign_in(writing, user.id, now=now())
    note(TrailKind.SIGNED_IN, user.email, browser_of(request.user_agent.string) + how)
    after_this_request(partial(know_browser, email=user.email))


def leave() -> None:
    """Sign out whoever is signed in."""
    with database().writing() as writing:
        accounts.end_session(writing, session.pop(KEY, ""))
    note(TrailKind.SIGNED_OUT, actor())
    session.pop(TOKEN, None)
    _forget_steps()
    logout_user()


def is_path(address: str) -> bool:
    """Whether an address is a path of ours, and leads nowhere else."""
    # A browser reads a backslash as a slash, and leaves out control characters.
    return address.isprintable() and address.startswith("/") and not address.startswith("//") and "\\" not in address


def way_of(user: User, asked: str) -> str:
    """Where signing in leads: to the page that was asked. The home page of those who write or approve is their list."""
    if is_path(asked) and asked != "/":
        return asked
    return url_for("today.index") if user.holds(RoleName.AUTHOR, RoleName.APPROVER) else "/"


def begin_session(writing: Session, user_id: int, *, has_factor: bool = False) -> None:
    """Begin a session of this person in the browser that asks, in the caller's transaction.

    An attacker who planted the cookie beforehand knows its CSRF token, so it gets another. The token names the person:
    when the session has ended, the forms that it left open still tell whose they are.
    """
    g.pop(TOKEN, None)
    _forget_steps()
    session[TOKEN] = f"{user_id}.{secrets.token_hex(20)}"
    browser = browser_of(request.user_agent.string)
    session[KEY] = accounts.begin_session(writing, user_id, browser, has_factor=has_factor, now=now())


def person_of(token: str, *, seconds: int) -> int | None:
    """Whose session a form's token is of, or was, when it is no older than this; None for nobody's, or a forged one."""
    seal = URLSafeTimedSerializer(current_app.secret_key or "", salt="wtf-csrf-token")  # as flask-wtf signs it
    try:
        number, is_named, _ = str(seal.loads(token, max_age=seconds)).partition(".")
    except BadData:
        return None
    return int(number) if is_named and number.isdecimal() else None


def _forget_steps() -> None:
    """What somebody began and left is not for whoever uses the browser next."""
    for step in (SECOND_STEP, OFFERED, PROVED):
        session.pop(step, None)


def browser_of(agent: str) -> str:
    """A coarse description of a browser, in French, from its User-Agent: “Firefox sous Windows”."""
    program = next((name for mark, name in PROGRAMS.items() if mark in agent), "Navigateur inconnu")
    system = next((name for mark, name in SYSTEMS.items() if mark in agent), "")
    return f"{program} sous {system}" if system else program


class Claim(NamedTuple):
    """Somebody's claim to be a person: the names under which its failures count, each with its highest number.

    `account` is the person's address. It is empty when no account has the address that was typed, which may be
    anything, even a password: it is kept nowhere. `detail` says in the trail what was tried, if not the password.
    """

    most: Mapping[str, int]
    account: str
    failure: TrailKind = TrailKind.SIGN_IN_FAILED
    detail: str = ""


def claim_of(address: str, user: User | None) -> Claim:
    """The claim of a sign-in with this address, and to be this person, if an account has it.

    In a browser where this person signed in before, the failures count for that browser alone.
    """
    if user and (browser := _known_browser(user.email)):
        return Claim({f"browser:{browser}": MOST_BY_BROWSER}, user.email)
    network = client_of(request.environ, settings().proxies)
    most = {f"account:{address}": MOST_BY_ACCOUNT, f"address:{network}": MOST_BY_ADDRESS}
    return Claim(most, user.email if user else "")


def claim_in_session() -> Claim:
    """The claim of whoever types the current password again. It counts for the session, so nobody else waits."""
    return Claim({f"session:{session[KEY]}": MOST_BY_SESSION}, actor(), TrailKind.PASSWORD_WRONG)


def is_slowed(claim: Claim) -> bool:
    """Whether too many of its attempts failed, which the log then says. It only reads: a flood holds up no writer."""
    with reading() as snapshot:
        if accounts.is_open(snapshot, _key(), claim.most, now=now()):
            return False
    _log(claim)
    return True


def count_failure(claim: Claim) -> bool:
    """Count an attempt that failed; False when too many others have failed meanwhile, which the log then says."""
    with database().writing() as writing:
        is_counted = accounts.count_failure(writing, _key(), claim.most, now=now())
    note(claim.failure, claim.account, claim.detail)
    if not is_counted:
        _log(claim)
    return is_counted


def _log(claim: Claim) -> None:
    note(TrailKind.SIGN_IN_SLOWED, claim.account)
    whose = "one account" if claim.account else "no account"  # the trail has which one, the log outlives it
    extra = {"event": "sign_in_slowed"}
    current_app.logger.warning("too many sign-ins failed, of %s: the next ones are slowed", whose, extra=extra)


def _key() -> bytes:
    return accounts.attempt_key(settings().own_key)


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
