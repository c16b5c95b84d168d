"""Criteria that select authorities: one SELECT, one French sentence, a reason for each one left out."""
