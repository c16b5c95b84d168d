"""Turns the words of a letter into bytes, and judges both; no database, no network, no clock."""
