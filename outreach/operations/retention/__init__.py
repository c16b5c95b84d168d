"""Retention: how long each table keeps what, erasure of a person, and the register of processing."""
