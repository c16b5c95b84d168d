"""A toy room that follows the recipe of a page with a table, a filter and an export (docs/develop.md)."""
