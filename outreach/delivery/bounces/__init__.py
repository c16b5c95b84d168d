"""Bounces: reads mail that comes back about letters, stores it once, and acts on it where proved."""
