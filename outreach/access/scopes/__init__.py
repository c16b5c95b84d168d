"""Scopes: what a federation or a network may see, by views that stand before the tables."""
