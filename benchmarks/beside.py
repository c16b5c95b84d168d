"""What a service reports beside a sending, and what it did to the letters that still waited."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from outreach.core.db import Database
from outreach.delivery.models import Message, MessageState, MessageSubject, Reason
from outreach.directory.models import School
from outreach.integrations import signatures, webhooks_in
from outreach.integrations.webhooks_in import HookDelivery
from tests import factories

FIGURES = ("joined", "joining_s", "stopped", "sent_after", "sent_before")


def report_joinings(database: Database, count: int) -> Sequence[int]:
    """Report that all schools of every other letter in line have joined, `count` in all; the numbers of these letters.

    None while no letter has been accepted: it is to happen in the middle of a sending, for those that are next, too.
    """
    now = datetime.now(UTC)
    with database.reading() as session:
        begun = session.scalar(select(func.count()).where(Message.state == MessageState.ACCEPTED))
        waiting = select(Message.id).where(Message.state == MessageState.QUEUED).order_by(Message.id)
        letters = session.scalars(waiting).all()[::2][:count]
        schools = select(School.fase).join(MessageSubject, MessageSubject.school_id == School.id)
        named = list(session.scalars(schools.where(MessageSubject.message_id.in_(letters))))
    if not begun or len(letters) < count:
        return ()
    day = now.date().isoformat()
    rows = [{"school": fase, "strand": 1, "status": "joined", "day": day} for fase in named]
    key = signatures.written_public(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    with database.writing() as session:
        sender = webhooks_in.make_source(
            session, name="subsides", public_key=key, known=[], now=now, actor=factories.AUTHOR
        ).id
        given = [webhooks_in.Delivery(sender, f"m{at}", [row], None, now) for at, row in enumerate(rows)]
        webhooks_in.keep_deliveries(session, given)
    return letters


def what_joinings_did(database: Database, letters: Sequence[int]) -> dict[str, Any]:
    """How long the last joining took to be recorded, and what became of these letters."""
    if not letters:
        return dict.fromkeys(FIGURES, 0)
    with database.reading() as session:
        reported = session.scalars(select(func.min(HookDelivery.received_at))).one()
        last = session.scalars(select(func.max(HookDelivery.applied_at))).one()
        these = session.execute(
            select(Message.state, Message.reason, Message.fenced_at).where(Message.id.in_(letters))
        ).all()
    sent = [fenced for state, _, fenced in these if state == MessageState.ACCEPTED]
    return {
        "joined": len(letters),
        "joining_s": round((last - reported).total_seconds(), 2),
        "stopped": sum(reason == Reason.JOINED for _, reason, _ in these),
        "sent_after": sum(fenced > last for fenced in sent),
        "sent_before": sum(fenced <= last for fenced in sent),
    }
