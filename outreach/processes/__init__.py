"""The processes of this machine: what supervises them, and one of those that serve pages."""
