"""Awareness campaigns towards the organising authorities of schools, and their results."""

__version__ = "0.4.0"
