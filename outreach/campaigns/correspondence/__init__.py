"""Correspondence with one authority: replies to its answers, and letters written to it alone."""
