"""Forms to sign in and to change a password, in French; what was tried in vain is counted, and slowed."""

from urllib.parse import urlsplit

from flask import abort
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length, StopValidation

from outreach.accounts import passwords, staff
from outreach.accounts.staff import User
from outreach.errors import InputError
from outreach.mail.addresses import judge
from outreach.settings import PasswordSwitch
from outreach.web.signing_in import sign_in
from outreach.web.ui.request import reading, settings

SWITCHED_OFF = (
    "Les mots de passe ne servent plus ici : connectez-vous avec le service d’identification. "
    "Seul le compte de secours garde le sien."
)
WRONG_ONE = "Si c’est le vôtre, son adresse ou son mot de passe ne convient pas."
WRONG = "Le mot de passe actuel ne convient pas."
WRONG_SIGN_IN = "L’adresse ou le mot de passe ne convient pas."
MISSING = "Indiquez votre mot de passe."
TOO_LONG = f"Ce mot de passe ne convient pas : {passwords.LONGEST} caractères au plus."
is_short_enough = Length(max=passwords.LONGEST_HASHED, message=TOO_LONG)


def is_current_password(user: User, typed: str) -> bool:
    """Whether this is the password of the person who is signed in. Aborts with 429 after too many failures."""
    claim = sign_in.claim_in_session()
    if sign_in.is_slowed(claim):
        abort(429)
    is_right = user.has_password(typed)
    if sign_in.is_slowed(claim) if is_right else not sign_in.count_failure(claim):
        abort(429)  # whatever was tried at the same moment, as when signing in
    return is_right


def _words(email: str, name: str) -> list[str]:
    here = settings()
    return passwords.words_of(email, name, urlsplit(here.address).hostname, here.sending_domain)


class SignInForm(FlaskForm):
    """Address and password. After too many failed attempts it answers 429.

    The limits are asked before the password is hashed, and again after it: whatever was tried at the same moment, no
    more attempts learn whether they were right than the limits permit. A right one is counted nowhere.
    """

    email = StringField("Adresse de courriel", [DataRequired("Indiquez votre adresse de courriel.")])
    password = PasswordField("Mot de passe", [DataRequired(MISSING), is_short_enough])
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
            self.user = user = staff.account_at(snapshot, address)
        claim = sign_in.claim_of(address, user)
        if sign_in.is_slowed(claim):
            abort(429)
        # Comparing takes its time: no transaction is open here.
        is_right = user.has_password(self.password.data) if user else passwords.is_right(self.password.data, "")
        is_right = is_right and user is not None and user.active and settings().takes_password(user.email)
        if sign_in.is_slowed(claim) if is_right else not sign_in.count_failure(claim):
            abort(429)
        if not is_right:
            self.form_errors = [
                WRONG_SIGN_IN if settings().passwords is PasswordSwitch.ON else f"{SWITCHED_OFF} {WRONG_ONE}"
            ]
        return is_right


class PasswordProofForm(FlaskForm):
    """Give one's password again, before what only its owner may do. After too many wrong ones it answers 429."""

    password = PasswordField("Mot de passe actuel", [DataRequired(MISSING), is_short_enough])

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
        [DataRequired(MISSING)],
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

    password = PasswordField("Mot de passe actuel", [DataRequired(MISSING), is_short_enough])

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
