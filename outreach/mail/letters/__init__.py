"""The letter language: its words, its passages, its forms in a mail and on paper."""
