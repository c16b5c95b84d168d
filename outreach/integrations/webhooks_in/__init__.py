"""Incoming webhooks: who may send, what came, and what became of its rows."""

from outreach.integrations.webhooks_in._deliveries import (
    Delivery, KeptDelivery, apply_waiting, judge_row, keep_deliveries, list_deliveries, read_delivery, refuse_others,
    state_of, unresolved_rows,
)
from outreach.integrations.webhooks_in._models import LONGEST_ID, HookDelivery, RowJudgement, WebhookSource
from outreach.integrations.webhooks_in._sources import (
    all_sources, end_source, get_source, get_source_named, make_source, programme_of,
)

__all__ = [
    "LONGEST_ID", "Delivery", "HookDelivery", "KeptDelivery", "RowJudgement", "WebhookSource", "all_sources",
    "apply_waiting", "end_source", "get_source", "get_source_named", "judge_row", "keep_deliveries", "list_deliveries",
    "make_source", "programme_of", "read_delivery", "refuse_others", "state_of", "unresolved_rows",
]
