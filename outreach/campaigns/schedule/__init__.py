"""When letters leave: Brussels time, closed hours and days, the plan of waves, and the calendar."""
