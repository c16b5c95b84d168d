"""All draws of a programme, those without effect beside the others, and their pools, each shown from its own day on.

A pool stacks the tables of draws about one strand over one window. Its day is in the plan that was approved with the
first of them (`draw_plan`). It holds the effects that were frozen by that day: later ones change nothing in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import select

from outreach.adherence.models import Strand
from outreach.campaigns.draws import drawn_list
from outreach.campaigns.draws.models import DrawAttempt
from outreach.campaigns.effects import locking
from outreach.campaigns.effects.locking import EffectState
from outreach.campaigns.effects.models import DrawnEffect
from outreach.campaigns.models import Campaign
from outreach.days import today
from outreach.db import Session
from outreach.effect import sentences
from outreach.effect.interval import Interval
from outreach.effect.result import Effect, effect, seed_of_pool
from outreach.effect.tables import Counted


@dataclass(frozen=True, slots=True)
class ProgrammeDraw:
    """A draw of a programme: whose it is, what it says, and its figure once that is frozen and nothing blocks it."""

    campaign: Campaign
    attempt: DrawAttempt
    left: date | None
    told: str
    state: EffectState
    figure: Interval | None
    kept: DrawnEffect | None

    @property
    def label(self) -> str:
        """Where it stands, in French: « Figé » once the figure is there."""
        return "Figé" if self.figure else self.state.label

    def as_json(self) -> dict[str, Any]:
        """The draw as JSON, under fixed names."""
        number, strand = self.campaign.id, self.campaign.strand.number
        return {
            "campaign": number,
            "strand": strand,
            "state": self.state.value,
            **_shares(self.figure),
            "told": self.told,
        }


class PoolKey(NamedTuple):
    """What the draws of a pool have in common: the strand, the days of the window, and the day of the pool."""

    strand: int
    window: int
    on: date


@dataclass(frozen=True, slots=True)
class Pool:
    """Draws of a programme that are told together from a day on; `told` is '' and `figure` None before it."""

    key: PoolKey
    campaigns: Sequence[int]
    told: str
    figure: Interval | None

    def as_json(self) -> dict[str, Any]:
        """The pool as JSON, under fixed names."""
        told = {"strand": self.key.strand, "window": self.key.window, "on": self.key.on.isoformat()}
        return {**told, "campaigns": list(self.campaigns), **_shares(self.figure), "told": self.told}


def draws_of(session: Session, programme: int) -> list[ProgrammeDraw]:
    """Every draw of a programme's campaigns (its key) that was made, the first one first; drawn once, told once."""
    query = select(Campaign, DrawAttempt).join(DrawAttempt, DrawAttempt.campaign_id == Campaign.id)
    query = query.join(Strand, Strand.id == Campaign.strand_id).where(Strand.programme_id == programme)
    made = query.where(DrawAttempt.drawn_at.is_not(None)).order_by(DrawAttempt.drawn_at, DrawAttempt.id)
    return [_told(session, campaign, attempt) for campaign, attempt in session.execute(made)]


def pools_of(draws: Sequence[ProgrammeDraw], day: date) -> list[Pool]:
    """The pools of a programme's draws as of a day; a draw whose plan names no day is in none."""
    found: dict[PoolKey, list[ProgrammeDraw]] = {}
    for one in draws:
        if key := _key(one):
            found.setdefault(key, []).append(one)
    return [_pool(key, members, day) for key, members in sorted(found.items()) if len(members) > 1]


def as_json(session: Session, campaign: Campaign, *, day: date) -> dict[str, Any]:
    """All draws of a campaign's programme and their pools, as JSON."""
    draws = draws_of(session, campaign.strand.programme_id)
    return {"draws": [one.as_json() for one in draws], "pools": [one.as_json() for one in pools_of(draws, day)]}


def _shares(figure: Interval | None) -> dict[str, float | None]:
    return dict(zip(("estimate", "low", "high"), figure or (None, None, None), strict=True))


def _told(session: Session, campaign: Campaign, attempt: DrawAttempt) -> ProgrammeDraw:
    lock, kept = locking.lock_of(session, campaign), locking.frozen(session, campaign)
    if kept is not None and lock.state is EffectState.BLOCKED:
        kept = None
    told = kept.told if kept else None
    figure = Interval(told["estimate"], told["low"], told["high"]) if told else None
    state = EffectState.READY if kept else lock.state
    left = lock.left[0] if lock.left else None
    return ProgrammeDraw(campaign, attempt, left, told["told"] if told else lock.told, state, figure, kept)


def _key(one: ProgrammeDraw) -> PoolKey | None:
    plan = drawn_list.plan_of(one.attempt)
    on, window = plan.get("pool_on"), plan.get("window_days")
    if not isinstance(on, str) or not isinstance(window, int):
        return None
    return PoolKey(one.campaign.strand.number, window, date.fromisoformat(on))


def _pool(key: PoolKey, members: Sequence[ProgrammeDraw], day: date) -> Pool:
    in_time = [one for one in members if one.kept and today(one.kept.frozen_at) <= key.on]
    numbers = [one.campaign.id for one in in_time]
    found = None
    if day >= key.on:
        tables = tuple(_counted(stratum) for one in in_time if one.kept for stratum in one.kept.told["strata"])
        found = _effect(tables, tuple(one.attempt.seed or "" for one in in_time)) if tables else None
    told = sentences.pool(found, len(in_time), key.window) if found else ""
    return Pool(key, numbers, told, found.figure if found else None)


def _counted(stratum: Mapping[str, Any]) -> Counted:
    before, first, between, second = (tuple(stratum[name]) for name in ("before", "first", "between", "second"))
    return Counted(tuple(stratum["drawn"]), (before, first, between, second))


@lru_cache(maxsize=32)
def _effect(tables: tuple[Counted, ...], seeds: tuple[str, ...]) -> Effect | None:
    """Kept, as 9,999 redraws of several draws take some seconds; frozen tables give the same each time."""
    return effect(tables, seed_of_pool([bytes.fromhex(seed) for seed in seeds]))
