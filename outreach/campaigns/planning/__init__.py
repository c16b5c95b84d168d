"""Planning: a campaign's audience, dates and hours, and the states it passes through."""

from outreach.campaigns.planning._audiences import (
    LACKS_LETTER, MOST_OFFERED, addressees_among, addressees_elsewhere, audience_of, broken_off, campaign_audience,
    closed_to, context_of, corrects_another_strand, count_campaign_audience, criterion_of, example_addressee,
    excepted_of, is_reminder, lacks_letter, launched_mailings, list_addressees, planned_of, schools_meant,
    solicited_by_others, unreacted_criterion, unreacted_of, waves_of, waves_that_left, written_directly,
)
from outreach.campaigns.planning._blackout_dates import (
    BlackoutDate, ClosedRow, add_blackout_date, added_blackout_dates, blackout_dates_between, computed_closings,
    days_of, get_blackout_date, in_force, list_blackout_dates, school_year_of, withdraw_blackout_date,
)
from outreach.campaigns.planning._calendar import (
    NEVER_LEFT, calendar_weeks, campaigns_with_waves, coming_departures, concerned_waves, count_recipients, next_entry,
    waves_between,
)
from outreach.campaigns.planning._definitions import (
    DEMONSTRATED, MOST_REMINDERS, READY_MADE, AudienceRule, Definition, Sender, begin_again, blank_definition,
    definition_about, definition_folders, definition_of, get_definition, is_for, offered_definitions, ready_made,
    strand_of, to_those_who_received,
)
from outreach.campaigns.planning._experiment_plan import (
    GAP_KEPT, DrawPlan, call_all_off, experiment_plan_of, follow_departure, is_departure, postpone_departure,
    refuse_closer,
)
from outreach.campaigns.planning._lifecycle import (
    DRAFT_CONTENT, approve_campaign, as_if, campaign_approval, campaign_history, campaign_numbered, cancel_campaign,
    changes_about, close_campaign, confirm_extent, content_hash, content_of, create_campaign, draft_of, in_turn,
    is_approved, may_change, pause_campaign, place_of, restore_campaign, resume_campaign, revise_campaign,
    schedule_campaign, send_back, subject_of, submit_campaign, unknown_campaign,
)
from outreach.campaigns.planning._listing import (
    CampaignRow, CampaignStanding, Stage, by_strand, count_stages, in_preparation, is_at, list_campaigns,
    matching_campaigns, stage_of, standing_of, stopped_by,
)
from outreach.campaigns.planning._schedule import (
    ClosingRule, PlannedWave, after_closing, begun_departures, left_out, like_first, move_wave, note_wave, plan_wave,
    plan_waves, planned_at, reminder_offsets, set_due, too_late,
)
from outreach.campaigns.planning._segment_uses import (
    ListedSegment, SegmentUse, count_segment, keep_as, keep_in, list_segments, list_uses, take_segment, use_of,
)
from outreach.campaigns.planning._sending_hours import (
    AddedClosure, Audiences, ClosedPart, Spares, calendar_caution, closed_office, closing_reason, end_of, known_until,
    moment_of, next_open, read_moment, read_past, refuse_far_away, spelt_moment,
)
from outreach.campaigns.planning._wave_criteria import criteria_names, criterion_sentence, read_criterion

__all__ = [
    "DEMONSTRATED", "DRAFT_CONTENT", "GAP_KEPT", "LACKS_LETTER", "MOST_OFFERED", "MOST_REMINDERS", "NEVER_LEFT",
    "READY_MADE", "AddedClosure", "AudienceRule", "Audiences", "BlackoutDate", "CampaignRow", "CampaignStanding",
    "ClosedPart", "ClosedRow", "ClosingRule", "Definition", "DrawPlan", "ListedSegment", "PlannedWave", "SegmentUse",
    "Sender", "Spares", "Stage", "add_blackout_date", "added_blackout_dates", "addressees_among",
    "addressees_elsewhere", "after_closing", "approve_campaign", "as_if", "audience_of", "begin_again",
    "begun_departures", "blackout_dates_between", "blank_definition", "broken_off", "by_strand", "calendar_caution",
    "calendar_weeks", "call_all_off", "campaign_approval", "campaign_audience", "campaign_history", "campaign_numbered",
    "campaigns_with_waves", "cancel_campaign", "changes_about", "close_campaign", "closed_office", "closed_to",
    "closing_reason", "coming_departures", "computed_closings", "concerned_waves", "confirm_extent", "content_hash",
    "content_of", "context_of", "corrects_another_strand", "count_campaign_audience", "count_recipients",
    "count_segment", "count_stages", "create_campaign", "criteria_names", "criterion_of", "criterion_sentence",
    "days_of", "definition_about", "definition_folders", "definition_of", "draft_of", "end_of", "example_addressee",
    "excepted_of", "experiment_plan_of", "follow_departure", "get_blackout_date", "get_definition", "in_force",
    "in_preparation", "in_turn", "is_approved", "is_at", "is_departure", "is_for", "is_reminder", "keep_as", "keep_in",
    "known_until", "lacks_letter", "launched_mailings", "left_out", "like_first", "list_addressees",
    "list_blackout_dates", "list_campaigns", "list_segments", "list_uses", "matching_campaigns", "may_change",
    "moment_of", "move_wave", "next_entry", "next_open", "note_wave", "offered_definitions", "pause_campaign",
    "place_of", "plan_wave", "plan_waves", "planned_at", "planned_of", "postpone_departure", "read_criterion",
    "read_moment", "read_past", "ready_made", "refuse_closer", "refuse_far_away", "reminder_offsets",
    "restore_campaign", "resume_campaign", "revise_campaign", "schedule_campaign", "school_year_of", "schools_meant",
    "send_back", "set_due", "solicited_by_others", "spelt_moment", "stage_of", "standing_of", "stopped_by", "strand_of",
    "subject_of", "submit_campaign", "take_segment", "to_those_who_received", "too_late", "unknown_campaign",
    "unreacted_criterion", "unreacted_of", "use_of", "waves_between", "waves_of", "waves_that_left",
    "withdraw_blackout_date", "written_directly",
]
