"""Bounces: reads mail that comes back about letters, stores it once, and acts on it where proved."""

from outreach.delivery.bounces._boxes import BoxError, Folder, maildir_of, open_box
from outreach.delivery.bounces._handling import (
    MOST_IN_A_PASS, Collected, collect_notices, count_complaints, excluded_for_another, handle_each, refuse_a_copy,
    take_notice,
)
from outreach.delivery.bounces._models import Handling, KeptNotice, are_read, note_box_read
from outreach.delivery.bounces._parsing import (
    ADDRESSED, ANSWER_MARK, CHARSETS, DEEPEST, MESSAGE_ID, RETURN_PATH, Notice, NoticeVerdict, decoded, leaf_parts,
    one_line, parse_message, part_payload, read_notice, text_of,
)

__all__ = [
    "ADDRESSED", "ANSWER_MARK", "CHARSETS", "DEEPEST", "MESSAGE_ID", "MOST_IN_A_PASS", "RETURN_PATH", "BoxError",
    "Collected", "Folder", "Handling", "KeptNotice", "Notice", "NoticeVerdict", "are_read", "collect_notices",
    "count_complaints", "decoded", "excluded_for_another", "handle_each", "leaf_parts", "maildir_of", "note_box_read",
    "one_line", "open_box", "parse_message", "part_payload", "read_notice", "refuse_a_copy", "take_notice", "text_of",
]
