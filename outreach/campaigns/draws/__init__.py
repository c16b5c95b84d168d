"""Departures drawn by lot: attempts, and the list that was drawn."""
