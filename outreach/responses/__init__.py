"""What authorities answer: kinds of answers, what they declare, what staff do about them, and filled-in sheets."""
