"""The answer page of a letter, and what is sent from it."""
