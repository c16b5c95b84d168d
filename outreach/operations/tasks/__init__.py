"""Tasks: what awaits a person, as a list and as a calendar."""
