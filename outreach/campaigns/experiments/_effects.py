"""The effect of a draw: frozen as known when the list that opened it was applied; and all of a programme.

What is kept is JSON. Shares are of 1: 0.04 is 4 authorities in 100. `strata` has, by departure, how many were drawn,
and how many joined `before` departure 1, in the `first` window, `between` the two, in the `second`. `schools` is how
many schools all listed authorities run, and those outside, where the plan says it. Outcomes of 0.3.0 have other names
beside these, and say in their sentence what a figure does not say.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from outreach.access.approvals import Thing
from outreach.adherence.models import Strand
from outreach.campaigns.experiments import _design as design
from outreach.campaigns.experiments import _observed as observed
from outreach.campaigns.experiments._assignment import order_of, outside_of, plan_of
from outreach.campaigns.experiments._blinding import EffectState, Lock, frozen_effect, left_on, lock_of
from outreach.campaigns.experiments._design import Counted, TwoByTwo
from outreach.campaigns.experiments._estimate import OFTEN_TOO_LARGE, Interval, effect, sentence, total
from outreach.campaigns.experiments._grouping import DrawGroup
from outreach.campaigns.experiments._models import DrawAttempt, DrawnEffect
from outreach.campaigns.models import Campaign
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import Refused

REDRAWN = "9 999 retirages"  # stands in the method of plans of 0.3.0
PERIODS = ("before", "first", "between", "second")


def told_of(session: Session, campaign: Campaign) -> dict[str, Any]:
    """The effect of a campaign as the command prints it: its state, the figure once it is frozen, a French sentence.

    Raises NotFound for a campaign whose departures are not drawn.
    """
    lock, outcome = lock_of(session, campaign), told_frozen(session, campaign)
    if outcome is None:
        return {"state": lock.state.value, "estimate": None, "low": None, "high": None, "told": lock.in_words}
    return {"state": EffectState.READY.value, **{name: outcome[name] for name in ("estimate", "low", "high", "told")}}


def told_frozen(session: Session, campaign: Campaign) -> dict[str, Any] | None:
    """What a campaign's draw showed; None before it is frozen, and where something blocks it since."""
    kept = frozen_effect(session, campaign)
    is_blocked = kept is not None and lock_of(session, campaign).state is EffectState.BLOCKED
    return None if kept is None or is_blocked else kept.shown


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
    kept, told = (frozen_effect(session, campaign), told_frozen(session, campaign)) if campaign else (None, None)
    if not campaign or not kept or not told:
        return None
    source = f"Départs tirés au sort (page publique : /t/{number}), figé d’après la liste d’adhésions {kept.list_id}."
    figure = Interval(told["estimate"], told["low"], told["high"])
    return EffectSaid(campaign, kept.frozen_at, told["told"], french.typeset(source), figure)


