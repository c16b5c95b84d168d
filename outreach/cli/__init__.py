"""The operator's commands: `./run COMMAND …`."""

import os
import sys

from sqlalchemy.exc import OperationalError

from outreach.cli.main import commands
from outreach.errors import OutreachError
from outreach.french import typeset
from outreach.text import cleaned


def main() -> None:
    """Run a command. A refusal prints a sentence on standard error and exits with status 1."""
    os.umask(0o077)  # only this user may read the database, secrets and exports
    try:
        commands(prog_name="./run")
    except OutreachError as error:
        print(cleaned(typeset(str(error))), file=sys.stderr)
    except UnicodeError:
        print("Un texte donné n’est pas en UTF-8 : il ne peut pas être lu.", file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'Fichier'} : {error.strerror}.", file=sys.stderr)
    except OperationalError as error:
        print(f"La base de données ne répond pas : {error.orig}", file=sys.stderr)
    else:
        return
    sys.exit(1)
