"""A campaign's draw: its attempts, the one that is drawn, read and published.

A revealed draw is final: a campaign that has one makes no other attempt.
"""

import json
import logging
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select, true, update

from outreach.campaigns.experiments import _design as design
from outreach.campaigns.experiments._design import (
    DEPARTURES,
    WINDOW,
    DrawnStratum,
    DrawReason,
    Json,
    Listed,
    Mismatch,
    Stratum,
    list_of,
    stratify,
)
from outreach.campaigns.experiments._models import DrawAttempt, DrawnAuthority, FollowedDraw
from outreach.campaigns.models import ON_ITS_WAY, Campaign, Wave, WaveState
from outreach.core import audit
from outreach.core.db import Session, once_a_reading, table_of
from outreach.core.db.bulk import add_rows
from outreach.core.text.errors import NotFound

NONCE_BYTES = 32
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An authority that a campaign would write to: its key, how many letters it gets, what strata are made of, and how
    many schools that the strand is open to it runs."""

    authority_id: int
    letters: int
    listed: Listed
    schools: int = 1


def submit_draw(
    session: Session, campaign: Campaign, plan: dict[str, Json], candidates: Sequence[Candidate], *, now: datetime
) -> DrawAttempt:
    """Freeze a list and a plan, make a nonce, and say its digest to the log. Returns the attempt.

    The log has it before the transaction ends: a submission that is broken off leaves its line there.
    """
    last = session.scalar(select(func.max(DrawAttempt.number)).where(DrawAttempt.campaign_id == campaign.id))
    found = stratify([one.listed for one in candidates])
    nonce = secrets.token_bytes(NONCE_BYTES)
    attempt = DrawAttempt(
        campaign_id=campaign.id,
        number=(last or 0) + 1,
        commitment=sha256(nonce).hexdigest(),
        nonce=nonce.hex(),
        plan=design.canonical(plan).decode(),
        plan_digest=design.digest(plan).hex(),
        list_digest=design.digest(design.list_of(found.strata)).hex(),
        submitted_at=now,
    )
    session.add(attempt)
    session.flush()
    of_stratum = {fase: stratum.name for stratum in found.strata for fase in stratum.fases}
    rows = (
        {"attempt_id": attempt.id, "authority_id": one.authority_id, "fase": one.listed.fase, "letters": one.letters}
        | {"stratum": of_stratum.get(one.listed.fase, ""), "outside": found.outside.get(one.listed.fase)}
        | {"place": None, "departure": None}
        for one in candidates
    )
    add_rows(session, table_of(DrawnAuthority), rows)
    _tell(attempt, "draw_submitted", f"plan {attempt.plan_digest}, list {attempt.list_digest}")
    return attempt


def void_attempt(session: Session, campaign: Campaign, *, now: datetime) -> DrawAttempt | None:
    """Void the attempt of a campaign that awaits an approval, and publish its nonce; None where none does."""
    attempt = open_attempt(session, campaign.id)
    if attempt is not None:
        attempt.voided_at = now
        session.flush()
        _tell(attempt, "draw_voided", f"nonce {attempt.nonce}")
    return attempt


def reveal_attempt(session: Session, attempt: DrawAttempt, *, now: datetime) -> DrawAttempt:
    """Draw: the nonce is no secret any more, and the seed, the order and the departures follow. It is final."""
    strata = strata_of(session, attempt)
    content = design.content_digest(dict(plan_of(attempt)), strata, attempt.number, b"")
    seed = design.seed_of(bytes.fromhex(attempt.nonce), content)
    attempt.approver_bytes, attempt.content_digest, attempt.seed = "", content.hex(), seed.hex()
    attempt.drawn_at = now
    session.flush()
    _set_places(session, attempt, {fase: place for one in design.drawn(seed, strata) for place, fase in _placed(one)})
    _tell(attempt, "draw_made", f"seed {attempt.seed}")
    return attempt


def _placed(stratum: design.DrawnStratum) -> list[tuple[int, int]]:
    return list(enumerate(stratum.order))


def _set_places(session: Session, attempt: DrawAttempt, places: Mapping[int, int]) -> None:
    """Give each authority of the list its place and its departure: place mod 3, or the first where it is outside."""
    rows = session.execute(
        select(DrawnAuthority.authority_id, DrawnAuthority.fase).where(DrawnAuthority.attempt_id == attempt.id)
    ).all()
    values = [
        {"attempt_id": attempt.id, "authority_id": authority, "place": place}
        | {"departure": 1 if place is None else place % DEPARTURES + 1}
        for authority, fase in rows
        for place in [places.get(fase)]
    ]
    session.execute(update(DrawnAuthority), values)


def _tell(attempt: DrawAttempt, event: str, words: str) -> None:
    said = f"campaign {attempt.campaign_id}, attempt {attempt.number}, commitment {attempt.commitment}, {words}"
    logger.info("%s", said, extra={"event": event})


AUDITED = ", tirage : "  # stands in what the audit says of a draw
GOES = {*ON_ITS_WAY, WaveState.FINISHED}


def attempts_of(session: Session, campaign: int) -> list[DrawAttempt]:
    """Every attempt of a campaign (its key), the first one first."""
    query = select(DrawAttempt).where(DrawAttempt.campaign_id == campaign)
    return list(session.scalars(query.order_by(DrawAttempt.number)))


def open_attempt(session: Session, campaign: int) -> DrawAttempt | None:
    """The attempt of a campaign that awaits an approval; None where none does."""
    query = select(DrawAttempt).where(DrawAttempt.campaign_id == campaign, DrawAttempt.drawn_at.is_(None))
    return session.scalars(query.where(DrawAttempt.voided_at.is_(None))).one_or_none()


def draw_of(session: Session, campaign: int) -> DrawAttempt | None:
    """The draw of a campaign (its key), which is final: its own, or the one that it keeps of another campaign.

    None before the approval.
    """
    own = select(DrawAttempt).where(DrawAttempt.campaign_id == campaign, DrawAttempt.drawn_at.is_not(None))
    followed = select(DrawAttempt).join(FollowedDraw).where(FollowedDraw.campaign_id == campaign)
    return session.scalars(own).one_or_none() or session.scalars(followed).one_or_none()


def is_followed(attempt: DrawAttempt, campaign: int) -> bool:
    """Whether a campaign keeps this draw of another one."""
    return attempt.campaign_id != campaign


def plan_of(attempt: DrawAttempt) -> Mapping[str, Json]:
    """What was submitted with an attempt, as it was frozen."""
    plan: Mapping[str, Json] = json.loads(attempt.plan)
    return plan


def window_of(attempt: DrawAttempt, campaign: Campaign) -> int:
    """The days between the departures of a drawn campaign, which are compared from each: its plan fixed them. One that
    kept another's draw under 0.3.0 has its own."""
    stated: Any = plan_of(attempt).get("window_days")
    return stated if stated and not is_followed(attempt, campaign.id) else campaign.departure_gap or WINDOW


