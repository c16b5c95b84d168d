"""Forms of second factors: a code; and the current password, with a code where there is a second factor."""

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from outreach.web.signing_in.account_forms import ProofForm

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
