"""What an authority opens from a letter: pages without account or cookie, and the counting of openings and clicks."""
