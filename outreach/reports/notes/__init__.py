"""Notes: figures gathered, frozen, approved, numbered and signed, corrected in public."""
