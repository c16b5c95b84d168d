"""Forms of second factors: a code; and the current password, with a code where there is a second factor."""

from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from outreach.web.signing_in.account_forms import is_current_password, is_short_enough

NO_CODE = "Tapez le code à six chiffres que l’application montre."
LONGEST = 60


def code_field(label: str, description: str) -> StringField:
    """A field for a code. It is shown as typed: a code opens once."""
    return StringField(label, [DataRequired(NO_CODE), Length(max=LONGEST, message=NO_CODE)], description=description)


class CodeForm(FlaskForm):
    """The first code of a new second factor."""

    code = code_field("Code", "Les six chiffres que l’application montre en ce moment.")


class SecondStepForm(FlaskForm):
    """The code that is given after the password."""

    code = code_field("Code", "Les six chiffres de votre application, ou un de vos codes de secours.")


class FactorProofForm(FlaskForm):
    """The current password, before a second factor is set up. After too many wrong ones it answers 429."""

    password = PasswordField("Mot de passe actuel", [DataRequired("Indiquez votre mot de passe."), is_short_enough])

    def validate(self, extra_validators: object = None) -> bool:
        """Whether the form is complete and the password right."""
        if not super().validate(extra_validators):
            return False
        if not is_current_password(current_user, self.password.data):
            self.password.errors.append("Le mot de passe actuel ne convient pas.")
        return not self.errors


class FullProofForm(FactorProofForm):
    """The current password, and a code of the present second factor; the view takes the code."""

    code = code_field("Code", "Les six chiffres de votre application, ou un de vos codes de secours.")
