"""Joining lists: schools that joined, received as a file, compared with what is known, applied and undone."""
