"""The ledger: recipients, what became of each letter, and the suppression list."""
