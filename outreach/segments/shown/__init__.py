"""Criteria as pages show them: the matrix, the conditions beside it, and all that may be asked, in words."""
