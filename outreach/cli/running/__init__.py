"""The commands that run the service, all of it, its pages or its work alone, prepare its database, and measure it."""
