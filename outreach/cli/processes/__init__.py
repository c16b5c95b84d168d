"""The processes of the service: those that serve pages, and the one that starts all others."""
