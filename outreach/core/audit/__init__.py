"""What was done by whom, in sealed sentences; and what happened, told to programs in one order without gaps."""

from outreach.core.audit._audit import (
    ERASED, ERASURE, MAILBOX, MOST_ENTRIES, PROGRAM, SENDER, AuditEntry, SealCheck, SealedEntry, add_seal,
    count_unsealed, entries_about, erase_words, last_seal, latest_entries, mailbox_actor, next_batch, record_entry,
    take_out, verify_seals,
)
from outreach.core.audit._events import (
    Event, EventKind, cloud_event, events_after, last_event, number_waiting, publish_event, tell_all,
)

__all__ = [
    "ERASED", "ERASURE", "MAILBOX", "MOST_ENTRIES", "PROGRAM", "SENDER", "AuditEntry", "Event", "EventKind",
    "SealCheck", "SealedEntry", "add_seal", "cloud_event", "count_unsealed", "entries_about", "erase_words",
    "events_after", "last_event", "last_seal", "latest_entries", "mailbox_actor", "next_batch", "number_waiting",
    "publish_event", "record_entry", "take_out", "tell_all", "verify_seals",
]
