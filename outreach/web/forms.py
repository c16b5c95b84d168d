"""Forms in French. The server is the judge; a refusal names the field and says what to do."""

from collections.abc import Sequence

from flask_security.forms import ChangePasswordForm, LoginForm
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectChoice, StringField, ValidationError
from wtforms.validators import Length

from outreach.directory.models import MailboxKind
from outreach.errors import InputError
from outreach.mail.addresses import Judgement, SeveralAddresses, judge

KINDS = [
    SelectChoice(MailboxKind.IMPERSONAL, "Boîte de fonction (direction, secrétariat…)"),
    SelectChoice(MailboxKind.PERSONAL, "Boîte d’une personne"),
]


class ContactForm(FlaskForm):
    """An address to add or to put in the place of another. `confirmed` holds the address whose reading was shown."""

    address = StringField("Adresse de courriel", description="Une seule adresse, par exemple direction@ecole.example.")
    name = StringField(
        "Nom ou fonction (facultatif)",
        [Length(max=200, message="Le nom dépasse 200 caractères.")],
        description="La personne ou le service qui relève cette boîte.",
    )
    kind = RadioField("Nature de la boîte", choices=KINDS, default=MailboxKind.IMPERSONAL)
    confirmed = HiddenField()

    judged: Judgement | None = None
    several: Sequence[str] = ()

    def ask_to_confirm(self) -> None:
        """Show the address as it was understood; sending the form once more confirms it."""
        if self.judged is None:
            return
        self.address.data = self.confirmed.data = self.judged.address
        self.name.data = self.name.data or self.judged.display_name

    def validate_address(self, field: StringField) -> None:
        """Judge the address; keep the judgement for the view."""
        try:
            self.judged = judge(field.data or "")
        except SeveralAddresses as error:
            self.several = error.addresses
            raise ValidationError(str(error)) from None
        except InputError as error:
            raise ValidationError(str(error)) from None

    def validate_name(self, field: StringField) -> None:
        """A name goes into headers one day: no control character."""
        if any(not character.isprintable() for character in field.data or ""):
            raise ValidationError("Le nom contient un caractère interdit.")


class SignInForm(LoginForm):
    """The sign-in form; its fields are flask-security's."""

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)
        self.email.label.text = "Adresse de courriel"
        self.password.label.text = "Mot de passe"


class PasswordForm(ChangePasswordForm):
    """The form that changes one's password; its fields are flask-security's."""

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)
        self.password.label.text = "Mot de passe actuel"
        self.new_password.label.text = "Nouveau mot de passe"
        self.new_password.description = "Au moins 12 caractères ; une phrase convient."
        self.new_password_confirm.label.text = "Nouveau mot de passe, encore une fois"
