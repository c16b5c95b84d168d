"""The four steps of writing a campaign: audience, letter, dates, check; and the drafts kept meanwhile."""

from outreach.web.pages.campaigns.steps import audience, check, dates, letter, offered_drafts, segments

__all__ = ["audience", "check", "dates", "letter", "offered_drafts", "segments"]
