"""The answer of a note as one says it: prose, from the situation and the actions that pages show."""
