"""Second factors of accounts: one-time codes, and recovery codes."""
