"""Deliverability: what DNS says of recipients' domains, and the follow-up of mailboxes that fail."""
