"""How long what is stored is kept: one French file, and what deletes by it."""
