"""Accounts of staff: people, roles, passwords, second factors, sessions, and the access log."""
