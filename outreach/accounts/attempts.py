"""Counts failed sign-ins by account and by network address, to slow down password guessing.

A browser whose owner signed in before is counted apart, so that an attacker cannot lock the owner out (OWASP, "Slow
Down Online Guessing Attacks with Device Cookies"). The counts are in memory, since one process serves the pages.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

PERIOD = timedelta(minutes=15)
MOST_NAMES = 10_000


class Attempts:
    """The attempts of the last 15 minutes that failed or are under way, by the names they are counted under."""

    def __init__(self) -> None:
        self._at: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def begin(self, most: Mapping[str, int], now: datetime) -> bool:
        """Count an attempt under each name and return True; when a name has reached its limit, return False instead."""
        with self._lock:
            self._forget(most, now)
            if any(len(self._at.get(name, ())) >= count for name, count in most.items()):
                return False
            for name in most:
                self._at.setdefault(name, deque()).append(now)
            return True

    def take_back(self, names: Iterable[str]) -> None:
        """Remove an attempt under these names from the counts: the password was right."""
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
