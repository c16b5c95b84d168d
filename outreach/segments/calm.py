"""Calm: how often awareness may write to a mailbox, as the installation says; a session carries that rule."""

from outreach.db import Session
from outreach.settings import Calm, Settings

KEY = "calm"


def info_of(settings: Settings) -> dict[str, object]:
    """What the sessions of a database carry, so that every process keeps the same rule."""
    return {KEY: settings.calm_rule}


def rule_of(session: Session) -> Calm | None:
    """The rule of this installation; None when none is set."""
    rule = session.info.get(KEY)
    return rule if isinstance(rule, Calm) else None
