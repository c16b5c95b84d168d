"""Signing in: forms, pages of links, sessions, the text that an ended session would lose, what the trail notes."""
