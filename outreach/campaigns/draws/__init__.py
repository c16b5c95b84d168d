"""Departures drawn by lot: attempts with their commitments, and the list that was drawn."""
