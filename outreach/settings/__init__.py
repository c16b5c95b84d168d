"""Every option of the product, read from the environment and checked once, at start."""

from outreach.settings.faults import BROKERS
from outreach.settings.model import (
    PREFIX,
    ROOT,
    Calm,
    CheckSwitch,
    FactorPolicy,
    Mode,
    PasswordSwitch,
    SendingSwitch,
    Settings,
    listed,
)
from outreach.settings.own_secrets import kept_secret, kept_text
from outreach.settings.reading import read

__all__ = [
    "BROKERS",
    "PREFIX",
    "ROOT",
    "Calm",
    "CheckSwitch",
    "FactorPolicy",
    "Mode",
    "PasswordSwitch",
    "SendingSwitch",
    "Settings",
    "kept_secret",
    "kept_text",
    "listed",
    "read",
]
