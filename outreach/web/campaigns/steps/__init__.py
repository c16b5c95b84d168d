"""The four steps of writing a campaign: audience, letter, dates, check; and the drafts kept meanwhile."""

from outreach.web.campaigns.steps import audience, check, dates, drafts, letter

__all__ = ["audience", "check", "dates", "drafts", "letter"]
