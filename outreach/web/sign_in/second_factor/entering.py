"""The second step of signing in: a code, or setting up a second factor that the roles require.

Until it is done nobody is signed in: the cookie says whose password was right, and when. So no page, no form and no
file opens meanwhile, whatever a view remembers to ask.
"""

import hashlib
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue, ResponseValue
from flask_login import current_user
from werkzeug.exceptions import TooManyRequests

from outreach.access import accounts, colleagues
from outreach.access.accounts import User, second_factors
from outreach.access.accounts.second_factors import SET_UP_MEANWHILE, FactorProof
from outreach.core.settings import FactorPolicy
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.web.sign_in import form_recovery
from outreach.web.sign_in.account_forms import SignInForm
from outreach.web.sign_in.form_recovery import KeptText
from outreach.web.sign_in.second_factor.blueprint import (
    CodeForm,
    SecondStepForm,
    codes_page,
    is_recent,
    keys,
    pages,
    prove,
    secret_of,
    set_up_page,
    true_now,
)
from outreach.web.sign_in.sessions import SECOND_STEP, claim_of, enter, way_of
from outreach.web.ui.errors import SENTENCES
from outreach.web.ui.fields import posted
from outreach.web.ui.request import database, now, reading, settings

LONGEST_WAY = 1000  # of the address to return to: a cookie has room for 4 kB
FEW_CODES = 3
RESET_MEANWHILE = "Votre second facteur vient d’être réinitialisé. Mettez-en un en place."


@dataclass(frozen=True, slots=True)
class SecondStep:
    """Somebody whose password was right. `sealed` is the secret that is offered to whoever has no second factor."""

    user: User
    to: str
    sealed: str
    has_factor: bool


def ask(user: User, to: str = "/", text: KeptText | None = None) -> ResponseValue | None:
    """Ask a person whose password is right for the second step; None where this person needs none.

    Returns the page when a `text` was kept for the person, or else the way to it.
    """
    has_factor, is_needed = _situation_of(user)
    if not is_needed:
        return None
    sealed = "" if has_factor else _offered_before(user) or second_factors.new_secret(keys(), user.id)
    step = SecondStep(user, way_of(user, to if len(to) < LONGEST_WAY else "/"), sealed, has_factor)
    whose = {"user": user.id, "mark": _mark(user), "at": now().timestamp()}
    session[SECOND_STEP] = {**whose, "to": step.to, "sealed": sealed}
    if text is None:
        return redirect(_way(step))
    if has_factor:
        return _check_page(SecondStepForm(formdata=None), user, text)
    return _set_up_page(CodeForm(formdata=None), step, text)


@pages.route("/sign-in/second-factor", methods=["GET", "POST"])
def check() -> ResponseReturnValue:
    """Take a code, and sign its person in."""
    step, text = _step(), _text()
    if step is None or not step.has_factor:
        return _elsewhere(step, text)
    form = SecondStepForm()
    if not form.validate_on_submit():
        return _check_page(form, step.user, text), 422 if form.errors else 200
    try:
        proof = prove(step.user, form.code.data, claim_of(step.user.email, step.user))
    except InputError as fault:
        form.code.errors = [str(fault)]
        return _check_page(form, step.user, text), 422
    except TooManyRequests:
        form.form_errors = [" ".join(SENTENCES[429])]
        return _check_page(form, step.user, text), 429
    enter(step.user, has_factor=True, how=", par un code de secours" if proof.recovery else "")
    _tell_what_is_left(step.user, proof)
    if text is None:
        return redirect(step.to)
    return form_recovery.page_for_author(text)


