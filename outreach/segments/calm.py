"""Calm: how often awareness may write to a mailbox, as the installation says; a session carries that rule."""

from outreach.db import Session, take_turns
from outreach.settings import Calm, Settings

KEY = "calm"


def info_of(settings: Settings) -> dict[str, object]:
    """The rule that the sessions of a database carry, so that every process keeps the same rule."""
    return {KEY: settings.calm_rule}


def rule_of(session: Session) -> Calm | None:
    """The rule of this installation; None when none is set."""
    rule = session.info.get(KEY)
    return rule if isinstance(rule, Calm) else None


def take_turn(session: Session) -> None:
    """Let one transaction at a time count who was written to, where a rule is set, and add letters for the others.

    Two at once would not see each other's letters.
    """
    if rule_of(session) is not None:
        take_turns(session, KEY)
