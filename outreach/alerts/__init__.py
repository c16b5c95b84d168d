"""Alerts: what a person should know of the service's own state, in dated episodes, on pages and by mail."""
