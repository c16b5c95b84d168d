"""The outbox: who gets which letter, what became of it, and who gets no mail any more."""
