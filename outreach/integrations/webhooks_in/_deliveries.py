"""Deliveries of joinings: received once, applied as lists, and what staff say of rows that could not be.

Thousands of deliveries of one joining each are a few lists: comparing a list with what is known takes a tenth of a
second whatever its length.
"""

import json
import logging
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import joinedload, undefer

from outreach.adherence import programmes
from outreach.adherence.imports import (
    JoiningLists,
    JoiningPlan,
    NotesMoved,
    StatedJoining,
    is_called,
    no_notes,
    open_joinings,
    stated_coverage,
)
from outreach.adherence.models import Programme, Status
from outreach.core import audit, tables
from outreach.core.db import Database, Session, take_lock
from outreach.core.tables import DATA, Column, Kind, ListJudgement, ListState, On, Opened, QueryListing
from outreach.core.text.dates import FIRST, parse_day, today
from outreach.core.text.errors import InputError, NotFound, OutreachError, Refused
from outreach.core.text.french import plural
from outreach.integrations.webhooks_in._models import DeliveryState, HookDelivery, HookRow, RowJudgement, WebhookSource

MOST_ROWS_A_DELIVERY = 5_000
DEEPEST = 20  # levels of a row; the clock reads it again, and one that it could not would hold up all that follow
UNREAD_DELIVERY = (
    "Ce qui est envoyé ne se lit pas : il faut un objet JSON dont « data » a « items », une liste de "
    "« school », « strand », « status » et « day »."
)


class KeptDelivery(Enum):
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


def read_delivery(body: bytes, today: date) -> tuple[Sequence[dict[str, Any]], date | None]:
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
        raise InputError(UNREAD_DELIVERY) from None
    if (
        not isinstance(rows, list)
        or not 0 < len(rows) <= MOST_ROWS_A_DELIVERY
        or not all(isinstance(one, dict) for one in rows)
    ):
        raise InputError(f"{UNREAD_DELIVERY} {MOST_ROWS_A_DELIVERY} lignes au plus.")
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


def keep_deliveries(session: Session, deliveries: Sequence[Delivery]) -> list[KeptDelivery]:
    """Keep deliveries, to be applied by the clock; says of each what became of it. One sent again changes nothing."""
    take_lock(session, "hook-deliveries")
    names = {one.identity for one in deliveries}
    query = select(HookDelivery.sender_id, HookDelivery.webhook_id, HookDelivery.body, HookDelivery.complete_until)
    rows = session.execute(query.where(HookDelivery.webhook_id.in_(names)))
    known, became = {(of, identity): (_sorted(json.loads(body)), until) for of, identity, body, until in rows}, []
    for one in deliveries:
        of, says = (one.sender, one.identity), (_sorted(one.rows), one.complete_until)
        if of not in known:
            session.add(_row(one))
            became.append(KeptDelivery.NEW)
        else:
            became.append(KeptDelivery.AGAIN if known[of] == says else KeptDelivery.TAKEN)
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
    Column("sender", "Service", lambda row: row.sender.name, sort=WebhookSource.name),
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


def list_deliveries(session: Session, *, text: str = "", sort: str = "") -> QueryListing[HookDelivery]:
    """Every delivery, the newest first; those of services whose name has a text."""
    query = select(HookDelivery).join(HookDelivery.sender)
    return QueryListing(
        title="Envois reçus",
        columns=COLUMNS,
        sort=sort,
        usual="-received_at",
        session=session,
        query=query.where(WebhookSource.name.contains(text.casefold(), autoescape=True)) if text else query,
        order=(HookDelivery.received_at.desc(), HookDelivery.id.desc()),
        options=(
            *(joinedload(HookDelivery.sender), joinedload(HookDelivery.joining_list)),
            *(undefer(HookDelivery.left_out), undefer(HookDelivery.unjudged)),
        ),
        numbered=(HookDelivery.id, lambda row: row.id),
    )


def unresolved_rows(session: Session, most: int) -> tuple[Sequence[HookRow], int]:
    """The first rows that await somebody's judgement, and how many there are."""
    waits = HookRow.judgement.is_(None)
    query = select(HookRow).where(waits).options(joinedload(HookRow.delivery).joinedload(HookDelivery.sender))
    count = session.scalar(select(func.count(HookRow.id)).where(waits)) or 0
    return session.scalars(query.order_by(HookRow.id).limit(most)).all(), count


