"""Decides when a mailing should stop: too many bad addresses, policy refusals or complaints.

A sender that goes on despite bad addresses or a relay's refusals loses its domain's reputation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, case, func, select

from outreach.core.db import Session
from outreach.delivery import bounces
from outreach.delivery.models import Message, MessageState
from outreach.delivery.outbox import NO_SUCH_DOMAIN, NO_SUCH_MAILBOX, POLICY

ENOUGH = 50
BAD_WARNS, BAD_STOPS = 0.05, 0.10
POLICY_STOPS = 0.05
COMPLAINTS_STOP, FEWEST_COMPLAINTS = 0.001, 3
BAD_ADDRESS = NO_SUCH_MAILBOX | NO_SUCH_DOMAIN
ENDED = (MessageState.ACCEPTED, MessageState.REFUSED, MessageState.EXPIRED)


@dataclass(frozen=True, slots=True)
class Rates:
    """Counts of a mailing: letters that ended, bad addresses (5.1.x), policy refusals (5.7.x), complaints."""

    ended: int = 0
    bad: int = 0
    policy: int = 0
    complaints: int = 0

    @property
    def stops(self) -> str:
        """Why the mailing should stop, in a French clause, or ''."""
        if self._is_too_many(self.bad, BAD_STOPS):
            return f"{self.bad} adresses sur {self.ended} n’existent pas"
        if self._is_too_many(self.policy, POLICY_STOPS):
            return f"le serveur d’envoi refuse {self.policy} courriels sur {self.ended} au nom de ses règles (5.7)"
        if self.complaints >= FEWEST_COMPLAINTS and self._is_too_many(self.complaints, COMPLAINTS_STOP):
            return f"{self.complaints} plaintes pour {self.ended} courriels"
        return ""

    @property
    def warns(self) -> str:
        """Why the mailing may soon have to stop, in a French clause, or ''."""
        return f"{self.bad} adresses sur {self.ended} n’existent pas" if self._is_too_many(self.bad, BAD_WARNS) else ""

    def _is_too_many(self, count: int, share: float) -> bool:
        return self.ended >= ENOUGH and count >= share * self.ended


def recent_rates(session: Session, since: Mapping[int, datetime]) -> dict[int, Rates]:
    """The rates of each mailing since a moment of its own: when it last started or was resumed."""
    rates = {}
    for mailing, begun in since.items():
        ended, bad, policy = session.execute(_counted(mailing, begun)).one()
        rates[mailing] = Rates(ended, bad, policy, bounces.count_complaints(session, mailing, since=begun))
    return rates


def _counted(mailing: int, since: datetime) -> Select[int, int, int]:
    refused = Message.state == MessageState.REFUSED
    bad = and_(refused, Message.reply_status.in_(BAD_ADDRESS))
    policy = and_(refused, Message.reply_status.startswith(POLICY))
    counts = (func.count(), func.count(case((bad, 1))), func.count(case((policy, 1))))
    return select(*counts).where(Message.mailing_id == mailing, Message.state.in_(ENDED), Message.settled_at > since)
