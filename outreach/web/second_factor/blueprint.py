"""What the pages of second factors share: the blueprint, the keys, the true time, the picture of a secret."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.fernet import MultiFernet
from flask import Blueprint, abort, render_template
from markupsafe import Markup

from outreach.accounts.factors import one_time_codes, second_factors
from outreach.accounts.factors.second_factors import FactorProof
from outreach.accounts.staff import User
from outreach.errors import InputError
from outreach.web.second_factor.forms import CodeForm
from outreach.web.signing_in.kept import KeptText
from outreach.web.signing_in.sign_in import Claim, count_failure, is_slowed
from outreach.web.ui.request import database, now, reading, settings

pages = Blueprint("second_factor", __name__)
WAITS = timedelta(minutes=10)  # between one step and the next
TRIED = "code du second facteur"  # what the trail says of a code that was wrong


def keys() -> MultiFernet:
    """What encrypts the secrets of this installation."""
    return one_time_codes.wallet(settings().secret_keys)


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
            proof = second_factors.judged(snapshot, user.id, typed, keys(), now=true_now())
        if is_slowed(claim):
            abort(429)
        with database().writing() as writing:
            second_factors.spend(writing, user.id, user.email, proof, now=now())
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
    return one_time_codes.opened(keys(), user.id, sealed) or ""


def set_up_page(form: CodeForm, user: User, sealed: str, action: str, text: KeptText | None = None) -> str:
    """The page with the picture of a secret, its key in groups, and a field for the first code."""
    secret = secret_of(user, sealed)
    uri = one_time_codes.provisioning(secret, user.email, urlsplit(settings().address).hostname or "")
    return render_template(
        "pages/second_factor/set_up.html",
        form=form,
        action=action,
        picture=_picture(uri),
        key=one_time_codes.grouped(secret),
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
