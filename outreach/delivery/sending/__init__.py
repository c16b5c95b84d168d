"""Sends due letters: batches, composed ahead, are handed over in rounds, each through the commit gate."""

from outreach.delivery.sending._auto_stop import Rates, recent_rates
from outreach.delivery.sending._commit_gate import clear_batch, pass_through
from outreach.delivery.sending._composer import LetterSource, forked_source
from outreach.delivery.sending._dispatcher import Dispatcher
from outreach.delivery.sending._in_flight import Failpoint
from outreach.delivery.sending._relay_health import (
    is_held, relay_alarms, relay_hindrance, relay_hindrances, relay_states, try_at_start, try_now,
)
from outreach.delivery.sending._rounds import DueMailing, Lane, due_by_lane, due_mailings

__all__ = [
    "Dispatcher", "DueMailing", "Failpoint", "Lane", "LetterSource", "Rates", "clear_batch", "due_by_lane",
    "due_mailings", "forked_source", "is_held", "pass_through", "recent_rates", "relay_alarms", "relay_hindrance",
    "relay_hindrances", "relay_states", "try_at_start", "try_now",
]
