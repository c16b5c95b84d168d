"""Authorities: search, lists, and the sheet of one of them."""
