"""Tracking: openings and clicks, consent to them, and what they may be taken to mean."""
