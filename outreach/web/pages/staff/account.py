"""Signing in and out, and the account page: one's password and sessions."""

from collections.abc import Sequence

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import TooManyRequests
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.access.accounts import TrailKind, passwords, second_factors
from outreach.access.colleagues import Colleague, with_role
from outreach.core.settings import FactorPolicy, Mode
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.operations.demo import people
from outreach.staff import notifications
from outreach.staff.notifications import Pace
from outreach.web.sign_in import form_recovery
from outreach.web.sign_in.access_log_queue import note
from outreach.web.sign_in.account_forms import SWITCHED_OFF, PasswordForm, SignInForm
from outreach.web.sign_in.second_factor.entering import ask
from outreach.web.sign_in.sessions import KEY, SIGN, begin_session, enter, leave, way_of
from outreach.web.ui.errors import SENTENCES
from outreach.web.ui.fields import posted
from outreach.web.ui.pager import member
from outreach.web.ui.request import actor, database, needs, now, reading, settings

pages = Blueprint("account", __name__)
FEED_ENDED = " Votre adresse d’agenda ne vaut plus : faites-en une autre pour votre programme d’agenda."


@pages.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign in, and go on to the page that was asked."""
    asked = request.values.get("next", "/")
    if current_user.is_authenticated:
        return redirect(way_of(current_user, asked))
    form = SignInForm()
    if not form.validate_on_submit() or form.user is None:
        return render_template("pages/account/sign_in.html", form=form)
    to = way_of(form.user, asked)
    if asked_for := ask(form.user, to):
        return asked_for
    enter(form.user)
    return redirect(to)


@pages.post("/sign-out")
def sign_out() -> Redirect:
    if current_user.is_authenticated:
        leave()
    return redirect(url_for(".sign_in"))


@pages.get("/account")
@needs(RoleName.READER)
def index() -> str:
    with reading() as snapshot:
        return render_template(
            "pages/account/index.html",
            sessions=accounts.sessions_of(snapshot, current_user.id, now=now()),
            this=accounts.session_number(snapshot, session[KEY]),
            identity=accounts.identity_of(snapshot, current_user.id, settings().oidc_issuer),
            takes_password=bool(current_user.password) and settings().takes_password(current_user.email),
            pace=notifications.pace_of(snapshot, current_user.id),
            paces=Pace,
            has_factors=settings().factor_policy is not FactorPolicy.OFF,
            factor=second_factors.factor_state(snapshot, current_user.id),
            feed_since=accounts.made_at(snapshot, current_user.id),
        )


@pages.route("/account/password", methods=["GET", "POST"])
@needs(RoleName.READER)
def password() -> str | tuple[str, int] | Redirect:
    if not settings().takes_password(current_user.email):
        raise Refused(SWITCHED_OFF)
    form = PasswordForm()
    if not form.validate_on_submit():
        page = render_template("pages/account/password.html", form=form, link=None, takes_password=True)
        return (page, 422) if form.errors else page
    digest = passwords.hash_password(form.new_password.data)  # takes its time: no transaction that writes is open here
    with database().writing() as writing:
        has_factor = accounts.has_factor(writing, session[KEY])
        had_feed = accounts.made_at(writing, current_user.id) is not None
        sign = accounts.change_password(writing, current_user.id, digest, now=now())
        begin_session(writing, current_user.id, has_factor=has_factor)
    session[SIGN] = sign
    ended = f"Vos autres sessions sont terminées.{FEED_ENDED if had_feed else ''}"
    flash(f"Votre mot de passe est changé. {ended}", "success")
    return redirect(url_for(".index"))


@pages.post("/account/notices")
@needs(RoleName.READER)
def choose_pace() -> Redirect:
    pace = member(Pace, posted("pace"))
    if pace is None:
        raise InputError("Choisissez quand le service vous écrit.")
    with database().writing() as writing:
        notifications.choose_frequency(writing, current_user.id, pace)
    flash(f"Quand le service vous écrit : {pace.label.lower()}.", "success")
    return redirect(url_for(".index"))


@pages.post("/account/sessions/<number:number>/end")
@needs(RoleName.READER)
def end_session(number: int) -> Redirect:
    with database().writing() as writing:
        accounts.end_numbered(writing, current_user.id, number)
    note(TrailKind.SIGNED_OUT, actor(), "une autre session")
    flash("La session est terminée.", "success")
    return redirect(url_for(".index"))


@pages.post("/account/sessions/end")
@needs(RoleName.READER)
def end_other_sessions() -> Redirect:
    with database().writing() as writing:
        had_feed = accounts.end_sessions(writing, current_user.id, but=session[KEY])
    note(TrailKind.SIGNED_OUT, actor(), "toutes les autres sessions")
    flash(f"Vos autres sessions sont terminées.{FEED_ENDED if had_feed else ''}", "success")
    return redirect(url_for(".index"))


@pages.post("/sign-in/kept")
def sign_in_again() -> ResponseReturnValue:
    """Sign in from the page that carries a text; its author goes on with it, anybody else without."""
    text = form_recovery.unsealed(posted(form_recovery.FIELD))
    if text is None:
        return redirect(url_for("account.sign_in"))
    if not current_user.is_authenticated:
        form = SignInForm()
        try:
            is_right, code = form.validate_on_submit(), 422
        except TooManyRequests:
            is_right, code, form.form_errors = False, 429, [" ".join(SENTENCES[429])]
        if not is_right or form.user is None:
            return form_recovery.sign_in_page(text, form), code
        if asked := ask(form.user, text=text):
            return asked
        enter(form.user)
    return form_recovery.page_for_author(text)


@pages.app_context_processor
def who_works_here() -> dict[str, object]:
    """Give templates `colleagues`, the names of all who have or had an account, by address, and `holders_of`, those who
    hold a role: each read where it is shown.
    """

    def names() -> accounts.Colleagues:
        if "colleagues" not in g:
            with reading() as snapshot:
                g.colleagues = accounts.colleagues(snapshot)
        known: accounts.Colleagues = g.colleagues
        return known

    def holders_of(role: RoleName) -> Sequence[Colleague]:
        with reading() as snapshot:
            return with_role(snapshot, role)

    return {"colleagues": LocalProxy(names), "holders_of": holders_of}


@pages.app_context_processor
def demo_accounts() -> dict[str, object]:
    """Give templates `demo_accounts()`: in a demonstration its people and their password, elsewhere None."""

    def demo() -> tuple[list[people.Person], str] | None:
        if settings().mode is not Mode.DEMO:
            return None
        return list(people.PEOPLE), people.password(settings().data)

    return {"demo_accounts": demo}
