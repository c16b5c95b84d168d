"""Forms to sign in and to change a password, in French; what was tried in vain is counted, and slowed."""

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import abort
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length, StopValidation

from outreach.access import accounts
from outreach.access.accounts import User, passwords
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError
from outreach.web.sign_in import sessions
from outreach.web.ui.request import reading, settings

SWITCHED_OFF = (
    "Les mots de passe ne servent plus ici : connectez-vous avec le service d’identification. "
    "Seul le compte de secours garde le sien."
)
WRONG_ONE = "Si c’est le vôtre, son adresse ou son mot de passe ne convient pas."
WRONG_SIGN_IN = "L’adresse ou le mot de passe ne convient pas."
MISSING = "Indiquez votre mot de passe."
TOO_LONG = f"Ce mot de passe ne convient pas : {passwords.LONGEST} caractères au plus."
OWN_ADDRESS = {"type": "email", "autocomplete": "username"}
CURRENT, NEW = {"autocomplete": "current-password"}, {"autocomplete": "new-password"}
is_short_enough = Length(max=passwords.LONGEST_HASHED, message=TOO_LONG)


def tried(claim: sessions.Claim, judge: Callable[[], bool]) -> bool:
    """Whether a password that somebody gives is right, as `judge` says. Aborts with 429 after too many failures.

    The limits are asked before it is hashed, and again after it: whatever was tried at the same moment, no more
    attempts learn whether they were right than the limits permit. A right one is counted nowhere.
    """
    if sessions.is_slowed(claim):
        abort(429)
    is_right = judge()
    if sessions.is_slowed(claim) if is_right else not sessions.count_failure(claim):
        abort(429)
    return is_right


class SignInForm(FlaskForm):
    """Address and password. After too many failed attempts it answers 429."""

    email = StringField(
        "Adresse de courriel", [DataRequired("Indiquez votre adresse de courriel.")], render_kw=OWN_ADDRESS
    )
    password = PasswordField("Mot de passe", [DataRequired(MISSING), is_short_enough], render_kw=CURRENT)
    user: User | None = None

    def validate_email(self, field: Field) -> None:
        """Raises StopValidation unless this can be an address."""
        try:
            judge(field.data)
        except InputError:
            raise StopValidation("Indiquez une adresse de courriel complète, avec @.") from None

    def validate(self, extra_validators: object = None) -> bool:
        """Whether address and password are right. Aborts with 429 after too many failed attempts.

        Where passwords are switched off, none but the emergency account's is right. The others are compared all the
        same: neither the answer nor its time tells a stranger which address is that account's, nor who has an account.
        """
        if not super().validate(extra_validators):
            return False  # something is missing or misspelt, so nothing was tried
        address = judge(self.email.data).key
        with reading() as snapshot:
            self.user = accounts.account_at(snapshot, address)
        if not tried(sessions.claim_of(address, self.user), self._is_right):
            self.form_errors = [WRONG_SIGN_IN if not settings().emergency_account else f"{SWITCHED_OFF} {WRONG_ONE}"]
        return not self.form_errors

    def _is_right(self) -> bool:
        """Comparing takes its time: no transaction is open here."""
        user, typed = self.user, self.password.data
        is_right = user.has_password(typed) if user else passwords.is_right(typed, "")
        return is_right and user is not None and user.active and settings().takes_password(user.email)


class ProofForm(FlaskForm):
    """Give one's password again, before what only its owner may do. After too many wrong ones it answers 429."""

    password = PasswordField("Mot de passe actuel", [DataRequired(MISSING), is_short_enough], render_kw=CURRENT)

    def validate(self, extra_validators: object = None) -> bool:
        """Whether the form is complete and the password right. Aborts with 429 after too many failures in a session."""
        is_complete = super().validate(extra_validators)
        if is_complete and not tried(
            sessions.claim_in_session(), lambda: current_user.has_password(self.password.data)
        ):
            self.password.errors.append("Le mot de passe actuel ne convient pas.")
        return not self.errors


class NewPasswordForm(FlaskForm):
    """A new password of the person with this address and name, typed twice."""

    new_password = PasswordField(
        "Nouveau mot de passe",
        [DataRequired(MISSING)],
        description="Au moins 12 caractères ; une phrase convient.",
        render_kw=NEW,
    )
    new_password_confirm = PasswordField(
        "Nouveau mot de passe, encore une fois",
        [EqualTo("new_password", "Les deux saisies du nouveau mot de passe diffèrent.")],
        render_kw=NEW,
    )

    def __init__(self, email: str, name: str) -> None:
        super().__init__()
        here = settings()
        self._words = passwords.words_of(email, name, urlsplit(here.address).hostname, here.sending_domain)

    def validate(self, extra_validators: object = None) -> bool:
        """Whether the password will do."""
        if super().validate(extra_validators) and (sentence := self.fault()):
            self.new_password.errors.append(sentence)
        return not self.errors

    def fault(self) -> str:
        """Why the password will not do, or ''."""
        return passwords.password_fault(self.new_password.data, self._words)


class PasswordForm(NewPasswordForm, ProofForm):
    """Change one's password, by the current one."""

    def __init__(self) -> None:
        super().__init__(current_user.email, current_user.name)

    def fault(self) -> str:
        """Why the password will not do, or ''."""
        is_same = self.password.data == self.new_password.data
        return "Choisissez un mot de passe différent de l’actuel." if is_same else super().fault()


class ForgottenForm(FlaskForm):
    """The address of an account whose password is forgotten."""

    email = StringField("Adresse de courriel", render_kw=OWN_ADDRESS)


class InvitationForm(FlaskForm):
    """Who is invited: address and name. The roles are ticked beside."""

    email = StringField(
        "Adresse de courriel", description="Celle que la personne relève elle-même.", render_kw={"type": "email"}
    )
    name = StringField("Prénom et nom", [DataRequired("Indiquez le nom de la personne.")])
