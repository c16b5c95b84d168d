"""Pushes what is new to a target: a batch at a time, in order; what fails is tried again, less and less often."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import func, or_, select

from outreach.core import audit
from outreach.core.audit import Event
from outreach.core.db import Database, Session, try_lock
from outreach.integrations.webhooks_out._endpoints import LONGEST_SAID, PushState, WebhookEndpoint

BATCH = 100
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")  # a dot would part what is signed
AGAIN = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 1_800, 7_200, 18_000, 36_000))
Deliver = Callable[[str, str, bytes, datetime], str]


class NotDelivered(Exception):
    """A batch was not taken; the message says why, in French."""


@dataclass(frozen=True, slots=True)
class Push:
    """A batch for a target: to be delivered under a name that is the same at each try."""

    source: str
    target: int
    url: str
    first: int
    last: int
    body: bytes

    @property
    def identity(self) -> str:
        """The name of the delivery, which is signed: of which service it is, and of which events.

        Another service that has our secret, as one for trials may, pushes nothing that a program takes for ours.
        """
        return f"evt_{NOT_IN_NAMES.sub('-', urlsplit(self.source).netloc)}_{self.target}_{self.first}_{self.last}"


def due_endpoints(session: Session, *, now: datetime) -> Sequence[int]:
    """The numbers of the targets to which something is to be pushed now, that which waits longest first.

    None that has ended, or was given up.
    """
    last = select(func.max(Event.number)).scalar_subquery()
    is_due = WebhookEndpoint.ended_at.is_(None), WebhookEndpoint.after < last
    query = select(WebhookEndpoint).where(*is_due, or_(WebhookEndpoint.failures == 0, WebhookEndpoint.next_at <= now))
    found = session.scalars(query.order_by(WebhookEndpoint.next_at, WebhookEndpoint.id))
    return [target.id for target in found if target.state(now) is not PushState.GIVEN_UP]


def push_next(database: Database, target: int, source: str, deliver: Deliver, now: Callable[[], datetime]) -> bool:
    """Push the next batch to a target, where one is due; says whether it was taken. No transaction is open meanwhile.

    `source` is the service's own address.
    """
    with database.reading() as session:
        if target not in due_endpoints(session, now=now()):
            return False
        push = _push(session, target, source)
    try:
        said, is_taken = deliver(push.url, push.identity, push.body, now()), True
    except NotDelivered as fault:
        said, is_taken = str(fault), False
    with database.writing() as session:
        note(session, push, said, is_taken=is_taken, now=now())
    return is_taken


def note(session: Session, push: Push, said: str, *, is_taken: bool, now: datetime) -> None:
    """Note what came of a push, unless another process noted the same, or the target has moved on."""
    if not try_lock(session, "pushes", push.target):
        return
    target = session.get(WebhookEndpoint, push.target)
    if target is None or target.after != push.first - 1:
        return
    target.said = said[:LONGEST_SAID]
    if is_taken:
        target.after, target.failures, target.failing_since = push.last, 0, None
        target.delivered_at = target.next_at = now
        return
    target.next_at = now + AGAIN[min(target.failures, len(AGAIN) - 1)]
    target.failures, target.failing_since = target.failures + 1, target.failing_since or now


def _push(session: Session, number: int, source: str) -> Push:
    target = session.get_one(WebhookEndpoint, number)
    told = [audit.cloud_event(event, source) for event in audit.events_after(session, target.after, BATCH)]
    first, last = (int(one["id"]) for one in (told[0], told[-1]))
    return Push(source, target.id, target.url, first, last, json.dumps(told, ensure_ascii=False).encode())
