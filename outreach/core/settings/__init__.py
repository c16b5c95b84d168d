"""Every option of the product, read from the environment and checked once, at start."""

from outreach.core.settings.faults import PROTECTED
from outreach.core.settings.model import PREFIX, ROOT, FactorPolicy, FrequencyCap, Mode, SendingSwitch, Settings
from outreach.core.settings.reading import kept_secret, kept_text, read
from outreach.core.settings.values import BROKERS, listed

__all__ = [
    "BROKERS", "PREFIX", "PROTECTED", "ROOT", "FactorPolicy", "FrequencyCap", "Mode", "SendingSwitch", "Settings",
    "kept_secret", "kept_text", "listed", "read",
]