def compute_effect(session: Session, campaign: Campaign, lock: Lock) -> dict[str, Any]:
    """What a draw shows whose lock is open, as it was known when the list that opened it was applied. Writes nothing.

    Raises Refused where it is locked or blocked, or compares nobody.
    """
    attempt, windows, opened_by = lock.attempt, lock.windows, lock.opened_by
    if lock.state is not EffectState.READY or not attempt or not windows or not opened_by or not opened_by.applied_at:
        raise Refused(lock.in_words)
    at, first, until = opened_by.applied_at, lock.left[0], lock.until or lock.left[0]
    strata = order_of(session, attempt)
    joined = design.first_joinings(observed.joinings(session, campaign, attempt, at), first)
    counted = design.counted(strata, joined, windows)
    plan: Mapping[str, Any] = plan_of(attempt)
    found = effect(counted, bytes.fromhex(attempt.seed or "") if REDRAWN in str(plan.get("method")) else None)
    if found is None:
        raise Refused("Tous avaient adhéré avant le premier départ : il n’y a rien à comparer.")
    public = (today(attempt.drawn_at) - first).days if attempt.drawn_at else 0
    more = {"early": observed.early(session, attempt, lock.left), "gone": observed.gone(session, attempt, until, at)}
    return {
        **found.figure._asdict(),
        "is_concluded": found.figure.excludes_zero,
        "drawn": found.drawn,
        "outside": len(outside_of(session, attempt)),
        "schools": [plan["schools"], plan["schools_outside"]] if "schools" in plan else None,
        "told": sentence(found, windows.length),
        "left": [day.isoformat() for day in lock.left],
        "length": windows.length,
        "second": windows.second,
        "until": until.isoformat(),
        "as_known_at": at.isoformat(),
        "reminders": [day for day in reminders_of(campaign) if day < windows.length],
        "strata": [
            {"name": stratum.name, "drawn": one.drawn, **dict(zip(PERIODS, one.joined, strict=True))}
            for stratum, one in zip(strata, counted, strict=True)
        ],
        "curves": observed.cumulated(strata, joined, first, windows.end),
        "waited": observed.waited(strata, joined, public, windows.second),
        "flow": {**observed.flow(session, campaign, attempt), **more},
    }


def freeze_effect(
    session: Session, campaign: Campaign, lock: Lock, outcome: Mapping[str, Any], *, now: datetime, actor: str
) -> None:
    """Keep what a draw showed, for good; nothing where it is kept already.

    Raises Refused where another list has opened it meanwhile, or it is locked again.
    """
    take_lock(session, "effect", campaign.id)
    if frozen_effect(session, campaign) is not None:
        return
    again = lock_of(session, campaign)
    if not again.opened_by or not lock.opened_by or not again.attempt:
        raise Refused(again.in_words)
    if again.opened_by.id != lock.opened_by.id:
        raise Refused("Entre-temps, une autre liste a couvert les jours comparés : calculez de nouveau.")
    kept = json.dumps(outcome, ensure_ascii=False)
    facts = {"attempt_id": again.attempt.id, "list_id": again.opened_by.id, "frozen_at": now, "outcome": kept}
    session.add(DrawnEffect(campaign_id=campaign.id, **facts))
    session.flush()
    words = f"Effet de la campagne « {campaign.title} » figé, d’après la liste d’adhésions {again.opened_by.id}."
    audit.record_entry(session, now, actor, words, Thing.CAMPAIGN.subject(campaign.id))


def reminders_of(campaign: Campaign) -> list[int]:
    """The days of the reminders of departure 1 that left, counted from its letter."""
    waves = [wave for wave in campaign.waves if wave.departure == 1 and wave.mailing]
    first = min((left_on(wave) for wave in waves if not wave.reminder), default=date.max)
    return sorted({(left_on(wave) - first).days for wave in waves if wave.reminder})


def tables_of(outcome: Mapping[str, Any]) -> list[DrawGroup]:
    """The two tables of each stratum of an outcome."""
    found = []
    for one in outcome["strata"]:
        before, first, between, second = (tuple(one[name]) for name in PERIODS)
        counted = Counted(tuple(one["drawn"]), (before, first, between, second))
        found.append(DrawGroup((one["name"],), counted.tables))
    return found


def effect_totals(outcome: Mapping[str, Any]) -> list[TwoByTwo]:
    """The totals of the two tables over all strata."""
    return [total(pair) for pair in zip(*(one.tables for one in tables_of(outcome)), strict=True)]


