"""Freezes the effect of a draw: computed as known when the opening list was applied, kept for good."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypedDict

from outreach import audit, french
from outreach.campaigns import lifecycle
from outreach.campaigns.draws import drawn_list
from outreach.campaigns.draws.models import DrawAttempt, DrawnEffect
from outreach.campaigns.effects import locking, observed
from outreach.campaigns.effects.locking import EffectState, Lock
from outreach.campaigns.models import Campaign
from outreach.days import today
from outreach.db import Session, take_turns
from outreach.effect import health, sentences, tables
from outreach.effect.draw import DrawnStratum
from outreach.effect.interval import Interval
from outreach.effect.result import effect
from outreach.effect.tables import Period, Windows
from outreach.errors import Refused

REDRAWN = "9 999 retirages"
"""Stands in the method of plans of 0.3.0."""


class StratumTold(TypedDict):
    """A stratum by departure: how many were drawn, and how many joined in each period that is compared, or before."""

    name: str
    drawn: Sequence[int]
    before: Sequence[int]
    first: Sequence[int]
    between: Sequence[int]
    second: Sequence[int]


class Outcome(TypedDict):
    """What a draw showed. Shares are of 1: 0.04 is 4 authorities in 100. `left` are the days of departures.

    `later` is departure 1 against 3 over all compared days, never a verdict. `curves` has, by departure, how many had
    joined by each day. `flow` and `health` stand beside the figure.
    """

    estimate: float
    low: float
    high: float
    is_concluded: bool
    later: Mapping[str, float] | None
    drawn: int
    outside: int
    told: str
    left: list[str]
    length: int
    second: int
    until: str
    as_known_at: str
    strata: list[StratumTold]
    curves: list[list[tuple[str, int]]]
    flow: Mapping[str, Any]
    health: Mapping[str, Any]


def told_of(session: Session, campaign: Campaign) -> dict[str, Any]:
    """The effect of a campaign as the command prints it: its state, the figure once it is frozen, a French sentence.

    Raises NotFound for a campaign whose departures are not drawn.
    """
    lock, kept = locking.lock_of(session, campaign), locking.frozen(session, campaign)
    if kept is None or lock.state is EffectState.BLOCKED:
        return {"state": lock.state.value, "estimate": None, "low": None, "high": None, "told": lock.told}
    outcome = kept.told
    return {"state": EffectState.READY.value, **{name: outcome[name] for name in ("estimate", "low", "high", "told")}}


@dataclass(frozen=True, slots=True)
class EffectSaid:
    """A campaign's frozen effect as a note says it: its sentence, its figure, its source."""

    campaign: Campaign
    frozen_at: datetime
    sentence: str
    source: str
    figure: Interval


def for_note(session: Session, number: int) -> EffectSaid | None:
    """A campaign's frozen effect for a note; None where there is none, or something blocks it."""
    campaign = session.get(Campaign, number)
    kept = campaign and locking.frozen(session, campaign)
    if not campaign or not kept or locking.lock_of(session, campaign).state is EffectState.BLOCKED:
        return None
    told = kept.told
    source = f"Départs tirés au sort (page publique : /t/{number}), figé d’après la liste d’adhésions {kept.list_id}."
    figure = Interval(told["estimate"], told["low"], told["high"])
    return EffectSaid(campaign, kept.frozen_at, told["told"], french.typeset(source), figure)


def compute(session: Session, campaign: Campaign, lock: Lock) -> Outcome:
    """What a draw shows whose lock is open, as it was known when the list that opened it was applied. Writes nothing.

    Raises Refused where it is locked or blocked, or compares nobody.
    """
    attempt, windows, opened_by = lock.attempt, lock.windows, lock.opened_by
    if lock.state is not EffectState.READY or not attempt or not windows or not opened_by or not opened_by.applied_at:
        raise Refused(lock.told)
    at, first = opened_by.applied_at, lock.left[0]
    strata = drawn_list.order_of(session, attempt)
    told = observed.joinings(session, campaign, attempt, at)
    joined = tables.first_joinings(told, first)
    counted = tables.counted(strata, joined, windows)
    is_redrawn = REDRAWN in str(drawn_list.plan_of(attempt).get("method"))
    found = effect(counted, bytes.fromhex(attempt.seed or "") if is_redrawn else None)
    if found is None:
        raise Refused("Tous avaient adhéré avant le premier départ : il n’y a rien à comparer.")
    outside = drawn_list.outside_of(session, attempt)
    by_stratum = [_stratum(one, counts) for one, counts in zip(strata, counted, strict=True)]
    return Outcome(
        estimate=found.figure.estimate,
        low=found.figure.low,
        high=found.figure.high,
        is_concluded=found.is_concluded,
        later=asdict_of(found.later) if found.later else None,
        drawn=found.drawn,
        outside=len(outside),
        told=sentences.result(found, len(outside), windows, reminders_of(campaign)),
        left=[day.isoformat() for day in lock.left],
        length=windows.length,
        second=windows.second,
        until=(lock.until or first).isoformat(),
        as_known_at=at.isoformat(),
        strata=by_stratum,
        curves=_curves(strata, joined, first, windows),
        flow=_flow(session, campaign, attempt),
        health=_health(session, campaign, lock, strata, joined, at),
    )


