"""Deliverability: what DNS says of recipients' domains, and the follow-up of mailboxes that fail."""

from outreach.delivery.deliverability._domains import (
    DomainCheck, FoundDomain, domain_of, domain_remarks, due_domains, known_domains, record_domains,
)
from outreach.delivery.deliverability._follow_up import (
    NOBODY, Followed, current_follow_up, hand_all_over, hand_over, owned_by, recalls_of, release_follow_up, set_recall,
    steps_of,
)

__all__ = [
    "NOBODY", "DomainCheck", "Followed", "FoundDomain", "current_follow_up", "domain_of", "domain_remarks",
    "due_domains", "hand_all_over", "hand_over", "known_domains", "owned_by", "recalls_of", "record_domains",
    "release_follow_up", "set_recall", "steps_of",
]
