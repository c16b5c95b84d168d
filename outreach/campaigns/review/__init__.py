"""Review of a campaign: previews, test letters, checks, and approval by a second person."""
