"""The demonstration: its people, a fictitious directory, its story, and its own mailbox."""
