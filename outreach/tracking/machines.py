"""Classifies openings and clicks as human or machine: a pure, versioned judgement of what was seen.

Stored hits can be classified again. Mail proxies load every picture, and scanners follow every link: their hits are
kept, and cause no action. The delay after sending proves nothing (most bursts come tens of seconds later), so bursts
are what is searched for.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

VERSION = 1
AT_ONCE = timedelta(seconds=1)  # two different links within it: nobody reads that fast
SHORTLY = timedelta(seconds=10)  # three different links within it: a scanner follows them all
WALK = 3
REMEMBERED = 12  # hits of one reader: enough to recognise a scanner, few enough to compare each with each
OPENING = 0
SCANNERS = re.compile(
    r"bot\b|crawl|spider|scan|preview|headless|python|curl|wget|java/|okhttp|go-http|libwww|axios|node-fetch|"
    r"safelinks|urldefense|proofpoint|mimecast|barracuda|symantec|fortinet|trend ?micro|forcepoint|msoffice existence",
    re.IGNORECASE,
)
PROXIES = re.compile(r"googleimageproxy|ggpht|yahoomailproxy|yahoocachesystem|^mozilla/5\.0$", re.IGNORECASE)


class HitClass(StrEnum):
    """Who is behind an opening or a click, as far as can be told."""

    HUMAN = "human"
    UNDETERMINED = "undetermined"
    MACHINE = "machine"


class Agent(StrEnum):
    """What kind of program the User-Agent header names; nothing else of the header is kept."""

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


@dataclass(frozen=True, slots=True)
class Signals:
    """What is seen of a hit: the link (0: the pixel), the time, the kind of program, whether it was a HEAD request."""

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


def classify(one: Signals, others: Sequence[Signals]) -> tuple[HitClass, Why]:
    """Who is behind a hit, given the other hits of the same reader."""
    if one.is_head:
        return HitClass.MACHINE, Why.HEAD
    if one.agent in {Agent.NONE, Agent.SCANNER}:
        return HitClass.MACHINE, Why.AGENT
    if _is_burst(one, others):
        return HitClass.MACHINE, Why.BURST
    if one.agent is Agent.PROXY:
        return HitClass.UNDETERMINED, Why.PROXY
    return HitClass.HUMAN, Why.NOTHING_SUSPECT


def _is_burst(hit: Signals, others: Sequence[Signals]) -> bool:
    """Whether different links were followed faster than anybody reads. The pixel does not count: it loads by itself."""
    if hit.link == OPENING:
        return False
    links = {other.link for other in others if other.link not in {OPENING, hit.link} and _near(hit, other, AT_ONCE)}
    around = {other.link for other in others if other.link != OPENING and _near(hit, other, SHORTLY)}
    return bool(links) or len(around | {hit.link}) >= WALK


def _near(hit: Signals, other: Signals, within: timedelta) -> bool:
    return abs(hit.at - other.at) <= within


@dataclass(frozen=True, slots=True)
class Met:
    """A hit of the last seconds: what was seen, its class so far, and what was hit."""

    signals: Signals
    thought: HitClass
    where: Any


@dataclass
class Readers:
    """The hits of the last seconds by reader, in memory only: the reader is never stored.

    A reader is any bytes that are the same for the same program at the same address.
    """

    recent: OrderedDict[bytes, deque[Met]] = field(default_factory=OrderedDict)

    def meet(self, reader: bytes, signals: Signals, where: object) -> tuple[HitClass, list[Met]]:
        """Classify a hit; returns its class, and the earlier hits it shows as a machine's, with their former class."""
        self._forget(signals.at - SHORTLY)
        seen = self.recent.setdefault(reader, deque(maxlen=REMEMBERED))
        self.recent.move_to_end(reader)
        hit_class, _ = classify(signals, [met.signals for met in seen])
        seen.append(Met(signals, hit_class, where))
        everything = [met.signals for met in seen]
        unmasked = [
            met
            for met in seen
            if met.thought is not HitClass.MACHINE and classify(met.signals, everything)[0] is HitClass.MACHINE
        ]
        told = (replace(met, thought=HitClass.MACHINE) if met in unmasked else met for met in seen)
        self.recent[reader] = deque(told, REMEMBERED)
        return hit_class, unmasked

    def forget(self, reader: bytes) -> None:
        """Forget a reader whose last hit was not stored, so that it is never subtracted later."""
        self.recent.pop(reader, None)

    def _forget(self, before: datetime) -> None:
        """Drop old readers. They are ordered by last hit, oldest first, so the cost does not grow with their number."""
        while self.recent and next(iter(self.recent.values()))[-1].signals.at < before:
            self.recent.popitem(last=False)
