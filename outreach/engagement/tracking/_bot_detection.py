"""Classifies openings and clicks as human or machine: a pure, versioned judgement of what was seen.

Stored hits can be classified again. Mail proxies load every picture, and scanners follow every link: their hits are
kept, and cause no action. The delay after sending proves nothing (most bursts come tens of seconds later), so bursts
are what is searched for.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

VERSION = 1
AT_ONCE = timedelta(seconds=1)  # two different links within it: nobody reads that fast
SHORTLY = timedelta(seconds=10)  # three different links within it: a scanner follows them all
WALK = 3
REMEMBERED = 12  # hits of one reader: enough to recognise a scanner, few enough to compare each with each
OPENING = 0
MOST_PROGRAMS = 4096
SCANNERS = re.compile(
    r"bot\b|crawl|spider|scan|preview|headless|python|curl|wget|java/|okhttp|go-http|libwww|axios|node-fetch|"
    r"safelinks|urldefense|proofpoint|mimecast|barracuda|symantec|fortinet|trend ?micro|forcepoint|msoffice existence",
    re.IGNORECASE,
)
PROXIES = re.compile(r"googleimageproxy|ggpht|yahoomailproxy|yahoocachesystem|^mozilla/5\.0$", re.IGNORECASE)


class HitClass(StrEnum):
    """The likely cause of an opening or a click, as far as can be told."""

    HUMAN = "human"
    UNDETERMINED = "undetermined"
    MACHINE = "machine"


class Agent(StrEnum):
    """The kind of program that the User-Agent header names; nothing else of the header is kept."""

    NONE = "none"
    SCANNER = "scanner"
    PROXY = "proxy"
    BROWSER = "browser"


class Why(StrEnum):
    """The reason for a classification."""

    HEAD = "head"
    AGENT = "agent"
    PROXY = "proxy"
    BURST = "burst"
    NOTHING_SUSPECT = "nothing_suspect"


class Signals(NamedTuple):
    """The signs of a hit: the link (0: the pixel), the time, the kind of program, whether it was a HEAD request."""

    link: int
    at: datetime
    agent: Agent
    is_head: bool


def agent_of(user_agent: str) -> Agent:
    """The kind of program that a User-Agent header names. A mail proxy hides whether a person reads."""
    if not user_agent.strip():
        return Agent.NONE
    if PROXIES.search(user_agent):
        return Agent.PROXY
    return Agent.SCANNER if SCANNERS.search(user_agent) else Agent.BROWSER


@dataclass
class Programs:
    """The kinds of programs met lately: two searches in a long header cost as much as all else of a hit.

    Each is remembered by a hash of its header under this process's own key: no header is kept.
    """

    known: dict[int, Agent] = field(default_factory=dict)

    def kind(self, user_agent: str) -> Agent:
        """The kind of program that a User-Agent header names (`agent_of`)."""
        key = hash(user_agent)
        agent = self.known.get(key)
        if agent is None:
            if len(self.known) >= MOST_PROGRAMS:
                self.known.clear()
            agent = self.known[key] = agent_of(user_agent)
        return agent


def classify_hit(hit: Signals, others: Sequence[Signals]) -> tuple[HitClass, Why]:
    """The likely cause of a hit, given the other hits of the same reader."""
    if hit.is_head:
        return HitClass.MACHINE, Why.HEAD
    if hit.agent in {Agent.NONE, Agent.SCANNER}:
        return HitClass.MACHINE, Why.AGENT
    if is_burst(hit, others):
        return HitClass.MACHINE, Why.BURST
    if hit.agent is Agent.PROXY:
        return HitClass.UNDETERMINED, Why.PROXY
    return HitClass.HUMAN, Why.NOTHING_SUSPECT


def is_burst(hit: Signals, others: Sequence[Signals]) -> bool:
    """Whether different links were followed faster than anybody reads. The pixel does not count: it loads by itself."""
    if hit.link == OPENING:
        return False
    around = {hit.link}
    for other in others:
        if other.link in {OPENING, hit.link}:
            continue
        apart = abs(hit.at - other.at)
        if apart <= AT_ONCE:
            return True
        if apart <= SHORTLY:
            around.add(other.link)
    return len(around) >= WALK


class Met(NamedTuple):
    """A click of the last seconds: what was seen, its class so far, and what was hit."""

    signals: Signals
    thought: HitClass
    where: Any


@dataclass
class Readers:
    """The clicks of the last seconds by reader, in memory only: the reader is never stored.

    A reader is anything that is the same for the same program at the same address. Openings are not remembered, as they
    neither make a burst nor belong to one.
    """

    recent: OrderedDict[Hashable, deque[Met]] = field(default_factory=OrderedDict)

    def meet(self, reader: Hashable, signals: Signals, where: object) -> tuple[HitClass, list[Met]]:
        """Classify a hit; returns its class, and the earlier hits it shows as a machine's, with their former class."""
        if signals.link == OPENING:
            return classify_hit(signals, ())[0], []
        self._forget(signals.at - SHORTLY)
        seen = self.recent.get(reader)
        if seen is None:
            seen = self.recent[reader] = deque(maxlen=REMEMBERED)
        else:
            self.recent.move_to_end(reader)
        if _are_all_of(signals.link, seen):  # as nearly always
            hit_class, _ = classify_hit(signals, ())
            seen.append(Met(signals, hit_class, where))
            return hit_class, []
        hit_class, _ = classify_hit(signals, [met.signals for met in seen])
        seen.append(Met(signals, hit_class, where))
        return hit_class, self._unmask(reader, seen)

    def forget(self, reader: Hashable) -> None:
        """Forget a reader whose last hit was not stored, so that it is never subtracted later."""
        self.recent.pop(reader, None)

    def _unmask(self, reader: Hashable, seen: Sequence[Met]) -> list[Met]:
        """The remembered hits of a reader that were not thought a machine's, and now are."""
        everything = [met.signals for met in seen]
        unmasked = [
            met
            for met in seen
            if met.thought is not HitClass.MACHINE and classify_hit(met.signals, everything)[0] is HitClass.MACHINE
        ]
        if unmasked:
            told = (met._replace(thought=HitClass.MACHINE) if met in unmasked else met for met in seen)
            self.recent[reader] = deque(told, REMEMBERED)
        return unmasked

    def _forget(self, before: datetime) -> None:
        """Drop old readers. They are ordered by last hit, oldest first, so the cost does not grow with their number."""
        while self.recent and next(iter(self.recent.values()))[-1].signals.at < before:
            self.recent.popitem(last=False)


def _are_all_of(link: int, seen: Sequence[Met]) -> bool:
    for met in seen:  # noqa: SIM110 - a generator costs more than all the comparisons
        if met.signals.link != link:
            return False
    return True
