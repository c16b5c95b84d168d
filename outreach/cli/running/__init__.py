"""The commands that run the service: all of it, its pages alone, its work alone."""
