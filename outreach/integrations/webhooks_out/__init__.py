"""Outgoing webhooks: targets, and events pushed to them in order."""
