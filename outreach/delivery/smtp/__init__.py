"""SMTP: the protocol, the replies of a relay, and connections in parallel. Knows no database."""
