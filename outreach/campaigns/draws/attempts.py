"""Attempts to draw a campaign's departures: submitted, void, drawn.

A revealed draw is final: a campaign that has one makes no other attempt.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import func, select, update

from outreach.campaigns.draws import drawn_list
from outreach.campaigns.draws.models import DrawAttempt, DrawnAuthority
from outreach.campaigns.models import Campaign
from outreach.db import Session, table_of
from outreach.db.many import add_rows
from outreach.effect import draw
from outreach.effect.draw import DEPARTURES, Json
from outreach.effect.strata import Listed, stratified

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


def submit(
    session: Session, campaign: Campaign, plan: dict[str, Json], candidates: Sequence[Candidate], *, now: datetime
) -> DrawAttempt:
    """Freeze a list and a plan, make a nonce, and say its digest to the log. Returns the attempt.

    The log has it before the transaction ends: a submission that is broken off leaves its line there.
    """
    last = session.scalar(select(func.max(DrawAttempt.number)).where(DrawAttempt.campaign_id == campaign.id))
    found = stratified([one.listed for one in candidates])
    nonce = secrets.token_bytes(NONCE_BYTES)
    attempt = DrawAttempt(
        campaign_id=campaign.id,
        number=(last or 0) + 1,
        commitment=sha256(nonce).hexdigest(),
        nonce=nonce.hex(),
        plan=draw.canonical(plan).decode(),
        plan_digest=draw.digest(plan).hex(),
        list_digest=draw.digest(draw.list_of(found.strata)).hex(),
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


def void(session: Session, campaign: Campaign, *, now: datetime) -> DrawAttempt | None:
    """Void the attempt of a campaign that awaits an approval, and publish its nonce; None where none does."""
    attempt = drawn_list.open_attempt(session, campaign.id)
    if attempt is not None:
        attempt.voided_at = now
        session.flush()
        _tell(attempt, "draw_voided", f"nonce {attempt.nonce}")
    return attempt


def reveal(session: Session, attempt: DrawAttempt, *, now: datetime) -> DrawAttempt:
    """Draw: the nonce is no secret any more, and the seed, the order and the departures follow. It is final."""
    strata = drawn_list.strata_of(session, attempt)
    content = draw.content_digest(dict(drawn_list.plan_of(attempt)), strata, attempt.number, b"")
    seed = draw.seed_of(bytes.fromhex(attempt.nonce), content)
    attempt.approver_bytes, attempt.content_digest, attempt.seed = "", content.hex(), seed.hex()
    attempt.drawn_at = now
    session.flush()
    _set_places(session, attempt, {fase: place for one in draw.drawn(seed, strata) for place, fase in _placed(one)})
    _tell(attempt, "draw_made", f"seed {attempt.seed}")
    return attempt


def _placed(stratum: draw.DrawnStratum) -> list[tuple[int, int]]:
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
