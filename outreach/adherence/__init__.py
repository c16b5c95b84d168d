"""Programmes, their strands, and which schools joined, since when, on whose word."""
