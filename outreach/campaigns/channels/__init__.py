"""Channels: what is due after mail, on paper or by telephone, and what is noted of it."""
