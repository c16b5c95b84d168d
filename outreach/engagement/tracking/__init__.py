"""Tracking: openings and clicks, consent to them, and what they may be taken to mean."""

from outreach.engagement.tracking._arrivals import REST_SECONDS, SLICE, Arrival, append_hits, is_any, move_hits
from outreach.engagement.tracking._bases import (
    LONGEST_LINE, LONGEST_WORDING, basis_numbered, drop_new, mailboxes_in_force, measurable_at, measurable_messages,
    of_authority, record_consent, record_decision, standing_bases, with_basis, withdraw_basis,
)
from outreach.engagement.tracking._bot_detection import (
    OPENING, Agent, HitClass, Programs, Readers, Signals, classify_hit,
)
from outreach.engagement.tracking._consent import agree_to_tracking, choice_of, consent_wording, withdraw_consent
from outreach.engagement.tracking._models import BasisWithdrawal, Hit, TrackingBasis, TrackingMode
from outreach.engagement.tracking._opens_and_clicks import (
    KEPT, Measured, ClassifiedHit, count_hits, fold_events, measured_counts, settle_doubts, this_hour,
)
from outreach.engagement.tracking._reactions import (
    AUTHORITY, CAME_BACK, HAS_LEFT, LEFT_AT, Asked, Reaction, first_hits, is_since, joined_after, joined_of, left_at,
    letter_subjects, measured_alone, of_authorities, of_mailboxes, reacting_authorities, replied,
)
from outreach.engagement.tracking._trackers import (
    SMALLEST, Links, Target, Writer, are_set_up, latest_trackers, of_mailing, set_up, target_of, targets_of,
)

__all__ = [
    "AUTHORITY", "CAME_BACK", "HAS_LEFT", "KEPT", "LEFT_AT", "LONGEST_LINE", "LONGEST_WORDING", "OPENING",
    "REST_SECONDS", "SLICE", "SMALLEST", "Agent", "Arrival", "Asked", "BasisWithdrawal", "ClassifiedHit", "Hit",
    "HitClass", "Links", "Measured", "Programs", "Reaction", "Readers", "Signals", "Target", "TrackingBasis",
    "TrackingMode", "Writer", "agree_to_tracking", "append_hits", "are_set_up", "basis_numbered", "choice_of",
    "classify_hit", "consent_wording", "count_hits", "drop_new", "first_hits", "fold_events", "is_any", "is_since",
    "joined_after", "joined_of", "latest_trackers", "left_at", "letter_subjects", "mailboxes_in_force",
    "measurable_at", "measurable_messages", "measured_alone", "measured_counts", "move_hits", "of_authorities",
    "of_authority", "of_mailboxes", "of_mailing", "reacting_authorities", "record_consent", "record_decision",
    "replied", "set_up", "settle_doubts", "standing_bases", "target_of", "targets_of", "this_hour", "with_basis",
    "withdraw_basis", "withdraw_consent",
]
