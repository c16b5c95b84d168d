"""Programmes, their strands, and who has joined, since when, on whose word."""
