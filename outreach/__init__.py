"""Awareness campaigns towards the organising authorities of schools, and their results."""

__version__ = "0.3.0"
