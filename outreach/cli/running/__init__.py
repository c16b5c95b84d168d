"""The commands that run the service, all of it, its pages alone or its work alone, and that prepare its database."""
