"""The calendar that a person's own program subscribes to: its secret address, what stands in it, and its format."""
