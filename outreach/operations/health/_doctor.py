"""The doctor runs the checks side by side, each in its own time: one that breaks or hangs is a fault that says so."""

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from outreach.core.db import time_limit
from outreach.core.text.errors import OutreachError
from outreach.operations.health._check import Check, Examined, Finding, fault


class CheckResult(NamedTuple):
    """A check and what it found."""

    check: Check
    finding: Finding


def run_checks(examined: Examined, checks: Sequence[Check]) -> list[CheckResult]:
    """What each check finds that has something to look at, in order. It takes as long as the slowest may."""
    checks, found = [check for check in checks if check.look], dict[str, Finding]()
    began = time.monotonic()
    # Threads without a pool: a pool waits at exit for the one that hangs.
    threads = [threading.Thread(target=_look, args=(check, examined, found), daemon=True) for check in checks]
    for thread in threads:
        thread.start()
    results = []
    for check, thread in zip(checks, threads, strict=True):
        thread.join(max(began + check.seconds - time.monotonic(), 0))
        late = fault(f"Pas de réponse en {check.seconds:g} s : le contrôle a été abandonné.")
        results.append(CheckResult(check, found.get(check.name, late)))
    return results


def _look(check: Check, examined: Examined, found: dict[str, Finding]) -> None:
    assert check.look  # noqa: S101 - `run_checks` leaves out the others
    time_limit.limit(check.seconds)
    try:
        found[check.name] = check.look(examined)
    except OutreachError as error:
        found[check.name] = fault(str(error))
    except SQLAlchemyError as error:  # its words hold nothing that somebody typed
        found[check.name] = fault(f"La base de données refuse ({error}) : voyez OUTREACH_DATABASE_URL et son serveur.")
    except Exception as error:  # noqa: BLE001 - a check that breaks says so, and keeps no other
        found[check.name] = fault(f"Le contrôle lui-même est en défaut ({type(error).__name__}) : signalez-le.")
