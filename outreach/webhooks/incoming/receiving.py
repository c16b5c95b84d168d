"""Receives deliveries: read once, kept as they came, each under its name once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import select

from outreach.adherence.joining_lists.lines import is_called
from outreach.adherence.models import Programme
from outreach.days import FIRST
from outreach.db import Session, take_turns
from outreach.errors import InputError, Refused
from outreach.webhooks.incoming.models import DeliveryState, HookDelivery

MOST_ROWS = 5_000
DEEPEST = 20  # levels of a row; the clock reads it again, and one that it could not would hold up all that follow
UNREAD = (
    "Ce qui est envoyé ne se lit pas : il faut un objet JSON dont « data » a « items », une liste de "
    "« school », « strand », « status » et « day »."
)


class Kept(Enum):
    """What became of a delivery: it is new, was kept before, or its name is another's, which said something else."""

    NEW = "new"
    AGAIN = "again"
    TAKEN = "taken"


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

    A row is an object of whatever: one that says nothing that we know is kept, too, to be judged by staff. What is
    named as the `programme` of all is that of each.
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
    if data.get("programme"):
        rows = [{"programme": data["programme"], **row} for row in rows]
    if not _may_be_kept(rows):
        raise InputError("Une ligne a un signe qui n’est pas de l’Unicode, ou trop de niveaux : envoyez-la sans lui.")
    if day is not None and not FIRST <= day <= today:
        raise InputError("« complete_until » n’est pas entre 2000 et aujourd’hui.")
    return rows, day


def refuse_others(rows: Sequence[dict[str, Any]], about: Programme | None) -> None:
    """Raise Refused on a row that names another programme than that of its sender."""
    for number, row in enumerate(rows, 1):
        stated = row.get("programme")
        if about and stated and not is_called(about, str(stated)):
            said = f"Ce service envoie les adhésions du programme « {about.code} », et la ligne {number} est de"
            raise Refused(
                f"{said} « {str(stated)[:60]} ». Rien n’est enregistré : envoyez-la par un service de ce programme."
            )


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


def keep(session: Session, deliveries: Sequence[Delivery]) -> list[Kept]:
    """Keep deliveries, to be applied by the clock; says of each what became of it. One sent again changes nothing."""
    take_turns(session, "hook-deliveries")
    names = {one.identity for one in deliveries}
    query = select(HookDelivery.sender_id, HookDelivery.webhook_id, HookDelivery.body, HookDelivery.complete_until)
    rows = session.execute(query.where(HookDelivery.webhook_id.in_(names)))
    known, became = {(of, identity): (_sorted(json.loads(body)), until) for of, identity, body, until in rows}, []
    for one in deliveries:
        of, says = (one.sender, one.identity), (_sorted(one.rows), one.complete_until)
        if of not in known:
            session.add(_row(one))
            became.append(Kept.NEW)
        else:
            became.append(Kept.AGAIN if known[of] == says else Kept.TAKEN)
        known.setdefault(of, says)
    return became


def _sorted(rows: object) -> str:
    """Rows in one way of writing, so that a service may order the keys of an object anew."""
    return json.dumps(rows, sort_keys=True)


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
