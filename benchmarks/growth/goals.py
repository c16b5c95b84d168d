"""The goals that the costs are held to, and what of them is missed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.growth.meter import Cost
from benchmarks.growth.pages import Kind

MOST_GROWTH = 1.2  # times the growth of the directory
WEB_PROCESS, FILE = 200, 150  # MB
LONGEST = 1.0  # seconds by the clock of a writing transaction, beyond 10,000 authorities
# Up to so many authorities, the most processor seconds of each kind.
SECONDS = (
    (10_000, {Kind.PAGE: 0.4, Kind.AUDIENCE: 0.3, Kind.LAUNCH: 2.5}),
    (100_000, {Kind.PAGE: 5.0, Kind.AUDIENCE: 3.0, Kind.LAUNCH: 60.0}),
)


@dataclass(frozen=True)
class Line:
    """What one operation costs at one size; `before` is its line of the size before."""

    name: str
    kind: Kind
    authorities: int
    cost: Cost
    before: "Line | None" = None

    @property
    def growth(self) -> float | None:
        """How many times the seconds of the size before it takes."""
        if self.before is None or not self.before.cost.cpu_s or self.cost.cpu_s is None:
            return None
        return round(self.cost.cpu_s / self.before.cost.cpu_s, 2)

    def as_json(self) -> dict[str, Any]:
        """The line, by fixed names."""
        cost = {"cpu_s": self.cost.cpu_s, "peak_mb": self.cost.peak_mb, "growth": self.growth}
        cost |= {"clock_s": self.cost.clock_s, "statements": self.cost.statements}
        return {"name": self.name, "authorities": self.authorities, **cost}

    def __str__(self) -> str:
        if self.cost.fault:
            return f"{self.name:36} {self.authorities:7}  failed: {self.cost.fault}"
        growth = "" if self.growth is None else f"  × {self.growth:.1f}"
        asked = f"{self.cost.clock_s:9.3f} s by the clock {self.cost.statements:5} statements"
        return (
            f"{self.name:36} {self.authorities:7} {self.cost.cpu_s:9.3f} s {asked} {self.cost.peak_mb:7.1f} MB{growth}"
        )


def missed(lines: Iterable[Line]) -> list[str]:
    """A sentence for each goal that is missed."""
    return [f"{line.name}, {line.authorities}: {fault}" for line in lines for fault in _faults(line)]


def _faults(line: Line) -> Iterator[str]:
    seconds, megabytes = line.cost.cpu_s, line.cost.peak_mb
    if seconds is None or megabytes is None:
        yield f"it failed ({line.cost.fault})"
        return
    most = next((limits.get(line.kind) for size, limits in SECONDS if line.authorities <= size), None)
    if most is not None and seconds > most:
        yield f"{seconds:.2f} s of processor time, the goal is {most} s"
    if line.before is not None and line.growth is not None:
        times = line.authorities / line.before.authorities
        if line.growth > MOST_GROWTH * times:
            yield f"× {line.growth:.1f} for × {times:g}, the goal is × {MOST_GROWTH * times:g}"
    longest = line.cost.longest_s
    if longest is not None and line.authorities > SECONDS[0][0] and longest > LONGEST:
        yield f"a writing transaction took {longest:.1f} s, the goal is {LONGEST:g} s"
    room = {Kind.PAGE: WEB_PROCESS, Kind.AUDIENCE: WEB_PROCESS, Kind.FILE: FILE}.get(line.kind)
    if room is not None and megabytes > room:
        yield f"{megabytes:.0f} MB, the goal is {room} MB"
