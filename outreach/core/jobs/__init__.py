"""Jobs: requests of staff that take longer than a page may, done by a work process and kept as rows."""
