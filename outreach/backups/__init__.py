"""Backups of the database: made with a manifest, restored into a new database, and rehearsed."""
