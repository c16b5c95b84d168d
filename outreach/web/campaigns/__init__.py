"""Campaigns: the list, the four steps of writing one, its approval and its waves."""

from outreach.web.campaigns import (
    after,
    charts,
    drift,
    effect,
    ending,
    exceptions,
    overview,
    progress,
    reactions,
    recipients,
    results,
    steps,
)
from outreach.web.campaigns.blueprint import pages

__all__ = [
    "after",
    "charts",
    "drift",
    "effect",
    "ending",
    "exceptions",
    "overview",
    "pages",
    "progress",
    "reactions",
    "recipients",
    "results",
    "steps",
]