def judge_row(session: Session, number: int, judgement: RowJudgement, *, now: datetime, actor: str) -> HookRow:
    """Try a row again, as a delivery of its own that the clock applies, or drop it. Raises NotFound, Refused."""
    take_lock(session, "hook-rows")
    row = session.get(HookRow, number)
    if row is None:
        raise NotFound("Cette ligne n’existe pas.")
    if row.judgement is not None:
        raise Refused(f"Cette ligne est déjà {row.judgement.label}.")
    row.judgement, row.judged_at, row.judged_by = judgement, now, actor
    if judgement is RowJudgement.RETRIED:
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
    audit.record_entry(session, now, actor, said, row.delivery.sender.actor)
    return row


MOST_ROWS = 5_000
UNREAD = "Cette ligne ne se lit pas : il faut « school », « strand », « status » et « day »."
UNAPPLIED = "L’envoi de cette ligne n’a pas pu être appliqué. Réessayez-la, seule, ou écartez-la."
UNFIT = (OutreachError, ValueError, TypeError, LookupError, DataError, IntegrityError)  # what is due to a delivery
SET_ASIDE = {"event": "delivery_set_aside"}
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GatheredRows:
    """What waits of one sender: its deliveries, their rows as joinings with the delivery of each, and those unread.

    `complete_until` is the latest day until which it says that it has sent all joinings of its networks.
    """

    sender: WebhookSource
    deliveries: Sequence[int]
    joinings: Sequence[tuple[StatedJoining, int, str]]
    unread: Sequence[tuple[int, str]]
    complete_until: date | None


def apply_waiting(database: Database, now: datetime, notes: NotesMoved = no_notes) -> int:
    """Apply all that waits, list by list, each in a short transaction; returns how many deliveries these were.

    `notes` finds those that a list contradicts, which stay named with it.
    A delivery that cannot be applied waits for staff, and others go on: a list that fails is halved until it is found.
    """
    applied, most, later = 0, MOST_ROWS, set[int]()
    while True:
        with database.reading() as session:
            gathered = gather(session, most=most, later=later)
        if gathered is None:
            return applied
        count = len(gathered.deliveries)
        try:
            _apply_list(database, gathered, now, notes)
        except Refused:  # something else was recorded meanwhile: the next pass compares anew
            later.add(gathered.sender.id)
            continue
        except UNFIT as fault:
            if count > 1:
                most = count // 2
                continue
            logger.warning(
                "delivery %s waits for staff: %s", gathered.deliveries[0], type(fault).__name__, extra=SET_ASIDE
            )
            with database.writing() as session:
                set_aside(session, gathered.deliveries[0], now=now)
        applied, most = applied + count, MOST_ROWS


def _apply_list(database: Database, gathered: GatheredRows, now: datetime, notes: NotesMoved) -> None:
    with database.reading() as session:
        judged = judge(session, gathered, now=now, notes=notes)
    with database.writing() as session:
        apply(session, gathered, judged, now=now)


def gather(session: Session, *, most: int = MOST_ROWS, later: Collection[int] = ()) -> GatheredRows | None:
    """What waits longest of one sender, `most` deliveries and about five thousand rows at most; None where nothing
    waits. The senders `later` are left out.
    """
    waits = HookDelivery.state == DeliveryState.WAITING
    oldest = (
        select(HookDelivery).where(waits, HookDelivery.sender_id.not_in(later)).options(joinedload(HookDelivery.sender))
    )
    first = session.scalar(oldest.order_by(HookDelivery.id).limit(1))
    if first is None:
        return None
    before = func.sum(HookDelivery.rows).over(order_by=HookDelivery.id) - HookDelivery.rows
    query = select(HookDelivery.id, HookDelivery.body, HookDelivery.complete_until, before.label("before"))
    rows = query.where(waits, HookDelivery.sender_id == first.sender_id).order_by(HookDelivery.id).limit(most)
    found = [(key, body, until) for key, body, until, rows_before in session.execute(rows) if rows_before < MOST_ROWS]
    joinings, unread = [], []
    for key, body, _ in found:
        for row in _rows(body):
            text = json.dumps(row, ensure_ascii=False)
            try:
                joinings.append((_stated(row, first.sender.name), key, text))
            except InputError:
                unread.append((key, text))
    until = max((day for _, _, day in found if day), default=None)
    return GatheredRows(first.sender, [key for key, _, _ in found], _last_of_each(joinings), unread, until)


