"""How many requests a key may make in a minute: counted in memory, by each process for itself.

Most are reads. Those that write, or are refused, count as well.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

READS, WINDOW_SECONDS = 600, 60
MOST_KEYS = 10_000  # remembered at a time; there are a few


@dataclass(frozen=True, slots=True)
class Room:
    """What is left of a limit, and in how many seconds it begins anew."""

    name: str
    quota: int
    window: int
    left: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say so (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={self.window}',
            "RateLimit": f'"{self.name}";r={max(self.left, 0)};t={self.seconds}',
        }


class Reads:
    """Counts the requests of each key in windows of a minute."""

    def __init__(self, quota: int = READS, clock: Callable[[], float] = time.monotonic) -> None:
        self.quota, self._clock = quota, clock
        self._counted: dict[int, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def take(self, key: int) -> Room:
        """Count one request; `left` is below zero where it is one too many."""
        at = self._clock()
        with self._lock:
            began, count = self._counted.get(key, (at, 0))
            if at - began >= WINDOW_SECONDS:
                began, count = at, 0
            if len(self._counted) >= MOST_KEYS:
                self._counted.clear()
            self._counted[key] = began, count + 1
        seconds = max(1, round(began + WINDOW_SECONDS - at))
        return Room("reads", self.quota, WINDOW_SECONDS, self.quota - count - 1, seconds)
