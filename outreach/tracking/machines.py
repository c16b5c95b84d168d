"""Which openings and clicks come from machines: a pure judgement, versioned, that may be made again over what is kept.

Mail proxies load every picture, scanners follow every link; nothing they do is dropped, nothing is acted on. A delay
after sending tells nothing (most bursts come tens of seconds later), so bursts are looked for.
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
SHORTLY = timedelta(seconds=10)  # within it, three different links are a scanner's walk
WALK = 3
REMEMBERED = 12  # hits of one reader: enough to see a walk, few enough to compare each with each
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
    """What a program says it is, and all that is kept of it."""

    NONE = "none"
    SCANNER = "scanner"
    PROXY = "proxy"
    BROWSER = "browser"


class Why(StrEnum):
    """What a judgement rests on."""

    HEAD = "head"
    AGENT = "agent"
    PROXY = "proxy"
    BURST = "burst"
    NOTHING_SUSPECT = "nothing_suspect"


@dataclass(frozen=True, slots=True)
class Signals:
    """What is seen of a hit: which link (0: the pixel), when, what asked, whether only for the headers."""

    link: int
    at: datetime
    agent: Agent
    is_head: bool


def agent_of(user_agent: str) -> Agent:
    """What a User-Agent header says. A mail proxy hides whether somebody looks."""
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
    """Whether different links were followed faster than anybody reads; the pixel loads with the letter."""
    if hit.link == OPENING:
        return False
    links = {other.link for other in others if other.link not in {OPENING, hit.link} and _near(hit, other, AT_ONCE)}
    around = {other.link for other in others if other.link != OPENING and _near(hit, other, SHORTLY)}
    return bool(links) or len(around | {hit.link}) >= WALK


def _near(hit: Signals, other: Signals, within: timedelta) -> bool:
    return abs(hit.at - other.at) <= within


@dataclass(frozen=True, slots=True)
class Met:
    """A hit of these last seconds: what was seen, what was thought of it, and what it was a hit of."""

    signals: Signals
    thought: HitClass
    where: Any


@dataclass
class Readers:
    """The last seconds' hits by reader, in memory alone: who read is never written down.

    A reader is any bytes that are the same for the same program at the same place.
    """

    recent: OrderedDict[bytes, deque[Met]] = field(default_factory=OrderedDict)

    def meet(self, reader: bytes, signals: Signals, where: Any) -> tuple[HitClass, list[Met]]:
        """Judge a hit; with it, the earlier ones that it shows to be a machine's, each with what was thought of it."""
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
        """Forget a reader: its last hit was not kept, so that nothing of it can be taken back."""
        self.recent.pop(reader, None)

    def _forget(self, before: datetime) -> None:
        """Readers stand by their last hit, the oldest first: a hit costs the same however many there are."""
        while self.recent and next(iter(self.recent.values()))[-1].signals.at < before:
            self.recent.popitem(last=False)