def set_aside(session: Session, number: int, *, now: datetime) -> None:
    """Leave each row of a delivery that cannot be applied to staff."""
    take_lock(session, "hook-applying")
    delivery = session.get_one(HookDelivery, number)
    if delivery.state is not DeliveryState.WAITING:
        return
    delivery.state, delivery.applied_at = DeliveryState.APPLIED, now
    for row in _rows(delivery.body):
        session.add(HookRow(delivery_id=number, content=json.dumps(row, ensure_ascii=False), fault=UNAPPLIED))


def judge(
    session: Session, gathered: GatheredRows, *, now: datetime, notes: NotesMoved = no_notes
) -> ListJudgement[JoiningPlan] | None:
    """Compare what was gathered with what is known; None where no row of it can be read."""
    if not gathered.joinings:
        return None
    kind = JoiningLists(today(now), notes)
    return tables.judge_import(
        session, kind, tables.draft_import(kind, _opened(gathered), **_facts(session, gathered, now))
    )


def apply(
    session: Session, gathered: GatheredRows, judged: ListJudgement[JoiningPlan] | None, *, now: datetime
) -> None:
    """Apply what was judged as a joining list, and keep the rows left out for staff.

    Raises Refused where it was applied meanwhile, or what is known has changed.
    """
    take_lock(session, "hook-applying")
    keys = list(gathered.deliveries)
    waiting = select(func.count()).where(HookDelivery.id.in_(keys), HookDelivery.state == DeliveryState.WAITING)
    if session.scalar(waiting) != len(keys):
        raise Refused("Ces envois sont déjà appliqués.")
    received = None
    if judged is not None and not judged.plan.nothing:
        of, actor = _opened(gathered), gathered.sender.actor
        kind, facts = JoiningLists(today(now)), _facts(session, gathered, now)
        received = tables.receive_import(session, kind, of, now=now, actor=actor, **facts)
        tables.apply_import(session, kind, received, judged, now=now, actor=actor)
    left_out = [(key, text, UNREAD) for key, text in gathered.unread]
    for rejection in judged.plan.rejected if judged else ():
        _, key, text = gathered.joinings[rejection.row - 1]
        left_out.append((key, text, rejection.message))
    session.add_all(HookRow(delivery_id=key, content=text, fault=fault) for key, text, fault in left_out)
    of_each = Counter(key for key, _, _ in left_out)
    for one in session.scalars(select(HookDelivery).where(HookDelivery.id.in_(keys))):
        one.state, one.applied_at = DeliveryState.APPLIED, now
        one.list_id = received.id if received and of_each[one.id] < one.rows else None


def _facts(session: Session, gathered: GatheredRows, now: datetime) -> dict[str, Any]:
    """What the list is about, and what it is complete for: the networks that its sender was allowed for."""
    networks, until = json.loads(gathered.sender.networks), gathered.complete_until
    covered = stated_coverage(session, until, networks, today(now)) if until and networks else None
    about = gathered.sender.programme_id or programmes.get_programme(session).id
    return {"programme_id": about, "coverage": covered}


def _opened(gathered: GatheredRows) -> Opened:
    return open_joinings([joining for joining, _, _ in gathered.joinings], gathered.sender.name)


def _last_of_each(joinings: Iterable[tuple[StatedJoining, int, str]]) -> list[tuple[StatedJoining, int, str]]:
    """Of several joinings of one school, strand and day the last: a service that corrects itself says it once more."""
    last: dict[tuple[int, int, date], tuple[StatedJoining, int, str]] = {}
    for joining, key, text in joinings:
        last[joining.school, joining.strand, joining.day] = joining, key, text
    return list(last.values())


def _rows(body: str) -> Sequence[object]:
    """The rows of a body; itself as the only one where it cannot be read."""
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError):
        return [body]
    return rows if isinstance(rows, list) else [rows]


def _stated(row: object, source: str) -> StatedJoining:
    """A row as a joining. Raises InputError."""
    if not isinstance(row, dict):
        raise InputError(UNREAD)
    school, strand = (_number(row.get(name)) for name in ("school", "strand"))
    try:
        status = Status(str(row.get("status")))
    except ValueError:
        raise InputError(UNREAD) from None
    texts = [str(row.get(name) or "") for name in ("day", "source", "reason")]
    return StatedJoining(school, strand, status, parse_day(texts[0]), texts[1] or source, texts[2])


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 10**9:
        raise InputError(UNREAD)
    return int(value)
