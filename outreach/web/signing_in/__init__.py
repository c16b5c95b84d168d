"""Signing in: its forms and sessions, the text that an ended session would lose, what the trail notes."""
