"""Waves: their automatic start, pause and end, calling them off, sending again, and answers."""

from outreach.campaigns.waves._added_reminders import (
    abandon_reminder, add_reminder, approve_reminder, approved_extent, content_hash, content_of, may_be_added,
    pending_reminder, plan_of, reminder_history, reminder_of, revise_reminder, send_back, sent_by, submit_reminder,
    wave_approval, written_by,
)
from outreach.campaigns.waves._answering import (
    AnswerTerm, Term, answered_before, campaign_of, receive_answer, tell, term_of, undo_answer,
)
from outreach.campaigns.waves._drift import (
    BACK, LOOK_EVERY, coming_waves, confirm_audience, counts_of, drift_of, news_of, note_drift, noted_drift,
    planned_wave,
)
from outreach.campaigns.waves._exemptions import (
    closed_waves, exemptions_of, let_leave, move_wave, planners_of, restore_calm, waive_calm, waves_within,
)
from outreach.campaigns.waves._launching import (
    advance_wave, due_waves, finish_waves, is_free, ranked_audience, send_one, stage_audience,
)
from outreach.campaigns.waves._receipts import Receipt, last_receipt, may_copy, receipt_at, reference_of, working_day
from outreach.campaigns.waves._retrying import Retriable, list_retriable, resend_doubts, resendable_from, retry_failures
from outreach.campaigns.waves._stopping import (
    AUTO_PAUSE, CALL_OFF_TIME, call_off_waves, coming_wave, failing_waves, follows_a_sending, held_waves,
    pause_failing_waves, pause_warning, said_of_pause, starting_wave, why_paused,
)

__all__ = [
    "AUTO_PAUSE", "BACK", "CALL_OFF_TIME", "LOOK_EVERY", "AnswerTerm", "Receipt", "Retriable", "Term",
    "abandon_reminder", "add_reminder", "advance_wave", "answered_before", "approve_reminder", "approved_extent",
    "call_off_waves", "campaign_of", "closed_waves", "coming_wave", "coming_waves", "confirm_audience", "content_hash",
    "content_of", "counts_of", "drift_of", "due_waves", "exemptions_of", "failing_waves", "finish_waves",
    "follows_a_sending", "held_waves", "is_free", "last_receipt", "let_leave", "list_retriable", "may_be_added",
    "may_copy", "move_wave", "news_of", "note_drift", "noted_drift", "pause_failing_waves", "pause_warning",
    "pending_reminder", "plan_of", "planned_wave", "planners_of", "ranked_audience", "receipt_at", "receive_answer",
    "reference_of", "reminder_history", "reminder_of", "resend_doubts", "resendable_from", "restore_calm",
    "retry_failures", "revise_reminder", "said_of_pause", "send_back", "send_one", "sent_by", "stage_audience",
    "starting_wave", "submit_reminder", "tell", "term_of", "undo_answer", "waive_calm", "wave_approval", "waves_within",
    "why_paused", "working_day", "written_by",
]
