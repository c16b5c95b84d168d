"""The operator's commands: `./run COMMAND …`."""

import sys

from outreach.cli.main import commands
from outreach.errors import OutreachError


def main() -> None:
    """Run a command; a refusal is a sentence on the error output and exit status 1."""
    try:
        commands(prog_name="./run")
    except OutreachError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