def planned_departures(attempt: DrawAttempt) -> list[date]:
    """The days on which departures were to leave, as the plan says."""
    days: Any = plan_of(attempt).get("departures") or []
    return [date.fromisoformat(day) for day in days]


def strata_of(session: Session, attempt: DrawAttempt) -> tuple[Stratum, ...]:
    """The frozen list of an attempt, as strata: FASE numbers in ascending order."""
    query = select(DrawnAuthority.stratum, DrawnAuthority.fase).where(_drawn(attempt))
    return tuple(Stratum(name, tuple(fases)) for name, fases in _by_stratum(session.execute(_ordered(query)).all()))


def order_of(session: Session, attempt: DrawAttempt) -> tuple[DrawnStratum, ...]:
    """The strata of a draw, each in the order of the draw, as it is stored; none before the approval."""
    query = select(DrawnAuthority.stratum, DrawnAuthority.fase)
    query = query.where(_drawn(attempt), DrawnAuthority.place.is_not(None))
    rows = session.execute(query.order_by(DrawnAuthority.stratum, DrawnAuthority.place)).all()
    return tuple(DrawnStratum(name, tuple(order)) for name, order in _by_stratum(rows))


def outside_of(session: Session, attempt: DrawAttempt) -> dict[int, DrawReason]:
    """Who stays outside a draw, by FASE number, and why."""
    query = select(DrawnAuthority.fase, DrawnAuthority.outside).where(_of(attempt), DrawnAuthority.outside.is_not(None))
    rows = session.execute(query.order_by(DrawnAuthority.fase))
    return {fase: reason for fase, reason in rows if reason is not None}


