"""Forms to sign in and to change a password, in French; what was tried in vain is counted, and slowed."""

from urllib.parse import urlsplit

from flask import abort
from flask_security import current_user
from flask_security.forms import LoginForm
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, StopValidation

from outreach.accounts import passwords
from outreach.accounts.staff import User
from outreach.settings import PasswordSwitch
from outreach.web.ui import sign_in
from outreach.web.ui.frame import settings

SWITCHED_OFF = (
    "Les mots de passe ne servent plus ici : connectez-vous avec le service d’identification. "
    "Seul le compte de secours garde le sien."
)
WRONG_ONE = "Si c’est le vôtre, son adresse ou son mot de passe ne convient pas."
WRONG = "Le mot de passe actuel ne convient pas."
TOO_LONG = f"Un mot de passe a {passwords.LONGEST} caractères au plus."


def is_hashable(_form: object, field: Field) -> None:
    """Whether what was typed can be a password. Raises StopValidation."""
    if not passwords.is_hashable(field.data or ""):
        raise StopValidation(TOO_LONG)


def is_current_password(user: User, typed: str) -> bool:
    """Whether this is the password of the person who is signed in. Aborts with 429 after too many failures."""
    claim = sign_in.claim_in_session()
    if sign_in.is_slowed(claim):
        abort(429)
    is_right = user.verify_and_update_password(passwords.normal(typed))
    if sign_in.is_slowed(claim) if is_right else not sign_in.count_failure(claim):
        abort(429)  # whatever was tried at the same moment, as when signing in
    return is_right


def _words(email: str, name: str) -> list[str]:
    here = settings()
    return passwords.words_of(email, name, urlsplit(here.address).hostname, here.sending_domain)


class SignInForm(LoginForm):
    """flask-security's sign-in form, in French. After too many failed attempts it answers 429.

    The limits are asked before the password is hashed, and again after it: whatever was tried at the same moment, no
    more attempts learn whether they were right than the limits permit. A right one is counted nowhere.
    """

    remember = None  # nobody stays signed in beyond the session

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)
        self.email.label.text = "Adresse de courriel"
        self.password.label.text = "Mot de passe"
        self.password.validators = [*self.password.validators, is_hashable]

    def validate(self, **named: object) -> bool:
        """Whether address and password are right. Aborts with 429 after too many failed attempts.

        Where passwords are switched off, none but the emergency account's is right. The others are compared all the
        same: neither the answer nor its time tells a stranger which address is that account's.
        """
        claim = sign_in.claim_of(self.email.data or "")
        if sign_in.is_slowed(claim):
            abort(429)
        is_right: bool = super().validate(**named)  # takes its time: no transaction that writes is open here
        if self.ifield is None:
            return False  # something is missing or misspelt, so nothing was tried
        is_right = is_right and settings().takes_password(self.email.data or "")
        if sign_in.is_slowed(claim) if is_right else not sign_in.count_failure(claim):
            abort(429)
        if not is_right and settings().passwords is PasswordSwitch.OFF:
            self.email.errors, self.password.errors, self.form_errors = [], [], [f"{SWITCHED_OFF} {WRONG_ONE}"]
        return is_right


class PasswordProofForm(FlaskForm):
    """Give one's password again, before what only its owner may do. After too many wrong ones it answers 429."""

    password = PasswordField("Mot de passe actuel", [DataRequired("Indiquez votre mot de passe."), is_hashable])

    def validate(self, extra_validators: object = None) -> bool:
        """Whether the password is right. Aborts with 429 after too many failures in a session."""
        if not super().validate(extra_validators):
            return False
        if not is_current_password(current_user, self.password.data):
            self.password.errors.append(WRONG)
        return not self.errors


class NewPasswordForm(FlaskForm):
    """A new password, typed twice."""

    new_password = PasswordField(
        "Nouveau mot de passe",
        [DataRequired("Indiquez votre mot de passe.")],
        description="Au moins 12 caractères ; une phrase convient.",
    )
    new_password_confirm = PasswordField(
        "Nouveau mot de passe, encore une fois",
        [EqualTo("new_password", "Les deux saisies du nouveau mot de passe diffèrent.")],
    )


class ChosenPasswordForm(NewPasswordForm):
    """The password that the person with this address and name chooses by a link."""

    def __init__(self, email: str, name: str) -> None:
        super().__init__()
        self.new_password.label.text = "Mot de passe"
        self.new_password_confirm.label.text = "Mot de passe, encore une fois"
        self._person = email, name

    def validate(self, extra_validators: object = None) -> bool:
        """Whether the password will do."""
        if not super().validate(extra_validators):
            return False
        if sentence := passwords.fault(self.new_password.data, _words(*self._person)):
            self.new_password.errors.append(sentence)
        return not self.errors


class ForgottenForm(FlaskForm):
    """The address of an account whose password is forgotten."""

    email = StringField("Adresse de courriel")


class InvitationForm(FlaskForm):
    """Who is invited: address and name. The roles are ticked beside."""

    email = StringField("Adresse de courriel", description="Celle que la personne relève elle-même.")
    name = StringField("Prénom et nom", [DataRequired("Indiquez le nom de la personne.")])


class PasswordForm(NewPasswordForm):
    """Change one's password. After too many wrong current ones in a session it answers 429."""

    password = PasswordField("Mot de passe actuel", [DataRequired("Indiquez votre mot de passe."), is_hashable])

    def validate(self, extra_validators: object = None) -> bool:
        """Whether the current password is right and the new one will do. Aborts with 429 after too many failures."""
        if not super().validate(extra_validators):
            return False
        if not is_current_password(current_user, self.password.data):
            self.password.errors.append(WRONG)
        elif self.password.data == self.new_password.data:
            self.new_password.errors.append("Choisissez un mot de passe différent de l’actuel.")
        elif sentence := passwords.fault(self.new_password.data, _words(current_user.email, current_user.name)):
            self.new_password.errors.append(sentence)
        return not self.errors
