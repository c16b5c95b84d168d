"""Each channel beside mail on its page, under the name of its row: what is due, prepared, done, returned."""

from outreach.web.pages.campaigns.channels import call, paper

__all__ = ["call", "paper"]
