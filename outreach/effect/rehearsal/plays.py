"""Plays of a campaign in virtual time: letters leave as planned, authorities answer and join, reminders leave them out.

Days count from the first letter. The plan is the real planner's; the audience was read once.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from random import Random

from outreach.effect.rehearsal.factor import History
from outreach.effect.rehearsal.scores import PLAYS, Span, span
from outreach.effect.rehearsal.stops import left


@dataclass(frozen=True, slots=True)
class Sending:
    """A wave: whom it may write to, in the order in which letters leave, and how many may leave on each day.

    Letters that no day has room for leave on the last one.
    """

    authorities: Sequence[int]
    slots: Sequence[tuple[int, int]]

    def days(self, written: Sequence[int]) -> dict[int, int]:
        """The day on which each of those written to gets its letter."""
        days = [day for day, room in self.slots for _ in range(room)]
        last = self.slots[-1][0]
        return {one: days[place] if place < len(days) else last for place, one in enumerate(written)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rehearsed: each authority's network, the waves in order, the deadline, who is left out from the start.

    `letters` has how many mailboxes of an authority are written to, where there are several.
    """

    networks: Mapping[int, str]
    sendings: Sequence[Sending]
    deadline: int
    stopped: Mapping[str, Set[int]] = field(default_factory=dict)
    letters: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a class of campaigns went: who joined and who answered, and after how many days, as often as it was so."""

    joined: History
    answered: History
    joining_delays: Sequence[int]
    answering_delays: Sequence[int]


@dataclass(slots=True)
class Play:
    """Letters and answers by day, how many each wave wrote to, its last day, and how many joined by the deadline."""

    letters: Counter[int] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    written: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    joined: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """Spans of 80 % over all plays; `is_guess` where no earlier campaign told how many join."""

    letters: dict[int, Span]
    answers: dict[int, Span]
    written: list[Span]
    ends: list[Span]
    joined: Span
    plays: list[int]
    is_guess: bool


def forecast(
    plan: Plan, behaviour: Behaviour, seed: bytes, plays: int = PLAYS, *, tell: Callable[[int, int], None] | None = None
) -> Forecast:
    """What a campaign will do, over 199 plays; the same for the same plan, history and seed.

    `tell` hears how many plays of how many are done.
    """
    chance = Random(seed)  # noqa: S311  # chance, not secrets
    played = []
    for done in range(1, plays + 1):
        played.append(play(plan, behaviour, chance))
        if tell:
            tell(done, plays)
    return Forecast(
        _by_day([one.letters for one in played]),
        _by_day([one.answers for one in played]),
        [span(counts) for counts in zip(*(one.written for one in played), strict=True)],
        [span(days) for days in zip(*(one.ends for one in played), strict=True)],
        span([one.joined for one in played]),
        sorted(one.joined for one in played),
        behaviour.joined.is_guess,
    )


def play(plan: Plan, behaviour: Behaviour, chance: Random) -> Play:
    """One play."""
    networks = sorted(set(plan.networks.values()))
    joining, answering = (history.rates(chance, networks) for history in (behaviour.joined, behaviour.answered))
    joined: dict[int, int] = {}
    answered: dict[int, int] = {}
    known: set[int] = set()
    told = Play()
    for sending in plan.sendings:
        begins = sending.slots[0][0]
        came = {"joined": _by(joined, begins), "answered": _by(answered, begins)}
        stops = {**plan.stopped, **{reason: plan.stopped.get(reason, set()) | those for reason, those in came.items()}}
        days = sending.days(left(sending.authorities, stops))
        for one, day in days.items():
            told.letters[day] += plan.letters.get(one, 1)
        told.written.append(len(days))
        told.ends.append(max(days.values(), default=begins))
        for one in days.keys() - known:
            network = plan.networks[one]
            _reacts(chance, joined, one, days[one], joining[network], behaviour.joining_delays)
            _reacts(chance, answered, one, days[one], answering[network], behaviour.answering_delays)
        known |= days.keys()
    told.answers.update(answered.values())
    told.joined = sum(day <= plan.deadline for day in joined.values())
    return told


def _reacts(chance: Random, days: dict[int, int], one: int, written: int, share: float, delays: Sequence[int]) -> None:
    if chance.random() < share:
        days[one] = written + chance.choice(delays)


def _by(days: Mapping[int, int], before: int) -> set[int]:
    return {one for one, day in days.items() if day < before}


def _by_day(played: Sequence[Counter[int]]) -> dict[int, Span]:
    days = sorted(set().union(*played))
    return {day: span([one[day] for one in played]) for day in days}
