"""Pages that letters link to, without account or cookie, and the count of openings and clicks."""
