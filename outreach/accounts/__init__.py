"""Accounts of staff: people, their roles, passwords and sessions, and failed sign-ins."""
