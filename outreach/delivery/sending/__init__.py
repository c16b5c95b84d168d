"""Sends due letters: batches, composed ahead, are handed over in rounds, each through the commit gate."""
