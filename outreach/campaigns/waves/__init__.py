"""Waves: started and ended by the clock, called off, paused, sent again, and what an answer means for them."""
