"""The processes of one machine: what starts and stops them together, and what granian serves in those of pages."""
