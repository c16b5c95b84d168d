"""The directory: authorities and their addresses, one authority's history, the list of exclusion."""
