"""Incoming webhooks: who may send, what came, and what became of its rows."""
