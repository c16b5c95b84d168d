"""After a wave is planned: moved out of a closure, a reminder added, and what an approver lets depart from a rule."""

from outreach.web.campaigns.after import calls, closures, exemptions, paper, reached, reminder

__all__ = ["calls", "closures", "exemptions", "paper", "reached", "reminder"]
