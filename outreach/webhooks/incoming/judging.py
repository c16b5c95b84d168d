"""What came by signed deliveries, and what staff say of the rows that could not be applied."""

import json
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, undefer

from outreach import audit
from outreach.columns import DATA, Column, Kind, On, Queried
from outreach.db import Session, take_turns
from outreach.errors import NotFound, Refused
from outreach.french import plural
from outreach.sent_lists.models import ListState
from outreach.webhooks.incoming.models import DeliveryState, HookDelivery, HookRow, HookSender, Judgement


def state_of(delivery: HookDelivery) -> str:
    """What became of a delivery, in French, and how many of its rows await staff."""
    if delivery.state is DeliveryState.WAITING:
        return "attend l’horloge"
    waits = plural(delivery.unjudged, "ligne à juger", "lignes à juger") if delivery.unjudged else ""
    if delivery.joining_list is None:
        return waits or ("lignes jugées" if delivery.left_out else "rien de nouveau")
    became = "annulé" if delivery.joining_list.state is ListState.UNDONE else "appliqué"
    return f"{became}, {waits}" if waits else became


COLUMNS: Sequence[Column[HookDelivery]] = (
    Column("delivery", "Envoi", lambda row: row.id, Kind.NUMBER, on=DATA),
    Column("sender", "Service", lambda row: row.sender.name, sort=HookSender.name),
    Column("received_at", "Reçu", lambda row: row.received_at, Kind.MOMENT, sort=HookDelivery.received_at),
    Column("rows", "Lignes", lambda row: row.rows, Kind.NUMBER, sort=HookDelivery.rows),
    Column("state", "État", state_of, sort=HookDelivery.state),
    Column("list", "Liste", lambda row: row.list_id, Kind.NUMBER, on=DATA),
    Column("complete_until", "Complète jusqu’au", lambda row: row.complete_until, Kind.DAY, on=DATA),
    Column("programme_name", "Programme", lambda row: row.sender.programme and row.sender.programme.name, on=On.FILE),
    Column(
        "programme", "Code du programme", lambda row: row.sender.programme and row.sender.programme.code, on=On.FILE
    ),
)


def listed(session: Session, *, text: str = "", sort: str = "") -> Queried[HookDelivery]:
    """Every delivery, the newest first; those of services whose name has a text."""
    query = select(HookDelivery).join(HookDelivery.sender)
    return Queried(
        title="Envois reçus",
        columns=COLUMNS,
        sort=sort,
        usual="-received_at",
        session=session,
        query=query.where(HookSender.name.contains(text.casefold(), autoescape=True)) if text else query,
        order=(HookDelivery.received_at.desc(), HookDelivery.id.desc()),
        options=(
            *(joinedload(HookDelivery.sender), joinedload(HookDelivery.joining_list)),
            *(undefer(HookDelivery.left_out), undefer(HookDelivery.unjudged)),
        ),
        numbered=(HookDelivery.id, lambda row: row.id),
    )


def unjudged(session: Session, most: int) -> tuple[Sequence[HookRow], int]:
    """The first rows that await somebody's judgement, and how many there are."""
    waits = HookRow.judgement.is_(None)
    query = select(HookRow).where(waits).options(joinedload(HookRow.delivery).joinedload(HookDelivery.sender))
    count = session.scalar(select(func.count(HookRow.id)).where(waits)) or 0
    return session.scalars(query.order_by(HookRow.id).limit(most)).all(), count


def judge(session: Session, number: int, judgement: Judgement, *, now: datetime, actor: str) -> HookRow:
    """Try a row again, as a delivery of its own that the clock applies, or drop it. Raises NotFound, Refused."""
    take_turns(session, "hook-rows")
    row = session.get(HookRow, number)
    if row is None:
        raise NotFound("Cette ligne n’existe pas.")
    if row.judgement is not None:
        raise Refused(f"Cette ligne est déjà {row.judgement.label}.")
    row.judgement, row.judged_at, row.judged_by = judgement, now, actor
    if judgement is Judgement.RETRIED:
        of = row.delivery
        session.add(
            HookDelivery(
                sender_id=of.sender_id,
                webhook_id=f"ligne {row.id}, {secrets.token_hex(16)}",  # which its service gives no delivery of its own
                received_at=now,
                body=json.dumps([json.loads(row.content)], ensure_ascii=False),
                rows=1,
                state=DeliveryState.WAITING,
            )
        )
    said = f"Ligne {row.id} de l’envoi {row.delivery_id} {judgement.label}."
    audit.record(session, now, actor, said, row.delivery.sender.actor)
    return row
