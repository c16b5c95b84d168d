"""Kinds of criteria: of places, of letters sent before, of proof that somebody was reached."""
