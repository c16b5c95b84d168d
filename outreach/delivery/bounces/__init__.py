"""Bounces: what comes back by mail about letters that had left, read, kept once, and acted on where it is proved."""