@pages.route("/sign-in/second-factor/set-up", methods=["GET", "POST"])
def set_up() -> ResponseReturnValue:
    """Set up the second factor that a person's roles require, and sign the person in."""
    step, text = _step(), _text()
    if step is None or step.has_factor:
        return _elsewhere(step, text)
    form = CodeForm()
    if not form.validate_on_submit():
        return _set_up_page(form, step, text), 422 if form.errors else 200
    user = step.user
    try:
        counter = second_factors.confirmed_code(user.id, step.sealed, form.code.data, keys(), now=true_now())
        with database().writing() as writing:
            codes = second_factors.set_up(
                writing, user.id, user.email, step.sealed, counter, replacing=False, now=now()
            )
    except InputError as fault:
        form.code.errors = [str(fault)]
        return _set_up_page(form, step, text), 422
    except Refused:  # in another tab, while this one waited
        return _elsewhere(_step(), text)
    enter(user, has_factor=True)
    return codes_page(codes, step.to, text if text and text.person == user.id else None)


def _situation_of(user: User) -> tuple[bool, bool]:
    """Whether a person has a second factor, and whether signing in takes a second step."""
    policy = settings().factor_policy
    with reading() as snapshot:
        has_factor = second_factors.factor_state(snapshot, user.id) is not None
    is_needed = has_factor or second_factors.is_required(policy, user.role_names)
    return has_factor, is_needed and policy is not FactorPolicy.OFF


def _offered_before(user: User) -> str:
    """The secret that another tab of this browser offers this person now, so that both show the same; or ''."""
    before = session.get(SECOND_STEP, {})
    is_theirs = before.get("user") == user.id and is_recent(before["at"])
    return str(before["sealed"]) if is_theirs else ""


def _mark(user: User) -> str:
    """What changes with a person's password, so that no step goes on from an older one."""
    return hashlib.sha256(f"{user.fs_uniquifier} {user.password}".encode()).hexdigest()[:32]


def _step() -> SecondStep | None:
    """The second step that the browser is at, or None: it signed nobody in lately, or something has changed since."""
    pending = session.get(SECOND_STEP)
    if current_user.is_authenticated or not pending or not is_recent(pending["at"]):
        return None
    with reading() as snapshot:
        user = accounts.account_numbered(snapshot, pending["user"])
    if not user.active or pending["mark"] != _mark(user):
        return None
    has_factor, is_needed = _situation_of(user)
    is_open = is_needed and (has_factor or secret_of(user, pending["sealed"]))
    return SecondStep(user, pending["to"], pending["sealed"], has_factor) if is_open else None


def _way(step: SecondStep) -> str:
    return url_for("second_factor.check" if step.has_factor else "second_factor.set_up")


def _elsewhere(step: SecondStep | None, text: KeptText | None) -> ResponseReturnValue:
    """Where to go on from a page of the other step, or of none; a text that was kept goes along."""
    if step is None:
        if text is None:
            return redirect(url_for("account.sign_in"))
        return form_recovery.sign_in_page(text, SignInForm(formdata=None)), 422
    if request.method == "POST":
        flash(SET_UP_MEANWHILE if step.has_factor else RESET_MEANWHILE, "warning")
    if text is None:
        return redirect(_way(step))
    if step.has_factor:
        return _check_page(SecondStepForm(formdata=None), step.user, text), 422
    return _set_up_page(CodeForm(formdata=None), step, text), 422


def _tell_what_is_left(user: User, proof: FactorProof) -> None:
    if proof.recovery:
        with reading() as snapshot:
            left = second_factors.recovery_codes_left(snapshot, user.id)
        flash(second_factors.codes_left(left), "warning" if left < FEW_CODES else "info")


def _text() -> KeptText | None:
    return form_recovery.unsealed(posted(form_recovery.FIELD))


def _check_page(form: SecondStepForm, user: User, text: KeptText | None) -> str:
    """The page that asks for the code, and names who can take a lost factor away: nobody takes their own away."""
    with reading() as snapshot:
        able = [one for one in colleagues.with_role(snapshot, RoleName.ADMINISTRATOR) if one.id != user.id]
    return render_template(
        "pages/second_factor/check.html",
        form=form,
        whom=able[0] if able else None,
        sealed_text=text.sealed() if text else "",
    )


def _set_up_page(form: CodeForm, step: SecondStep, text: KeptText | None) -> str:
    return set_up_page(form, step.user, step.sealed, url_for("second_factor.set_up"), text)
