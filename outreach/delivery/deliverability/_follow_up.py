"""Who looks after an authority that is hard to reach, and when to come back to it.

Steps are only added; the last of each kind holds.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from outreach.access import accounts
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.db.bulk import among
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError
from outreach.core.text.french import spelt_day
from outreach.core.text.roles import RoleName
from outreach.delivery.deliverability._domains import FollowUpKind, FollowUpStep
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority

NOBODY = "nobody"
LATEST_RECALL = timedelta(days=366)
OWNERSHIP = (FollowUpKind.TAKEN, FollowUpKind.RELEASED)


@dataclass(frozen=True, slots=True)
class Followed:
    """Who looks after an authority (an address, or ''), and when to come back to it."""

    owner: str = ""
    recall_on: date | None = None


def current_follow_up(session: Session, authorities: Collection[int] | None = None) -> dict[int, Followed]:
    """What holds of these authorities, or of all, by their keys; of those about which a step was ever taken."""
    owners = {step.authority_id: step for step in _last(session, OWNERSHIP, authorities)}
    recalls = {step.authority_id: step.day for step in _last(session, (FollowUpKind.POSTPONED,), authorities)}
    taken = {key: step.actor for key, step in owners.items() if step.step is FollowUpKind.TAKEN}
    return {key: Followed(taken.get(key, ""), recalls.get(key)) for key in owners.keys() | recalls.keys()}


def steps_of(session: Session, authority: Authority) -> Sequence[FollowUpStep]:
    """The steps about an authority, in order."""
    query = select(FollowUpStep).where(FollowUpStep.authority_id == authority.id)
    return session.scalars(query.order_by(FollowUpStep.id)).all()


def recalls_of(owner: str, until: date | None = None) -> Select[Authority, date | None]:
    """Select the authorities to which this person (an address) is to come back, each with its day; until a day."""
    taken, postponed = aliased(FollowUpStep), aliased(FollowUpStep)
    query = select(Authority, postponed.day).join(taken, taken.authority_id == Authority.id)
    query = query.join(postponed, postponed.authority_id == Authority.id).order_by(Authority.id)
    query = query.where(taken.id.in_(_last_keys(OWNERSHIP)), postponed.id.in_(_last_keys((FollowUpKind.POSTPONED,))))
    query = query.where(taken.step == FollowUpKind.TAKEN, taken.actor == owner, postponed.day.is_not(None))
    return query.where(postponed.day <= until) if until else query


def hand_over(session: Session, authority: Authority, *, to: str, now: datetime, actor: str) -> None:
    """Make a colleague (their address), or `actor`, the owner of an authority's follow-up; again changes nothing.

    Raises NotFound without an active account, InputError when it may not correct addresses.
    """
    colleague = accounts.user_named(session, to)
    if not colleague.holds(RoleName.AUTHOR):
        raise InputError(
            f"{colleague.name} n’a pas le rôle « {RoleName.AUTHOR.label} » : choisissez quelqu’un qui l’a."
        )
    before = _in_turn(session, authority).owner
    if before == colleague.email:
        return
    note = "" if colleague.email == actor else f"confiée par {accounts.colleagues(session)[actor]}"
    _add(session, authority, FollowUpKind.TAKEN, at=now, actor=colleague.email, note=note)
    said = f"Boîtes suivies par {colleague.name}."
    audit.record_entry(session, now, actor, said, subject_of(authority))


def release_follow_up(session: Session, authority: Authority, *, now: datetime, actor: str) -> None:
    """Leave an authority's follow-up to nobody. Without an owner this changes nothing."""
    if _in_turn(session, authority).owner:
        _add(session, authority, FollowUpKind.RELEASED, at=now, actor=actor)
        audit.record_entry(session, now, actor, "Boîtes suivies par personne.", subject_of(authority))


def owned_by(session: Session, owner: str) -> list[int]:
    """The keys of the authorities that this person (an address) looks after."""
    return sorted(key for key, followed in current_follow_up(session).items() if followed.owner == owner)


def hand_all_over(session: Session, owner: str, *, to: str, now: datetime, actor: str) -> int:
    """Give all that one person looks after to a colleague (their address), or to nobody (''), days of recall with it.

    Returns how many authorities that were. Raises as `hand_over` does.
    """
    keys = owned_by(session, owner)
    for authority in session.scalars(select(Authority).where(among(Authority.id, keys)).order_by(Authority.id)):
        if to:
            hand_over(session, authority, to=to, now=now, actor=actor)
        else:
            release_follow_up(session, authority, now=now, actor=actor)
    return len(keys)


def set_recall(session: Session, authority: Authority, *, day: date | None, now: datetime, actor: str) -> None:
    """Set the day on which to come back to an authority, or take it back (None). It becomes `actor`'s if nobody owns
    it. The same day again changes nothing.

    Raises InputError for a day that is past or more than a year ahead.
    """
    if day is not None and not today(now) <= day <= today(now) + LATEST_RECALL:
        raise InputError("Choisissez pour le rappel aujourd’hui ou un jour à venir, dans l’année.")
    before = _in_turn(session, authority)
    if before.recall_on == day:
        return
    if not before.owner:
        _add(session, authority, FollowUpKind.TAKEN, at=now, actor=actor)
    _add(session, authority, FollowUpKind.POSTPONED, at=now, actor=actor, day=day)
    words = f"à rappeler le {spelt_day(day)}" if day else "plus à rappeler"
    audit.record_entry(session, now, actor, f"État des boîtes : {words}.", subject_of(authority))


def _in_turn(session: Session, authority: Authority) -> Followed:
    take_lock(session, "follow-up", authority.id)
    return current_follow_up(session, [authority.id]).get(authority.id, Followed())


def _add(session: Session, authority: Authority, step: FollowUpKind, **details: object) -> None:
    session.add(FollowUpStep(authority_id=authority.id, step=step, **details))
    session.flush()


def _last_keys(kinds: Sequence[FollowUpKind]) -> Select[int]:
    """The keys of the last step of these kinds of each authority."""
    return select(func.max(FollowUpStep.id)).where(FollowUpStep.step.in_(kinds)).group_by(FollowUpStep.authority_id)


def _last(
    session: Session, kinds: Sequence[FollowUpKind], authorities: Collection[int] | None
) -> Sequence[FollowUpStep]:
    """The last step of these kinds of each authority."""
    last = _last_keys(kinds)
    if authorities is not None:
        last = last.where(among(FollowUpStep.authority_id, authorities))
    return session.scalars(select(FollowUpStep).where(FollowUpStep.id.in_(last))).all()
