"""Waves: their automatic start, pause and end, calling them off, sending again, and answers."""
