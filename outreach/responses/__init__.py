"""Answers of authorities: their kinds, the statuses that they declare, the steps of staff, and filled-in sheets."""
