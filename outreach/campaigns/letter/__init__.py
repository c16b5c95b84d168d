"""A campaign's letter: its merge fields, their values, and the letters composed from it."""
