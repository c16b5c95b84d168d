"""Whom each campaign meant at its launch, authority by authority and school by school, and how they stood."""
