"""Audiences on pages: their conditions as lines of a form, and lists that become a campaign."""
