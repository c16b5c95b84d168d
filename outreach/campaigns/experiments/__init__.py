"""Experiments: departures drawn by lot, and the effect that they allow to measure."""
