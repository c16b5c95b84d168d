"""Tells people what happened: notes each notice once, and puts into the outbox one mail a person with those due.

Each step reads and writes text outside the transaction that writes, as SQLite has one writer. A process may end
between two steps, and two clocks may run at once: the unique keys of the notices keep each told once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update

from outreach.access import approvals, colleagues
from outreach.access.colleagues import Colleague
from outreach.campaigns.letter import LetterSnapshot, SenderIdentity
from outreach.core.db import Database, Session, table_of, take_lock
from outreach.core.text.dates import today
from outreach.staff.notifications import _requests as requests
from outreach.staff.notifications._letters import Said, StaffLetter, post_mail, write_mail
from outreach.staff.notifications._models import ABOUT, NoticeStart, Pace, StaffNotice, due_at, paces_of
from outreach.staff.notifications._news import (
    News,
    concerned,
    contact_of,
    of_notices,
    page_of,
    sentence,
    subject,
    untold,
)

MOST = 50  # lines of one mail; the rest is in the next one
TELLER = "système"
SIGNED_IN = "Pour ouvrir une page, connectez-vous."


@dataclass(frozen=True, slots=True)
class Ready:
    """A mail to be posted, and the notices that it settles; without a mail they are settled all the same."""

    notices: list[int]
    mail: tuple[StaffLetter, LetterSnapshot] | None


def send_digests(database: Database, sending: SenderIdentity, *, now: datetime) -> list[int]:
    """Note what nobody was told yet, and post what is due. Returns the mailings, so that dispatchers can be woken."""
    _begin(database, now)
    with database.reading() as session:
        noted = [row for happened in untold(session, now=now) for row in _rows(session, happened, now)]
    noted += requests.notices(database, now=now)
    if noted:
        with database.writing() as session:
            _note(session, noted)
    with database.reading() as session:
        ready = _ready(session, sending, now)
    return [mailing for one in ready if (mailing := _post(database, one, sending, now)) is not None]


def _begin(database: Database, now: datetime) -> None:
    """Remember when telling began, once: what an older version did, or a demonstration's past, is not told."""
    with database.reading() as session:
        has_begun = session.scalar(select(NoticeStart.id)) is not None
    if not has_begun:
        with database.writing() as session:
            take_lock(session, "staff mail")
            if session.scalar(select(NoticeStart.id)) is None:
                session.add(NoticeStart(at=now))


def _rows(session: Session, happened: News, now: datetime) -> list[dict[str, Any]]:
    """The columns of a notice for each person whom this concerns."""
    persons = {person.id: person.email for person in concerned(session, happened, today(now))}
    chosen = _paces(session, persons, now)
    about = dict(zip(ABOUT, happened.key, strict=True))
    return [
        {
            "user_id": person,
            **about,
            "due_at": due_at(chosen[person], now),
            "settled_at": now if chosen[person] is Pace.OFF else None,
        }
        for person in persons
    ]


def _paces(session: Session, persons: Mapping[int, str], now: datetime) -> dict[int, Pace]:
    """How often each of these persons (addresses by key) wants mail; whoever stands in for somebody today gets it."""
    day, chosen = today(now), paces_of(session, persons)
    for key in [key for key, pace in chosen.items() if pace is Pace.OFF]:
        if any(one.first_on <= day for one in approvals.of_deputy(session, persons[key], day)):
            chosen[key] = Pace.AT_ONCE
    return chosen


def _note(session: Session, noted: Sequence[dict[str, Any]]) -> None:
    """Keep these notices, without those that another process has noted meanwhile."""
    take_lock(session, "staff mail")
    keys = [getattr(StaffNotice, name) for name in ABOUT]
    given = [key.in_({row[name] for row in noted} - {None}) for name, key in zip(ABOUT, keys, strict=True)]
    told = {tuple(row) for row in session.execute(select(StaffNotice.user_id, *keys).where(or_(*given)))}
    fresh = [row for row in noted if tuple(row[name] for name in ("user_id", *ABOUT)) not in told]
    if fresh:
        # Not by the ORM, which would ask for the table of accounts: a process that sends does not load it.
        session.execute(insert(table_of(StaffNotice)), fresh)


def _ready(session: Session, sending: SenderIdentity, now: datetime) -> list[Ready]:
    due = select(StaffNotice).where(StaffNotice.settled_at.is_(None), StaffNotice.due_at <= now)
    by_user: dict[int, list[StaffNotice]] = {}
    for notice in session.scalars(due.order_by(StaffNotice.user_id, StaffNotice.id)):
        by_user.setdefault(notice.user_id, []).append(notice)
    persons = colleagues.numbered(session, by_user)
    chosen = _paces(session, {person.id: person.email for person in persons.values()}, now)
    ready = []
    for user_id, notices in by_user.items():
        some, person = notices[:MOST], persons.get(user_id)
        mail = _mail(session, person, some, sending, now) if person and chosen[user_id] is not Pace.OFF else None
        ready.append(Ready([notice.id for notice in some], mail))
    return ready


def _mail(
    session: Session, person: Colleague, notices: Sequence[StaffNotice], sending: SenderIdentity, now: datetime
) -> tuple[StaffLetter, LetterSnapshot]:
    told = of_notices(session, notices)
    stood_for = [
        Said(
            f"Vous remplacez {colleagues.name_of(session, one.absent)} {approvals.delegation_in_words(one)}.",
            requests.PAGE,
        )
        for one in approvals.of_deputy(session, person.email, today(now))
    ]
    happened = [Said(sentence(session, one), page_of(session, one)) for one in told]
    said = [*happened, *stood_for, Said(SIGNED_IN)]
    contact = contact_of(session, told[0])
    letter = StaffLetter([person.email], subject(told), said, person.name, contact, may_be_fewer=True)
    return letter, write_mail(letter, sending, now=now)


def _post(database: Database, ready: Ready, sending: SenderIdentity, now: datetime) -> int | None:
    """Settle notices and post their mail, both or neither; nothing when another process has settled any of them."""
    with database.writing() as session:
        take_lock(session, "staff mail")
        waits = StaffNotice.id.in_(ready.notices), StaffNotice.settled_at.is_(None)
        if len(session.scalars(select(StaffNotice.id).where(*waits)).all()) != len(ready.notices):
            return None
        mailing = post_mail(session, *ready.mail, sending, now=now, actor=TELLER) if ready.mail else None
        session.execute(update(StaffNotice).where(*waits).values(settled_at=now, mailing_id=mailing))
        return mailing
