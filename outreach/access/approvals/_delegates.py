"""Deputies: an approver who is away names another one, who is told meanwhile what the first one would be told.

No role is lent: a deputy is an approver already, and the rule of the second person holds for the deputy as for anybody.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, or_, select

from outreach.access import colleagues
from outreach.access.approvals._decisions import Delegate, may_decide
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import RoleName

LONGEST = timedelta(days=92)


def name_delegate(session: Session, named: Delegate, *, now: datetime) -> Delegate:
    """Name a deputy for days. Who will be absent acts.

    Raises InputError on days that are over, in the wrong order or too many, and when the deputy is nobody who may
    approve; Refused when either of the two is away or stands in for somebody on any of these days.
    """
    take_lock(session, "deputies")
    absent, deputy, first, last = named.absent, named.deputy, named.first_on, named.last_on
    if not today(now) <= first <= last < first + LONGEST:
        raise InputError("Indiquez un premier jour à venir, puis un dernier jour, trois mois après au plus.")
    if deputy == absent or not colleagues.holds(session, deputy, RoleName.APPROVER):
        raise InputError("Choisissez une autre personne, qui a le rôle « validation ».")
    _refuse_overlap(session, absent, deputy, first, last)
    named.named_at = now
    session.add(named)
    session.flush()
    who = colleagues.name_of(session, deputy)
    audit.record_entry(session, now, absent, f"Remplacement {delegation_in_words(named)}, par {who}.", f"user:{absent}")
    return named


def end_delegation(session: Session, key: int, *, now: datetime, actor: str) -> None:
    """End one's own deputy's days now. Raises NotFound where there is none that is not over."""
    take_lock(session, "deputies")
    found = named_by(session, actor, key, today(now))
    found.ended_at = now
    audit.record_entry(
        session, now, actor, f"Remplacement {delegation_in_words(found)} : terminé plus tôt.", f"user:{actor}"
    )


def named_by(session: Session, person: str, key: int, day: date) -> Delegate:
    """The days of a person's deputy, by their key. Raises NotFound where there are none, or they are over."""
    found = next((one for one in of_absent(session, person, day) if one.id == key), None)
    if found is None:
        raise NotFound("Ce remplacement n’existe pas, ou il est déjà terminé.")
    return found


def of_absent(session: Session, person: str, day: date) -> Sequence[Delegate]:
    """The deputies that a person has named and whose days are not over, the first days first."""
    query = select(Delegate).where(Delegate.absent == person, _lasts(day))
    return session.scalars(query.order_by(Delegate.first_on)).all()


def of_deputy(session: Session, person: str, day: date) -> Sequence[Delegate]:
    """Those whom a person stands in for, now or on days to come, the first days first."""
    query = select(Delegate).where(Delegate.deputy == person, _lasts(day))
    return session.scalars(query.order_by(Delegate.first_on)).all()


def told_for(session: Session, person: str, day: date, *subjects: str) -> str:
    """Who is told on a day what an approver would be told about subjects: the deputy who may decide, or the approver.

    A deputy with a hand in any of them may not, so the approver is told, away or not.
    """
    named = next((one for one in of_absent(session, person, day) if one.first_on <= day), None)
    return named.deputy if named and may_decide(session, named.deputy, *subjects) else person


def delegation_in_words(deputy: Delegate) -> str:
    """The days in French: « du 3 décembre 2026 au 12 décembre 2026 », « le 3 décembre 2026 »."""
    first, last = french.day(deputy.first_on), french.day(deputy.last_on)
    return f"du {first} au {last}" if deputy.first_on != deputy.last_on else f"le {first}"


def _lasts(day: date) -> ColumnElement[bool]:
    return (Delegate.last_on >= day) & Delegate.ended_at.is_(None)


def _refuse_overlap(session: Session, absent: str, deputy: str, first: date, last: date) -> None:
    """One deputy a day for a person, and no deputy who is away: nobody would be told."""
    overlaps = _lasts(first) & (Delegate.first_on <= last)
    clash = or_(Delegate.absent.in_((absent, deputy)), Delegate.deputy == absent)
    found = session.scalar(select(Delegate).where(overlaps, clash).limit(1))
    if found is None:
        return
    if found.absent == absent:
        raise Refused(f"Vous avez déjà un remplacement {delegation_in_words(found)} : terminez-le d’abord.")
    who = colleagues.name_of(session, found.absent)
    if found.absent == deputy:
        raise Refused(f"{who} a déjà annoncé son absence {delegation_in_words(found)} : choisissez une autre personne.")
    raise Refused(f"Vous remplacez {who} {delegation_in_words(found)} : faites d’abord nommer une autre personne.")
