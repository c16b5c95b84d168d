"""The operator's commands: `./run COMMAND …`."""

import os
import sys

from outreach.cli.main import EXPECTED, commands, sentence


def main() -> None:
    """Run a command. A refusal prints a sentence on standard error and exits with status 1."""
    os.umask(0o077)  # only this user may read the database, secrets and exports
    try:
        commands(prog_name="./run")
    except EXPECTED as error:
        said = sentence(error)
        if not said:
            raise
        print(said, file=sys.stderr)
        sys.exit(1)
