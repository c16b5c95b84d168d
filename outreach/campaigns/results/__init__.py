"""Results: a campaign's progress and figures, and what one authority received and answered."""

from outreach.campaigns.results._account import Account, account_of, behind
from outreach.campaigns.results._actions import (
    WOULD_GET, Actions, Departure, WaveAction, actions_as_list, changes_of_waves, list_actions, list_departures,
)
from outreach.campaigns.results._experiment import public_draw
from outreach.campaigns.results._figures import Figure, FigureRow, Results, campaign_results
from outreach.campaigns.results._from_lists import (
    WrittenList, account_for, begin_from_list, name_for_list, rule_of_directory, rule_of_figure,
)
from outreach.campaigns.results._funnel import Course, DayCount, campaign_course
from outreach.campaigns.results._history import (
    CampaignEvent, Planned, answer_events, correspondence_thread, exclusion_events, letter_events, letters_in_words,
    letters_received_by, mail_events, mailbox_file, to_come,
)
from outreach.campaigns.results._openings import MEANING, of_letters
from outreach.campaigns.results._progress import (
    Overall, Progress, campaign_as_json, campaign_journal, campaign_progress, has_begun, overall_figures,
    progress_concerning, progress_digest, wave_tallies,
)
from outreach.campaigns.results._reached import (
    APART, KEYS, MOST_TOLD, CampaignReach, ReachedFilters, ReachedRow, count_letters, count_open_steps, list_reached,
    numbers_of, of_sheet, parts_of, still_to_do,
)
from outreach.campaigns.results._reactions import (
    LetterReaction, OpeningFilter, asked_of, count_reactions, list_reactions, reactions_table,
)
from outreach.campaigns.results._verification import verify_ledger

__all__ = [
    "APART", "KEYS", "MEANING", "MOST_TOLD", "WOULD_GET", "Account", "Actions", "CampaignEvent", "CampaignReach",
    "Course", "DayCount", "Departure", "Figure", "FigureRow", "LetterReaction", "OpeningFilter", "Overall", "Planned",
    "Progress", "ReachedFilters", "ReachedRow", "Results", "WaveAction", "WrittenList", "account_for", "account_of",
    "actions_as_list", "answer_events", "asked_of", "begin_from_list", "behind", "campaign_as_json", "campaign_course",
    "campaign_journal", "campaign_progress", "campaign_results", "changes_of_waves", "correspondence_thread",
    "count_letters", "count_open_steps", "count_reactions", "exclusion_events", "has_begun", "letter_events",
    "letters_in_words", "letters_received_by", "list_actions", "list_departures", "list_reached", "list_reactions",
    "mail_events", "mailbox_file", "name_for_list", "numbers_of", "of_letters", "of_sheet", "overall_figures",
    "parts_of", "progress_concerning", "progress_digest", "public_draw", "reactions_table", "rule_of_directory",
    "rule_of_figure", "still_to_do", "to_come", "verify_ledger", "wave_tallies",
]
