"""The work process: its clock, what it does at each pass, and what wakes it in between."""
