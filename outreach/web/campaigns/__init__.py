"""Campaigns: the list, the four steps of writing one, its approval and its waves."""

from outreach.web.campaigns import after, drift, ending, overview, progress, reactions, recipients, results, steps
from outreach.web.campaigns.blueprint import pages

__all__ = ["after", "drift", "ending", "overview", "pages", "progress", "reactions", "recipients", "results", "steps"]
