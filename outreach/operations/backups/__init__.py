"""Backups: made, kept, proved by restoring them."""
