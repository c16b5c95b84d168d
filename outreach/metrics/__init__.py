"""Figures for a monitor: what the database, this machine and its processes say, in Prometheus' words."""
