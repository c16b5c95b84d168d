"""Sending: batches of due letters, composed ahead, handed over in rounds, each behind the dot fence."""
