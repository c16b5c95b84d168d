"""Tells that something happened, in the transaction in which it does."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from outreach.db import Session, table_of
from outreach.events.models import Event, EventKind

Told = tuple[str, Mapping[str, Any]]


def tell(session: Session, kind: EventKind, subject: str, data: Mapping[str, Any], *, at: datetime) -> None:
    """Tell one event. `data` is what JSON holds, and names schools and authorities by their FASE numbers."""
    tell_all(session, kind, [(subject, data)], at=at)


def tell_all(session: Session, kind: EventKind, told: Iterable[Told], *, at: datetime) -> None:
    """Tell events of one kind and moment, each with its subject, in their order."""
    rows = [
        {"kind": kind, "subject": subject, "at": at, "data": json.dumps(data, ensure_ascii=False)}
        for subject, data in told
    ]
    if rows:
        session.execute(insert(table_of(Event)), rows)
