"""Review of a campaign: previews, test letters, checks, and approval by a second person."""

from outreach.campaigns.review._approval import (
    ask_approval, awaiting_campaigns, give_and_plan, give_approval, review_campaign, since_approval,
)
from outreach.campaigns.review._checks import (
    PLACEHOLDER, Findings, check_campaign, count_measured_alone, has_nothing_to_be_reminded_of, tracking_offer,
    unfinished_parts, wording_of,
)
from outreach.campaigns.review._ending import left_before, losses_of
from outreach.campaigns.review._exceptions import exceptions_of, keys_of, leave_out, take_back
from outreach.campaigns.review._other_programme import of_sender, programme_remarks, strand_remarks
from outreach.campaigns.review._overlap import shared_with_others
from outreach.campaigns.review._plan import plan_of
from outreach.campaigns.review._preview import Preview, PreviewedLetter, hard_cases, prepare_test, send_test
from outreach.campaigns.review._reminder_checks import (
    Reminded, ReminderFindings, ask_reminder_approval, check_reminder, count_reminded, give_reminder_approval,
    review_reminder,
)

__all__ = [
    "PLACEHOLDER", "Findings", "Preview", "PreviewedLetter", "Reminded", "ReminderFindings", "ask_approval",
    "ask_reminder_approval", "awaiting_campaigns", "check_campaign", "check_reminder", "count_measured_alone",
    "count_reminded", "exceptions_of", "give_and_plan", "give_approval", "give_reminder_approval", "hard_cases",
    "has_nothing_to_be_reminded_of", "keys_of", "leave_out", "left_before", "losses_of", "of_sender", "plan_of",
    "prepare_test", "programme_remarks", "review_campaign", "review_reminder", "send_test", "shared_with_others",
    "since_approval", "strand_remarks", "take_back", "tracking_offer", "unfinished_parts", "wording_of",
]
