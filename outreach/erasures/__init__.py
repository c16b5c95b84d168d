"""Addresses that were erased: their digests, which nobody can read, and the words that are taken out of every table."""
