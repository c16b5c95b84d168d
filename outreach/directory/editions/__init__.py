"""Editions of the register: read, compared with the directory, applied and undone."""
