"""Accounts of staff: people, their roles, passwords and sessions, failed sign-ins, and the trail."""
