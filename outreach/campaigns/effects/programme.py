"""All draws of a programme, those without effect beside the others, and their pools, each shown from its own day on.

A pool stacks the tables of draws about one strand over one window. Its day is in the plan that was approved with the
first of them (`draw_plan`). It holds the effects that were frozen by that day: later ones change nothing in it. Each
effect keeps the pool that it would close, as 9,999 redraws of several draws take seconds: no page waits for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import select

from outreach.adherence.models import Strand
from outreach.campaigns.draws import drawn_list
from outreach.campaigns.draws.models import DrawAttempt, DrawnEffect
from outreach.campaigns.effects import locking
from outreach.campaigns.effects.locking import EffectState
from outreach.campaigns.models import Campaign
from outreach.days import today
from outreach.db import Session
from outreach.effect import sentences
from outreach.effect.interval import Interval
from outreach.effect.redraws import REDRAWS
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


def pooled(
    session: Session, campaign: Campaign, strata: Sequence[Mapping[str, Any]], redraws: int = REDRAWS
) -> dict[str, Any] | None:
    """What a campaign's effect (its `strata`) and those that are frozen so far say together, to be kept with it.

    None where it is in no pool, or is the first one of its pool. Nobody is shown it before the day of the pool.
    """
    draws = draws_of(session, campaign.strand.programme_id)
    own = next((one for one in draws if one.campaign.id == campaign.id), None)
    key = _key(own) if own else None
    told = [(one, strata if one is own else one.kept and one.kept.told["strata"]) for one in draws if _key(one) == key]
    known = [(one, each) for one, each in told if each]
    if key is None or len(known) < 2:
        return None
    tables = [_counted(stratum) for _, each in known for stratum in each]
    found = effect(tables, seed_of_pool([bytes.fromhex(one.attempt.seed or "") for one, _ in known]), redraws)
    if found is None:
        return None
    numbers = [one.campaign.id for one, _ in known]
    told_of_all = sentences.pool(found, len(known), key.window)
    return {"campaigns": numbers, "told": told_of_all, **_shares(found.figure)}


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
    effects = [one.kept for one in in_time if one.kept] if day >= key.on else []
    closing = max(effects, key=lambda one: (one.frozen_at, one.campaign_id or 0), default=None)
    kept = closing.told.get("pool") if closing else None
    if kept and kept["campaigns"] == numbers:
        return Pool(key, numbers, kept["told"], Interval(*(kept[name] for name in ("estimate", "low", "high"))))
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
    """Of pools that no effect keeps: one of theirs was blocked since, or two were frozen at once. It takes seconds."""
    return effect(tables, seed_of_pool([bytes.fromhex(seed) for seed in seeds]))
