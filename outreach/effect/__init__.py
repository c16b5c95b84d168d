"""Did the letter make authorities join? Departures drawn by lot, and what they show; no database, no page."""
