"""Awareness campaigns towards the organising authorities of schools, and what came of them."""

__version__ = "0.1.0"
