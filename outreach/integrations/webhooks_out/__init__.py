"""Outgoing webhooks: targets, and events pushed to them in order."""

from outreach.integrations.webhooks_out._deliveries import Deliver, due_endpoints, push_next
from outreach.integrations.webhooks_out._endpoints import (
    LONGEST_NAME, WebhookEndpoint, check_address, end_endpoint, get_endpoint, given_up, list_endpoints, make_endpoint,
    resume_endpoint,
)

__all__ = [
    "LONGEST_NAME", "Deliver", "WebhookEndpoint", "check_address", "due_endpoints", "end_endpoint", "get_endpoint",
    "given_up", "list_endpoints", "make_endpoint", "push_next", "resume_endpoint",
]
