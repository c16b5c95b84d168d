"""The ledger of letters: who is written to, what became of each letter, and which addresses are written to no more."""
