"""Joinings that other services send by themselves, signed: kept as they come, applied as joining lists by the clock."""