def effect_limits(outcome: Mapping[str, Any]) -> list[str]:
    """What a figure does not say, in French; nothing of one that 0.3.0 told, whose sentence says it itself."""
    if "waited" not in outcome:
        return []
    outside, schools, concludes = outcome["outside"], outcome["schools"], outcome["is_concluded"]
    run, are = ("gère", "est") if outside == 1 else ("gèrent", "sont")
    of_schools = f", qui {run} {french.number(schools[1])} des {french.number(schools[0])} écoles," if schools else ""
    lines = {
        "Ce n’est pas la preuve que le courriel ne sert à rien.": not concludes,
        "L’écart est réduit si ceux qui attendent entendent parler du courriel, grossi s’ils attendent le leur pour "
        "adhérer.": True,
        "Une adhésion que le courriel a seulement avancée compte comme une autre.": True,
        f"{french.number(outside)} PO{of_schools} {are} en dehors du tirage, et du chiffre.": outside > 0,
        "Un tirage de cette taille qui conclut donne le plus souvent un chiffre trop grand.": concludes
        and outcome["drawn"] < OFTEN_TOO_LARGE,
    }
    return [french.typeset(line) for line, is_so in lines.items() if is_so]


def word_of(outcome: Mapping[str, Any]) -> str:
    """What a figure says, in one word, as its sentence begins with it."""
    return french.typeset(Interval(*(outcome[name] for name in Interval._fields)).word)


def clue(outcome: Mapping[str, Any]) -> str:
    """Whether waiting seems to have changed who joins, in French; '' of an outcome of 0.3.0."""
    if "waited" not in outcome:
        return ""
    waited = outcome["waited"]
    days = french.plural(waited["days"], "jour")
    of, waiting, before = (french.number(waited[name]) for name in ("of", "waiting", "before"))
    return french.typeset(
        f"Un indice, pour les {of} PO des départs 2 et 3 : dans les {days} avant le départ 2, adhésions de {waiting} ; "
        f"dans les {days} avant que le plan soit public, de {before}."
    )


def effect_for_page(told: Mapping[str, Any]) -> dict[str, Any]:
    """An effect as pages show it: its days are dates."""
    return {
        "reminders": [],  # an outcome of 0.3.0 has none
        **told,
        "left": [date.fromisoformat(day) for day in told["left"]],
        "until": date.fromisoformat(told["until"]),
        "known": today(datetime.fromisoformat(told["as_known_at"])),
        "word": word_of(told),
        "sentence": told["told"].removeprefix(word_of(told)).strip(),
        "unsaid": effect_limits(told),
        "clue": clue(told),
        "totals": effect_totals(told),
        "curves": [[(date.fromisoformat(day), count) for day, count in each] for each in told["curves"]],
    }


@dataclass(frozen=True, slots=True)
class ProgrammeDraw:
    """A draw of a programme: whose it is, what it says, and its figure once that is frozen and nothing blocks it."""

    campaign: Campaign
    attempt: DrawAttempt
    left: date | None
    in_words: str
    state: EffectState
    figure: Interval | None

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
            **dict(zip(("estimate", "low", "high"), self.figure or (None, None, None), strict=True)),
            "told": self.in_words,
        }


def draws_of(session: Session, programme: int) -> list[ProgrammeDraw]:
    """Every draw of a programme's campaigns (its key) that was made, the first one first; drawn once, told once."""
    query = select(Campaign, DrawAttempt).join(DrawAttempt, DrawAttempt.campaign_id == Campaign.id)
    query = query.join(Strand, Strand.id == Campaign.strand_id).where(Strand.programme_id == programme)
    made = query.where(DrawAttempt.drawn_at.is_not(None)).order_by(DrawAttempt.drawn_at, DrawAttempt.id)
    return [_told(session, campaign, attempt) for campaign, attempt in session.execute(made)]


def _told(session: Session, campaign: Campaign, attempt: DrawAttempt) -> ProgrammeDraw:
    lock, told = lock_of(session, campaign), told_frozen(session, campaign)
    left = lock.left[0] if lock.left else None
    if told is None:
        return ProgrammeDraw(campaign, attempt, left, lock.in_words, lock.state, None)
    figure = Interval(told["estimate"], told["low"], told["high"])
    return ProgrammeDraw(campaign, attempt, left, told["told"], EffectState.READY, figure)
