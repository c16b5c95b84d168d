"""Mailboxes: the state of each, and the lists of contacts that bring them."""
