"""Letters that answer a response: replies of staff, the news of a confirmed joining, and their prepared texts."""
