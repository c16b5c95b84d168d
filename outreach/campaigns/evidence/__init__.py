"""Evidence that an authority was reached, and the steps that follow where there is none."""

from outreach.campaigns.evidence._channels import (
    BY_HAND, LADDER, POSTED, Evidence, ReachChannel, Rung, RungWhen, check_steps, stored_steps, write_steps,
)
from outreach.campaigns.evidence._proof import (
    AUTHORITY, answers_since, is_done, letters_answered, mailboxes_answered, meant_authorities, paper_and_calls,
    paper_posted_on, proved_authorities, proved_clicks, ways_of,
)
from outreach.campaigns.evidence._steps import (
    OPEN, CallOutcome, EscalationStep, ReachAnswer, ReachCall, ReachTransition, StepReason, StepState, in_turn,
    move_step, open_step,
)

__all__ = [
    "AUTHORITY", "BY_HAND", "LADDER", "OPEN", "POSTED", "CallOutcome", "EscalationStep", "Evidence", "ReachAnswer",
    "ReachCall", "ReachChannel", "ReachTransition", "Rung", "RungWhen", "StepReason", "StepState", "answers_since",
    "check_steps", "in_turn", "is_done", "letters_answered", "mailboxes_answered", "meant_authorities", "move_step",
    "open_step", "paper_and_calls", "paper_posted_on", "proved_authorities", "proved_clicks", "stored_steps", "ways_of",
    "write_steps",
]
