"""Commands that run in this process, on a test's own database."""

from click.testing import CliRunner

from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.core.settings import read
from tests.conftest import NOW


def invoke(database, settings, *words, now=NOW):
    """Run a command with these settings, or those of an environment, at a moment; returns its result."""
    operation = Operation()
    operation.settings = read(settings) if isinstance(settings, dict) else settings
    operation.opened = operation.database = database
    operation.now = now
    return CliRunner().invoke(commands, [*map(str, words)], obj=operation)
