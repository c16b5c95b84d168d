"""Joining lists: rows that are matched with schools, previewed, applied and undone."""
