"""Receives deliveries: read once, kept as they came, each under its name once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from outreach.days import FIRST
from outreach.db import Session, take_turns
from outreach.errors import InputError
from outreach.hooks.models import DeliveryState, HookDelivery

MOST_ROWS = 5_000
DEEPEST = 20  # levels of a row; the clock reads it again, and one that it could not would hold up all that follow
UNREAD = (
    "Ce qui est envoyé ne se lit pas : il faut un objet JSON dont « data » a « items », une liste de "
    "« school », « strand », « status » et « day »."
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery whose signature is right."""

    sender: int
    identity: str
    rows: Sequence[dict[str, Any]]
    complete_until: date | None
    at: datetime


def read(body: bytes, today: date) -> tuple[Sequence[dict[str, Any]], date | None]:
    """The rows of a body, and the day until which its sender knows all joinings. Raises InputError.

    A row is an object of whatever: one that says nothing that we know is kept, too, to be judged by staff.
    """
    try:
        data = json.loads(body)["data"]
        rows = data.get("items", [data])
        until = data.get("complete_until")
        day = None if until is None else date.fromisoformat(until)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(UNREAD) from None
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_ROWS or not all(isinstance(one, dict) for one in rows):
        raise InputError(f"{UNREAD} {MOST_ROWS} lignes au plus.")
    if not _may_be_kept(rows):
        raise InputError("Une ligne a un signe qui n’est pas de l’Unicode, ou trop de niveaux : envoyez-la sans lui.")
    if day is not None and not FIRST <= day <= today:
        raise InputError("« complete_until » n’est pas entre 2000 et aujourd’hui.")
    return rows, day


def _may_be_kept(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether any database takes these rows: JSON may name half of a character, which UTF-8 cannot write."""
    level: list[object] = list(rows)
    for _ in range(DEEPEST):
        within = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [value for values in within for value in values]
    if any(isinstance(one, dict | list) for one in level):
        return False
    try:
        json.dumps(rows, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def keep(session: Session, deliveries: Sequence[Delivery]) -> list[bool]:
    """Keep deliveries, to be applied by the clock; says of each whether it is new. One sent again changes nothing."""
    take_turns(session, "hook-deliveries")
    asked = {(one.sender, one.identity) for one in deliveries}
    names = [identity for _, identity in asked]
    query = select(HookDelivery.sender_id, HookDelivery.webhook_id).where(HookDelivery.webhook_id.in_(names))
    known, new = {tuple(row) for row in session.execute(query)}, []
    for one in deliveries:
        of = one.sender, one.identity
        new.append(of not in known)
        if of not in known:
            known.add(of)
            session.add(_row(one))
    return new


def _row(one: Delivery) -> HookDelivery:
    return HookDelivery(
        sender_id=one.sender,
        webhook_id=one.identity,
        received_at=one.at,
        body=json.dumps(one.rows, ensure_ascii=False),
        rows=len(one.rows),
        complete_until=one.complete_until,
        state=DeliveryState.WAITING,
    )
