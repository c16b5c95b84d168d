"""Who is signed in proves once more to be that person: by the password and, where there is one, the second factor.

What asks for it asks once in ten minutes. Where the identity service signs people in, a session that began within ten
minutes is the proof.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import render_template, request, session
from flask_login import current_user

from outreach.accounts import sessions
from outreach.accounts.factors import second_factors
from outreach.accounts.factors.second_factors import FactorState
from outreach.errors import Refused
from outreach.settings import FactorPolicy
from outreach.web.second_factor.blueprint import WAITS, is_recent, prove
from outreach.web.second_factor.forms import FullProofForm
from outreach.web.signing_in.account_forms import ProofForm
from outreach.web.signing_in.sign_in import KEY, PROVED, claim_in_session
from outreach.web.ui.fields import telling
from outreach.web.ui.request import now, reading, settings

SIGN_IN_AGAIN = (
    "Votre compte n’a pas de mot de passe ici : déconnectez-vous, reconnectez-vous par le service d’identification, et "
    f"revenez dans les {WAITS // timedelta(minutes=1)} minutes."
)


def factor_state() -> FactorState | None:
    """What there is of the person's second factor; None where the installation has none."""
    if settings().factor_policy is FactorPolicy.OFF:
        return None
    with reading() as snapshot:
        return second_factors.state_of(snapshot, current_user.id)


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
        began_at = sessions.began_at(snapshot, session.get(KEY, ""))
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
