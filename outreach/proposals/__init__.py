"""What federations and networks propose about their members; staff accept or refuse, and the answer is told."""
