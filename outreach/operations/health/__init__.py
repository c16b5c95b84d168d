"""Health: checks of the machine, the database, mail and work, and the alerts that follow from them."""

from outreach.operations.health._check import Check, Examined, HealthState, fault
from outreach.operations.health._doctor import CheckResult, run_checks
from outreach.operations.health._figures import Figures
from outreach.operations.health._registry import CHECKS
from outreach.operations.health._sentences import ShownAlert, shown_alerts
from outreach.operations.health._watch import AlertWatch, watch_clock

__all__ = [
    "CHECKS", "AlertWatch", "Check", "CheckResult", "Examined", "Figures", "HealthState", "ShownAlert", "fault",
    "run_checks", "shown_alerts", "watch_clock",
]
