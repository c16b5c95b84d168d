"""Reads numbered events, as CloudEvents (version 1.0) that name this service as their source."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from outreach.db import Session
from outreach.events.models import Event

PREFIX = "outreach."


def after(session: Session, number: int, most: int) -> Sequence[Event]:
    """At most so many events whose number is larger, in their order."""
    query = select(Event).where(Event.number > number).order_by(Event.number).limit(most)
    return session.scalars(query).all()


def last(session: Session) -> int:
    """The largest number; 0 before the first event."""
    return session.scalar(select(func.max(Event.number))) or 0


def cloud_event(event: Event, source: str) -> dict[str, Any]:
    """An event as programs read it. `source` is the service's own address."""
    return {
        "specversion": "1.0",
        "id": str(event.number),
        "source": source,
        "type": f"{PREFIX}{event.kind.value}",
        "subject": event.subject,
        "time": _time(event.at),
        "datacontenttype": "application/json",
        "data": json.loads(event.data),
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