def assigned_to(campaign: int, *departures: int) -> Select[int]:
    """The keys of the authorities that the draw of a campaign (its key) gave to these departures."""
    own = select(DrawAttempt.id).where(DrawAttempt.campaign_id == campaign, DrawAttempt.drawn_at.is_not(None))
    kept = select(FollowedDraw.attempt_id).where(FollowedDraw.campaign_id == campaign)
    drawn = select(DrawnAuthority.authority_id).where(DrawnAuthority.attempt_id.in_(own.union_all(kept)))
    return drawn.where(DrawnAuthority.departure.in_(departures))


@once_a_reading
def awaiting_departure(session: Session, campaign: int, at: datetime, *, now: datetime) -> Select[int] | None:
    """The keys of the authorities that draws of other campaigns than this one keep at an instant; None for none.

    A draw keeps those whom it drew, from its first departure until the last one has left.
    """
    of_others = Wave.campaign_id != campaign, Wave.reminder == 0
    begun = select(Wave.campaign_id).where(*of_others, Wave.departure == 1, Wave.due_at <= at, Wave.state.in_(GOES))
    is_there = Wave.due_at >= at if at > now else true()
    last = select(Wave.campaign_id).where(
        *of_others, Wave.departure == DEPARTURES, Wave.state.in_(ON_ITS_WAY), is_there
    )
    campaigns = session.scalars(last.where(Wave.campaign_id.in_(begun)).distinct()).all()
    if not campaigns:
        return None
    own = select(DrawAttempt.id).where(DrawAttempt.campaign_id.in_(campaigns), DrawAttempt.drawn_at.is_not(None))
    kept = select(FollowedDraw.attempt_id).where(FollowedDraw.campaign_id.in_(campaigns))
    drawn = select(DrawnAuthority.authority_id).where(DrawnAuthority.attempt_id.in_(own.union_all(kept)))
    return drawn.where(DrawnAuthority.outside.is_(None))


def sizes_of(session: Session, attempt: DrawAttempt) -> dict[int, tuple[int, int]]:
    """By departure, how many authorities leave with it and how many letters they were to get; outside ones included."""
    query = select(DrawnAuthority.departure, func.count(), func.sum(DrawnAuthority.letters)).where(_of(attempt))
    rows = session.execute(query.group_by(DrawnAuthority.departure))
    return {departure: (count, int(letters)) for departure, count, letters in rows if departure is not None}


