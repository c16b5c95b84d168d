"""Speaking to a relay: the protocol, its replies, and connections side by side. Knows no database."""
