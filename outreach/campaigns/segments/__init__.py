"""Segments: criteria over authorities, the audience they give, its counts, and how they read in French."""
