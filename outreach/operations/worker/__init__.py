"""The work process: its clock, what is due, and the rooms that send mail, push events and do jobs."""
