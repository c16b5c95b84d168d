"""What the pages of second factors share: forms, blueprint, keys, and the proof that one is still oneself.

What asks for it asks once in ten minutes. Where the identity service signs people in, a session that began within ten
minutes is the proof.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import MultiFernet
from flask import Blueprint, abort, render_template, request, session
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from outreach.access import accounts
from outreach.access.accounts import User, second_factors
from outreach.access.accounts.second_factors import FactorProof, FactorState
from outreach.core.settings import FactorPolicy
from outreach.core.text.errors import InputError, Refused
from outreach.web.sign_in.account_forms import ProofForm
from outreach.web.sign_in.form_recovery import KeptText
from outreach.web.sign_in.sessions import KEY, PROVED, Claim, claim_in_session, count_failure, is_slowed
from outreach.web.ui.fields import telling
from outreach.web.ui.request import database, now, reading, settings

NO_CODE = "Tapez le code à six chiffres que l’application montre."
LONGEST = 60


def code_field(description: str, *, short: bool = False) -> StringField:
    """A field for a code. It is shown as typed: a code opens once."""
    rules = [DataRequired(NO_CODE), Length(max=LONGEST, message=NO_CODE)]
    shown = {"autocomplete": "one-time-code", "short": short}
    return StringField("Code", rules, description=description, render_kw=shown)


class CodeForm(FlaskForm):
    """The first code of a new second factor."""

    code = code_field("Les six chiffres que l’application montre en ce moment.", short=True)


class SecondStepForm(FlaskForm):
    """The code that is given after the password."""

    code = code_field("Les six chiffres de votre application, ou un de vos codes de secours.")


class FullProofForm(SecondStepForm, ProofForm):
    """The current password, and a code of the present second factor; the view takes the code."""


pages = Blueprint("second_factor", __name__)
WAITS = timedelta(minutes=10)  # between one step and the next
TRIED = "code du second facteur"  # what the trail says of a code that was wrong


def keys() -> MultiFernet:
    """What encrypts the secrets of this installation."""
    return second_factors.factor_cipher(settings().secret_keys)


def true_now() -> datetime:
    """The instant of the request by the clock that telephones have, which no demonstration moves."""
    return now() - timedelta(seconds=settings().clock_offset)


def prove(user: User, typed: str, claim: Claim) -> FactorProof:
    """Take a code. Raises InputError when it proves nothing, which is counted; aborts with 429 after too many.

    As with passwords the limits are asked again once it was compared: of guesses at the same moment no more are
    answered.
    """
    claim = claim._replace(detail=TRIED)
    if is_slowed(claim):
        abort(429)
    try:
        with reading() as snapshot:
            proof = second_factors.judge_code(snapshot, user.id, typed, keys(), now=true_now())
        if is_slowed(claim):
            abort(429)
        with database().writing() as writing:
            second_factors.spend_code(writing, user.id, user.email, proof, now=now())
    except InputError:
        if not count_failure(claim):
            abort(429)
        raise
    return proof


def is_recent(at: float) -> bool:
    """Whether a step that was taken at this moment may still go on."""
    return 0 <= now().timestamp() - at < WAITS.total_seconds()


def secret_of(user: User, sealed: str) -> str:
    """The secret that a person is setting up, or '': it is another's, or the keys have changed."""
    return second_factors.open_secret(keys(), user.id, sealed) or ""


def set_up_page(form: CodeForm, user: User, sealed: str, action: str, text: KeptText | None = None) -> str:
    """The page with the picture of a secret, its key in groups, and a field for the first code."""
    secret = secret_of(user, sealed)
    uri = second_factors.provisioning_address(secret, user.email, urlsplit(settings().address).hostname or "")
    return render_template(
        "pages/second_factor/set_up.html",
        form=form,
        action=action,
        picture=_picture(uri),
        key=second_factors.grouped_key(secret),
        sealed_text=text.sealed() if text else "",
    )


def codes_page(codes: list[str], to: str, text: KeptText | None = None) -> str:
    """The page that shows new recovery codes, once, and leads on: to an address, or to a text that was kept."""
    return render_template(
        "pages/second_factor/codes.html", codes=codes, to=to, sealed_text=text.sealed() if text else ""
    )


def _picture(uri: str) -> Markup:
    import segno  # noqa: PLC0415 - a fifth of a second, needed only when somebody sets a second factor up

    drawn = segno.make(uri, error="m", micro=False).svg_inline(scale=4, dark="#000", light="#fff")
    return Markup(drawn)  # noqa: S704 - shapes only: the address is drawn, not written


SIGN_IN_AGAIN = (
    "Votre compte n’a pas de mot de passe ici : déconnectez-vous, reconnectez-vous par le service d’identification, et "
    f"revenez dans les {WAITS // timedelta(minutes=1)} minutes."
)


def factor_state() -> FactorState | None:
    """What there is of the person's second factor; None where the installation has none."""
    if settings().factor_policy is FactorPolicy.OFF:
        return None
    with reading() as snapshot:
        return second_factors.factor_state(snapshot, current_user.id)


def proof_form(state: FactorState | None) -> ProofForm:
    """The form by which a person proves it: with a code where there is a second factor."""
    return FullProofForm() if state else ProofForm()


def proved(form: ProofForm) -> bool:
    """Whether the password in a form is right, and the code, where it has one; else the form says why not."""
    if form.validate_on_submit() and isinstance(form, FullProofForm):
        with telling(form.code):
            prove(current_user, form.code.data, claim_in_session())
    return form.is_submitted() and not form.errors


def asks_again() -> bool:
    """Whether this person has yet to prove it. Raises Refused for one without a password who signed in long ago."""
    given = session.get(PROVED, {})
    if given.get("user") == current_user.id and is_recent(given["at"]):
        return False
    if current_user.password and settings().takes_password(current_user.email):
        return True
    with reading() as snapshot:
        began_at = accounts.began_at(snapshot, session.get(KEY, ""))
    if began_at is None or not is_recent(began_at.timestamp()):
        raise Refused(SIGN_IN_AGAIN)
    return False


def asked_first(back: str) -> tuple[str, int] | None:
    """The page that asks for a proof before a form that was posted is obeyed; None once it was given lately.

    It carries what the form had, and comes back to where that was sent: for a form without files, which no job keeps.
    `back` is the page for whoever gives none.
    """
    if not asks_again():
        return None
    form = proof_form(factor_state())
    is_given = form.password.name in request.form
    if is_given and proved(form):
        remember()
        return None
    carried = [(name, value) for name, value in request.form.items(multi=True) if name not in form]
    page = render_template("pages/second_factor/proof.html", form=form, carried=carried, back=back)
    return page, 422 if is_given else 200


def keeps_proof(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view whose file a job may prepare: whoever fetches it has to prove it, too (`asks_first` of the view)."""
    view.asks_first = asked_first  # type: ignore[attr-defined]
    return view


def remember() -> None:
    """Ask no more for ten minutes, in this session."""
    session[PROVED] = {"user": current_user.id, "at": now().timestamp()}
