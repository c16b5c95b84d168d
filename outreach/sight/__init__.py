"""Sight: what a federation or a network may see. Temporary views stand before the tables, so every statement is scoped.

The scope is in the connection, not in what asks: a page, a compiled statement and a textual one see the same rows.
"""
