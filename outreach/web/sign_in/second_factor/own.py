"""One's own second factor: set up, replaced, removed, and its recovery codes; with the password, and a code."""

from flask import abort, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access.accounts import second_factors
from outreach.access.accounts.second_factors import FactorState
from outreach.core.settings import FactorPolicy
from outreach.core.text.roles import RoleName
from outreach.web.sign_in.account_forms import ProofForm
from outreach.web.sign_in.second_factor.blueprint import (
    CodeForm,
    codes_page,
    factor_state,
    is_recent,
    keys,
    pages,
    proof_form,
    proved,
    secret_of,
    set_up_page,
    true_now,
)
from outreach.web.sign_in.sessions import OFFERED, begin_session
from outreach.web.ui.fields import telling
from outreach.web.ui.request import database, needs, now, settings


@pages.get("/account/second-factor")
@needs(RoleName.READER)
def index() -> str:
    state = _state()
    return _page(state, proof_form(state))


@pages.post("/account/second-factor")
@needs(RoleName.READER)
def begin() -> ResponseReturnValue:
    """Offer a new secret to whoever proves the password and, to replace it, the present second factor."""
    state = _state()
    form = _proved(state)
    if form.errors:
        return _page(state, form), 422
    sealed = second_factors.new_secret(keys(), current_user.id)
    session[OFFERED] = {"sealed": sealed, "at": now().timestamp(), "replaces": state is not None}
    return redirect(url_for(".confirm"))


@pages.route("/account/second-factor/set-up", methods=["GET", "POST"])
@needs(RoleName.READER)
def confirm() -> ResponseReturnValue:
    """Take the first code of the new secret; it replaces the present one only then."""
    offered = session.get(OFFERED)
    user, form = current_user, CodeForm()
    if not offered or not is_recent(offered["at"]) or not secret_of(user, offered["sealed"]):
        return redirect(url_for(".index"))
    counter = None
    if form.validate_on_submit():
        with telling(form.code):
            counter = second_factors.confirmed_code(user.id, offered["sealed"], form.code.data, keys(), now=true_now())
    if counter is None:
        return set_up_page(form, user, offered["sealed"], url_for(".confirm")), 422 if form.errors else 200
    replaces = offered["replaces"]
    with database().writing() as writing:
        codes = second_factors.set_up(
            writing, user.id, user.email, offered["sealed"], counter, replacing=replaces, now=now()
        )
        begin_session(writing, user.id, has_factor=True)
    return codes_page(codes, url_for("account.index"))


@pages.post("/account/second-factor/codes")
@needs(RoleName.READER)
def renew_codes() -> ResponseReturnValue:
    """Replace the recovery codes."""
    state = _state()
    form = _proved(state)
    if form.errors:
        return _page(state, form), 422
    with database().writing() as writing:
        codes = second_factors.renew_codes(writing, current_user.id, current_user.email, now=now())
    return codes_page(codes, url_for(".index"))


@pages.post("/account/second-factor/removal")
@needs(RoleName.READER)
def remove() -> str | tuple[str, int] | Redirect:
    """Remove the second factor of a person whose roles do not require it."""
    state = _state()
    form = _proved(state)
    if form.errors:
        return _page(state, form), 422
    with database().writing() as writing:
        second_factors.remove_factor(writing, current_user.id, current_user.email, is_needed=_is_required(), now=now())
    flash("Votre second facteur est retiré. Le mot de passe suffit de nouveau.", "success")
    return redirect(url_for("account.index"))


def _state() -> FactorState | None:
    """What there is of the person's second factor. Aborts with 404 where the installation has none."""
    if settings().factor_policy is FactorPolicy.OFF:
        abort(404)
    return factor_state()


def _proved(state: FactorState | None) -> ProofForm:
    """The form, with errors unless the password is right and the code, where there is a second factor, proves it."""
    form = proof_form(state)
    proved(form)
    return form


def _is_required() -> bool:
    return second_factors.is_required(settings().factor_policy, current_user.role_names)


def _page(state: FactorState | None, form: ProofForm) -> str:
    left = second_factors.codes_left(state.left) if state else ""
    return render_template(
        "pages/second_factor/own.html", factor=state, form=form, left=left, is_required=_is_required()
    )
