"""Words in, bytes out: no database, no network, no clock."""
