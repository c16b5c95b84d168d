"""Letters of staff to one authority: replies, the news of a confirmed joining, letters by hand, prepared texts."""
