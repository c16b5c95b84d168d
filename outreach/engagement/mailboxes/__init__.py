"""Mailboxes: the state of each, and the lists of contacts that bring them."""

from outreach.engagement.mailboxes._contact_lists import ContactLists, erase_lists
from outreach.engagement.mailboxes._health import (
    FAULTS, REACHED, Freshness, ListedMailbox, MailboxHealth, ReachFilters, ReachList, ReachRow, list_mailbox_health,
    list_mailboxes, mailbox_health_of,
)
from outreach.engagement.mailboxes._import_plan import ContactList, ContactPlan
from outreach.engagement.mailboxes._import_rows import HEADERS

__all__ = [
    "FAULTS", "HEADERS", "REACHED", "ContactList", "ContactLists", "ContactPlan", "Freshness", "ListedMailbox",
    "MailboxHealth", "ReachFilters", "ReachList", "ReachRow", "erase_lists", "list_mailbox_health", "list_mailboxes",
    "mailbox_health_of",
]
