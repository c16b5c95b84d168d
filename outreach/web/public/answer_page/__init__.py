"""The page of a letter, where an authority answers."""