def freeze(session: Session, campaign: Campaign, lock: Lock, outcome: Outcome, *, now: datetime, actor: str) -> None:
    """Keep what a draw showed, for good; nothing where it is kept already.

    Raises Refused where another list has opened it meanwhile, or it is locked again.
    """
    take_turns(session, "effect", campaign.id)
    if locking.frozen(session, campaign) is not None:
        return
    again = locking.lock_of(session, campaign)
    if not again.opened_by or not lock.opened_by or not again.attempt:
        raise Refused(again.told)
    if again.opened_by.id != lock.opened_by.id:
        raise Refused("Entre-temps, une autre liste a couvert les jours comparés : calculez de nouveau.")
    kept = json.dumps(outcome, ensure_ascii=False)
    facts = {"attempt_id": again.attempt.id, "list_id": again.opened_by.id, "frozen_at": now, "outcome": kept}
    session.add(DrawnEffect(campaign_id=campaign.id, **facts))
    session.flush()
    told = f"Effet de la campagne « {campaign.title} » figé, d’après la liste d’adhésions {again.opened_by.id}."
    audit.record(session, now, actor, told, lifecycle.subject_of(campaign))


def reminders_of(campaign: Campaign) -> list[int]:
    """The days of a departure's reminders that left, counted from its letter; of the first departure that has some."""
    first = {wave.departure: locking.left_on(wave) for wave in campaign.waves if not wave.reminder and wave.mailing}
    left = [wave for wave in campaign.waves if wave.reminder and wave.mailing and wave.departure in first]
    return sorted({(locking.left_on(wave) - first[wave.departure]).days for wave in left if wave.departure == 1})


def asdict_of(figure: Interval) -> dict[str, float]:
    """An interval under its names."""
    return {"estimate": figure.estimate, "low": figure.low, "high": figure.high}


def _stratum(stratum: DrawnStratum, counts: tables.Counted) -> StratumTold:
    before, first, between, second = counts.joined
    return StratumTold(
        name=stratum.name, drawn=counts.drawn, before=before, first=first, between=between, second=second
    )


def _curves(
    strata: Sequence[DrawnStratum], joined: Mapping[int, int], first: date, windows: Windows
) -> list[list[tuple[str, int]]]:
    curves = observed.cumulated(strata, joined, first, windows.end)
    return [[(day.isoformat(), count) for day, count in each] for each in curves]


def _flow(session: Session, campaign: Campaign, attempt: DrawAttempt) -> dict[str, Any]:
    found = observed.flow(session, campaign, attempt)
    told = asdict(found)
    return {**told, "left_out": {reason.value: counts for reason, counts in found.left_out.items()}}


def _health(
    session: Session,
    campaign: Campaign,
    lock: Lock,
    strata: Sequence[DrawnStratum],
    joined: Mapping[int, int],
    at: datetime,
) -> dict[str, Any]:
    attempt, windows, first = lock.attempt, lock.windows, lock.left[0]
    assert attempt is not None  # noqa: S101  # of an open lock
    assert windows is not None  # noqa: S101
    early = observed.early(session, attempt, lock.left)
    compared = {Period.FIRST, Period.BETWEEN, Period.SECOND}
    days = [first + timedelta(days=day) for day in joined.values() if windows.period(day) in compared]
    crowd = health.crowd(days)
    last = first + timedelta(days=windows.end - 1)
    return {
        "early": early,
        "many_early": health.are_many_early(early, sum(len(one.order) for one in strata)),
        "gone": observed.gone(session, attempt, lock.until or first, at),
        "crowd": {"day": crowd.day.isoformat(), "joined": crowd.joined, "of": crowd.of} if crowd else None,
        "strand_opened": first <= campaign.strand.opened_on <= last,
    }


def beside(outcome: Mapping[str, Any]) -> list[str]:
    """What is said beside a figure, in French, and never hides it."""
    told, drawn = outcome["health"], outcome["drawn"]
    lines = [
        f"Un courriel est parti à {french.number(told['early'])} PO avant {'leur' if told['early'] > 1 else 'son'} tour"
        f"{', plus d’un sur vingt' if told['many_early'] else ''}."
        if told["early"]
        else "",
        f"Non remis, par départ : {_each(outcome['flow']['undelivered'])}."
        if any(outcome["flow"]["undelivered"])
        else "",
        f"Sortis du registre, par départ : {_each(told['gone'])}." if any(told["gone"]) else "",
        _crowd(told["crowd"]) if told["crowd"] else "",
        "Le volet s’est ouvert pendant les jours comparés." if told["strand_opened"] else "",
    ]
    calm = (
        f"Pour les {french.number(drawn)} PO tirés, rien à signaler de ce qui se vérifie : courriels avant leur tour, "
        "non remis, sorties du registre, adhésions d’un même jour, ouverture du volet."
    )
    return [french.typeset(line) for line in lines if line] or [french.typeset(calm)]


def _each(counts: Sequence[int]) -> str:
    return ", ".join(map(french.number, counts))


def _crowd(crowd: Mapping[str, Any]) -> str:
    day = french.day(date.fromisoformat(crowd["day"]))
    many = f"{french.number(crowd['joined'])} des {french.number(crowd['of'])} adhésions comparées"
    return f"Le {day}, {many} d’un coup : une démarche commune, ou un succès immédiat."


def shown(kept: DrawnEffect) -> dict[str, Any]:
    """An effect as pages show it: its days are dates."""
    told = kept.told
    return {
        **told,
        "left": [date.fromisoformat(day) for day in told["left"]],
        "until": date.fromisoformat(told["until"]),
        "known": today(datetime.fromisoformat(told["as_known_at"])),
        "beside": beside(told),
        "curves": [[(date.fromisoformat(day), count) for day, count in each] for each in told["curves"]],
    }
