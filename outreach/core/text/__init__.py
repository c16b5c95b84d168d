"""Words, numbers, days, roles, errors and the log; nothing heavy is imported here."""
