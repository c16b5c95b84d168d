"""Channels: what is due after mail, on paper or by telephone, and what is noted of it."""

from outreach.campaigns.channels._call import (
    MOST, CallRow, NotedCall, ask_for_calls, asked_of, campaigns_to_call_for, channels_of, count_calls,
    letter_in_three_lines, list_calls, note_call, release_call, row_of, take_call, withdraw_call,
)
from outreach.campaigns.channels._due_steps import (
    SLICE, RungForecast, due_candidates, due_rungs, forecast_steps, open_due_steps, open_steps, stop_steps,
    stopped_steps,
)
from outreach.campaigns.channels._paper import (
    BY_CODE, Entered, any_other, are_guessed, batch_of, came_back, count_wrong_code, find_code, guessed_since,
    letters_due, list_batches, make_batch, note_posted, paper_letter_of, waves_of,
)
from outreach.campaigns.channels._paper_files import files_of, sample_letter, window_page

__all__ = [
    "BY_CODE", "MOST", "SLICE", "CallRow", "Entered", "NotedCall", "RungForecast", "any_other", "are_guessed",
    "ask_for_calls", "asked_of", "batch_of", "came_back", "campaigns_to_call_for", "channels_of", "count_calls",
    "count_wrong_code", "due_candidates", "due_rungs", "files_of", "find_code", "forecast_steps", "guessed_since",
    "letter_in_three_lines", "letters_due", "list_batches", "list_calls", "make_batch", "note_call", "note_posted",
    "open_due_steps", "open_steps", "paper_letter_of", "release_call", "row_of", "sample_letter", "stop_steps",
    "stopped_steps", "take_call", "waves_of", "window_page", "withdraw_call",
]
