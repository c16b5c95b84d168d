"""Every option of the product, read from the environment and checked once, at start."""

from outreach.settings.faults import PROTECTED
from outreach.settings.model import (
    PREFIX,
    ROOT,
    Calm,
    FactorPolicy,
    Mode,
    SendingSwitch,
    Settings,
)
from outreach.settings.own_secrets import kept_secret, kept_text
from outreach.settings.reading import read
from outreach.settings.values import BROKERS, listed

__all__ = [
    "BROKERS",
    "PREFIX",
    "PROTECTED",
    "ROOT",
    "Calm",
    "FactorPolicy",
    "Mode",
    "SendingSwitch",
    "Settings",
    "kept_secret",
    "kept_text",
    "listed",
    "read",
]
