"""When letters leave: moments of Brussels, closed hours and days, waves planned, and the calendar of it all."""
