"""Openings and clicks: trackers, the machines behind hits, and what allows a mailbox to be measured."""
