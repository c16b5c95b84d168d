"""Programmes: their strands and prerequisites, the files that state them, and the events that they publish."""
