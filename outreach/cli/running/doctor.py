"""`doctor`: what the installation needs, each thing with how it is and what to do."""

import os
import sys
from pathlib import Path

import click
from sqlalchemy.engine import make_url

from outreach.cli.context import Operation, json_option, pass_operation, say, say_json
from outreach.core.settings import Settings
from outreach.core.text.errors import SettingsError
from outreach.operations.health import CHECKS, CheckResult, Examined, HealthState, fault, run_checks

MARKS = {HealthState.OK: "bien", HealthState.WARNING: "attention", HealthState.FAULT: "défaut"}


@click.command()
@json_option
@pass_operation
def doctor(operation: Operation) -> None:
    """Regarde tout ce dont le service a besoin, et dit quoi faire ; termine par 1 s’il y a un défaut."""
    try:
        opened = operation.opened if _exists(operation.settings) else None
        results = run_checks(Examined(operation.settings, opened, os.environ), CHECKS)
    except SettingsError as error:
        results = [CheckResult(CHECKS[0], fault(" ".join(str(error).splitlines())))]
    say_json(
        lambda: {
            "checks": [
                {"name": check.name, "state": finding.state.value, "told": finding.in_words}
                for check, finding in results
            ]
        }
    )
    for check, finding in results:
        say(f"{MARKS[finding.state]:<9}  {check.label} : {finding.in_words}")
    sys.exit(1 if any(finding.state is HealthState.FAULT for _, finding in results) else 0)


def _exists(settings: Settings) -> bool:
    """Whether the database is there: opening an SQLite file that is missing would make an empty one."""
    url = make_url(settings.database)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()
