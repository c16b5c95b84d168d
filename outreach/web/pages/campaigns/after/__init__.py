"""After a wave is planned: moved out of a closure, a reminder added, what an approver lets depart, what came of it."""

from outreach.web.pages.campaigns.after import added_reminder, blackout, exemptions, summary

__all__ = ["added_reminder", "blackout", "exemptions", "summary"]
