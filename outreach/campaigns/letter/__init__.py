"""A campaign's letter: its merge fields, what fills them, and the letters of a wave composed from it."""
