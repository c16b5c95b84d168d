"""How long what is stored is kept: a table of rows, and what deletes by it."""
