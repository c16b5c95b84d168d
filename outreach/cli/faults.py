"""What a command says of a fault: one sentence, which `--json` prints as an object, too."""

import click
from sqlalchemy.exc import DatabaseError, OperationalError

from outreach.errors import OutreachError
from outreach.french import typeset
from outreach.text import cleaned

NO_DATABASE = (
    "Le fichier nommé par OUTREACH_DATABASE_URL n’est pas une base de données, ou il est abîmé : "
    "corrigez ce réglage, ou restaurez une sauvegarde (docs/operations.md)."
)


def sentence(error: Exception) -> str:
    """The sentence of a fault that can be expected; '' of any other."""
    if isinstance(error, OutreachError):
        said = str(error)
    elif isinstance(error, click.ClickException):
        said = error.format_message()
    elif isinstance(error, click.Abort):
        said = "Rien n’est confirmé : la commande s’est arrêtée."
    elif isinstance(error, UnicodeError):
        said = "Un texte donné n’est pas en UTF-8 : il ne peut pas être lu."
    elif isinstance(error, OSError):
        said = f"{error.filename or 'Fichier'} : {error.strerror}."
    elif isinstance(error, OperationalError):
        said = f"La base de données ne répond pas : {error.orig}"
    else:
        said = NO_DATABASE if type(error) is DatabaseError else ""
    return cleaned(typeset(said))
