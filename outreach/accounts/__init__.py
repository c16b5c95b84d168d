"""Accounts of staff: people, their roles and passwords, and failed sign-ins."""
