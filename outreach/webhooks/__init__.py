"""Webhooks, signed as Standard Webhooks says: joinings that other services send, and events that are pushed to them."""
