"""Campaigns: the list, the four steps of writing one, its approval and its waves."""

from outreach.web.campaigns import (
    after,
    audience,
    check,
    dates,
    ending,
    letter,
    overview,
    progress,
    reactions,
    recipients,
    results,
)
from outreach.web.campaigns.blueprint import pages

__all__ = [
    "after",
    "audience",
    "check",
    "dates",
    "ending",
    "letter",
    "overview",
    "pages",
    "progress",
    "reactions",
    "recipients",
    "results",
]