def find_mismatches(session: Session, attempt: DrawAttempt) -> list[Mismatch]:
    """What of a stored draw does not follow from what was sealed: nothing, where nobody chose or changed it.

    Whoever can write in the database could make another draw whose rows all agree. The audit, whose entries are sealed,
    says the nonce's digest and the seed as well. Raises ValueError before the approval.
    """
    if attempt.approver_bytes is None:
        raise ValueError("a draw that was not made")
    plan, strata, nonce = dict(plan_of(attempt)), strata_of(session, attempt), bytes.fromhex(attempt.nonce)
    content = design.content_digest(plan, strata, attempt.number, bytes.fromhex(attempt.approver_bytes))
    seed = design.seed_of(nonce, content)
    is_same = {
        Mismatch.NONCE: sha256(nonce).hexdigest() == attempt.commitment,
        Mismatch.CONTENT: design.digest(plan).hex() == attempt.plan_digest,
        Mismatch.LIST: design.digest(design.list_of(strata)).hex() == attempt.list_digest,
        Mismatch.ORDER: seed.hex() == attempt.seed
        and order_of(session, attempt) == design.drawn(seed, strata)
        and _leave_by_place(session, attempt),
        Mismatch.AUDIT: _is_audited(session, attempt),
    }
    return [mismatch for mismatch, holds in is_same.items() if not holds]


def _leave_by_place(session: Session, attempt: DrawAttempt) -> bool:
    """Whether each authority has the departure of its place, by which its letter leaves."""
    by_place = case((DrawnAuthority.place.is_(None), 1), else_=DrawnAuthority.place % DEPARTURES + 1)
    others = select(DrawnAuthority.fase).where(_of(attempt), DrawnAuthority.departure.is_distinct_from(by_place))
    return session.scalar(others.limit(1)) is None


def _is_audited(session: Session, attempt: DrawAttempt) -> bool:
    """Whether the audit says the nonce's digest and the seed. It says nothing once retention emptied its words."""
    entries = audit.entries_about(session, f"campaign:{attempt.campaign_id}")
    lines = [entry.sentence for entry in entries if AUDITED in entry.sentence]
    is_emptied = any(not entry.sentence for entry in entries)
    expected = (attempt.commitment, attempt.seed or "")
    return is_emptied or not lines or all(any(digest in words for words in lines) for digest in expected)


def _of(attempt: DrawAttempt) -> ColumnElement[bool]:
    return DrawnAuthority.attempt_id == attempt.id


def _drawn(attempt: DrawAttempt) -> ColumnElement[bool]:
    return and_(_of(attempt), DrawnAuthority.outside.is_(None))


def _ordered(query: Select[str, int]) -> Select[str, int]:
    return query.order_by(DrawnAuthority.stratum, DrawnAuthority.fase)


def _by_stratum(rows: Iterable[tuple[str, int]]) -> list[tuple[str, list[int]]]:
    """Rows of stratum and FASE number, each stratum once, by name as the room `effect` sorts them."""
    found: dict[str, list[int]] = defaultdict(list)
    for name, fase in rows:
        found[name].append(fase)
    return sorted(found.items())


def latest_attempt(session: Session, campaign: int) -> DrawAttempt:
    """The draw of a campaign (its key), or its last attempt where none is made. Raises NotFound without any."""
    attempt = draw_of(session, campaign) or next(iter(attempts_of(session, campaign)[::-1]), None)
    if attempt is None:
        raise NotFound(
            f"La campagne {campaign} n’a pas de tirage : choisissez trois départs à l’étape des dates, et soumettez-la."
        )
    return attempt


def attempt_as_json(session: Session, attempt: DrawAttempt) -> dict[str, Any]:
    """An attempt as JSON: numbers in hexadecimal, null while they are not revealed; FASE numbers in the order drawn."""
    order = {stratum.name: stratum for stratum in order_of(session, attempt)}
    strata = strata_of(session, attempt)
    return {
        "attempt": attempt.number,
        "commitment": attempt.commitment,
        "nonce": attempt.revealed_nonce,
        "approver_bytes": attempt.approver_bytes,
        "content_digest": attempt.content_digest,
        "seed": attempt.seed,
        "strata": [
            {
                "name": stratum.name,
                "order": list(order[stratum.name].order) if order else [],
                "departures": [list(departure) for departure in order[stratum.name].departures] if order else [],
            }
            for stratum in strata
        ],
        "outside": list(outside_of(session, attempt)),
        "content": plan_of(attempt),
        "list": list_of(strata),
    }
