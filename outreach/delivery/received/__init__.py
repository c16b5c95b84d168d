"""Mails received: reads what people write back, says whose it is where that is proved, and keeps it."""
