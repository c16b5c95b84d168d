"""SMTP: the protocol, the replies of a relay, and connections in parallel. Knows no database."""

from outreach.delivery.smtp._connection import open_conversation
from outreach.delivery.smtp._pool import WAITING_FOR_US, Overdue, Pool
from outreach.delivery.smtp._protocol import (
    LONGEST_KEPT, AttemptResult, Failure, Parcel, Reply, State, Verdict, result_of,
)
from outreach.delivery.smtp._relay import Guard, Relay

__all__ = [
    "LONGEST_KEPT", "WAITING_FOR_US", "AttemptResult", "Failure", "Guard", "Overdue", "Parcel", "Pool", "Relay",
    "Reply", "State", "Verdict", "open_conversation", "result_of",
]
