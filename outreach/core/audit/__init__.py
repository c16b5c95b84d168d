"""What was done by whom, in sealed sentences; and what happened, told to programs in one order without gaps."""
