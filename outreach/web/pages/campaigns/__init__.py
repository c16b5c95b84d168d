"""Campaigns: the list, the four steps of writing one, its approval and its waves."""

from outreach.web.pages.campaigns import (
    after,
    channels,
    charts,
    drift,
    ending,
    exceptions,
    experiment,
    overview,
    progress,
    recipients,
    results,
    steps,
)
from outreach.web.pages.campaigns.blueprint import pages

__all__ = [
    "after",
    "channels",
    "charts",
    "drift",
    "ending",
    "exceptions",
    "experiment",
    "overview",
    "pages",
    "progress",
    "recipients",
    "results",
    "steps",
]
