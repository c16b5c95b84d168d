"""Addresses that were erased: their digests, and the words that are taken out of every table."""
