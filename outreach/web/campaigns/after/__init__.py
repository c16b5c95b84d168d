"""After a wave: a reminder added to its campaign, and what an approver lets depart from a rule."""

from outreach.web.campaigns.after import exemptions, reminder

__all__ = ["exemptions", "reminder"]
