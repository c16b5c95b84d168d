"""Failed sign-ins, counted by account and by network address, so that whoever tries passwords is slowed down.

A browser in which its owner signed in before is counted apart: whoever tries passwords keeps nobody out (OWASP, "Slow
Down Online Guessing Attacks with Device Cookies"). The counts live in memory, since one process serves the pages.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

PERIOD = timedelta(minutes=15)
MOST_NAMES = 10_000


class Attempts:
    """The attempts of the last quarter of an hour that failed or are under way, by any names."""

    def __init__(self) -> None:
        self._at: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def begin(self, most: Mapping[str, int], now: datetime) -> bool:
        """Count an attempt under each of these names, unless one has reached its most; whether it may go on."""
        with self._lock:
            self._forget(most, now)
            if any(len(self._at.get(name, ())) >= count for name, count in most.items()):
                return False
            for name in most:
                self._at.setdefault(name, deque()).append(now)
            return True

    def take_back(self, names: Iterable[str]) -> None:
        """An attempt under these names was right: it does not count."""
        with self._lock:
            for name in names:
                if self._at.get(name):
                    self._at[name].pop()

    def _forget(self, names: Iterable[str], now: datetime) -> None:
        for name in list(self._at if len(self._at) >= MOST_NAMES else names):
            kept = self._at.get(name, deque())
            while kept and kept[0] <= now - PERIOD:
                kept.popleft()
            if not kept:
                self._at.pop(name, None)
        while len(self._at) >= MOST_NAMES:
            del self._at[next(iter(self._at))]
