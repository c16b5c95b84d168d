"""Sends the story's letters without a relay: fenced, answered and recorded as the postman does.

The story is written in one transaction, at past moments. The caller puts `Post.posted` into the demonstration's mailbox
once the transaction is committed.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from outreach.campaigns.letter.composing import Composer
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.days import today
from outreach.db import Session
from outreach.delivery import workers
from outreach.delivery.ledger import outcomes
from outreach.delivery.ledger.letters import Composed, due_in
from outreach.delivery.ledger.outcomes import Settled
from outreach.delivery.models import Batch, Mailing
from outreach.delivery.sending import fence
from outreach.delivery.sending.batches import due_mailings
from outreach.delivery.smtp.replies import Reply, result_of

ROUND = 8
ROUND_LASTS = timedelta(seconds=1)
TAKEN = Reply(250, ("2.0.0 Ok",))


@dataclass(frozen=True, slots=True)
class Posted:
    """A letter the mailbox took, and when."""

    wire: bytes
    at: datetime


class Post:
    """Hands over due letters; `posted` are those accepted. `refusals` are replies that refuse, by authority."""

    def __init__(
        self, session: Session, sending: SenderIdentity, *, now: datetime, refusals: Mapping[int | None, Reply]
    ) -> None:
        self.session, self.sending, self.refusals = session, sending, refusals
        self.worker_id = workers.join_in(session, now=now)
        self.posted: list[Posted] = []

    def carry(self, now: datetime) -> None:
        """Hand over every due letter, in rounds of 8 letters, one round a second."""
        for mailing in due_mailings(self.session, now=now):
            for batch in self.session.scalars(select(Batch.id).where(Batch.mailing_id == mailing)).all():
                self._work_through(batch, mailing, now)
        self.session.expire_all()  # SQL has changed rows that the session holds

    def close(self, now: datetime) -> None:
        """Record that the worker has left in order."""
        workers.leave(self.session, self.worker_id, now=now)

    def _work_through(self, batch: int, mailing: int, now: datetime) -> None:
        fence.clear(self.session, batch, now=now, day=today(now))
        due = due_in(self.session, batch, now=now)
        composed = Composer(self.sending, lambda: now)(self.session, self.session.get_one(Mailing, mailing), due)
        letters = [composed[message.id] for message in due]
        refusals = {
            message.id: self.refusals[message.authority_id] for message in due if message.authority_id in self.refusals
        }
        for place in range(0, len(letters), ROUND):
            self._round(letters[place : place + ROUND], refusals, now + ROUND_LASTS * (place // ROUND))

    def _round(self, letters: Sequence[Composed], refusals: Mapping[int, Reply], now: datetime) -> None:
        refused = [letter.id for letter in letters if letter.id in refusals]
        settled = [Settled(identity, None, result_of(refusals[identity], after_dot=False)) for identity in refused]
        fence_id, left = uuid.uuid4().hex, [letter for letter in letters if letter.id not in refusals]
        passed = fence.pass_through(
            self.session, left, fence_id=fence_id, worker_id=self.worker_id, now=now, day=today(now)
        )
        taken = result_of(TAKEN, after_dot=True)
        settled += [Settled(identity, fence_id, taken) for identity in sorted(passed)]
        outcomes.record(self.session, settled, now=now, again_at=now)
        self.posted += [Posted(letter.wire, now) for letter in left if letter.id in passed]
