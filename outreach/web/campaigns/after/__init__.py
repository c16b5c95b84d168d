"""After a wave is planned: moved out of a closure, a reminder added, what an approver lets depart, what came of it."""

from outreach.web.campaigns.after import calls, closures, exemptions, paper, reached, reminder, summary

__all__ = ["calls", "closures", "exemptions", "paper", "reached", "reminder", "summary"]
