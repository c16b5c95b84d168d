"""`python -m outreach` is the operator's command line."""

from outreach.cli.main import run

run()
