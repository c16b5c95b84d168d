"""How fast letters leave: connections in use, letters a second, letters to a domain. No I/O."""

from collections.abc import Mapping

BURST_SECONDS = 10
ROUNDS_TO_WIDEN = 20
SECONDS_TO_WIDEN = 5.0


class Width:
    """How many connections to use: half when the relay asks for fewer (421).

    Then one more after every 20 rounds without that, and after every 5 s: where all are late there are no rounds.
    """

    def __init__(self, most: int, now: float = 0.0) -> None:
        self.most = self.now = most
        self._rounds, self._at = 0, now

    def narrow(self, now: float) -> None:
        """Use half as many: the relay asked for fewer. `now` is in seconds of a monotonic clock."""
        self.now, self._rounds, self._at = max(1, self.now // 2), 0, now

    def recover(self, now: float) -> None:
        """Use one more for every 5 s since the relay last asked for fewer."""
        steps = int((now - self._at) // SECONDS_TO_WIDEN)
        self.now, self._at = min(self.most, self.now + steps), self._at + steps * SECONDS_TO_WIDEN

    def widen(self) -> None:
        """Count a round; every 20 rounds since the relay last asked for fewer, use one more."""
        self._rounds += 1
        if self._rounds % ROUNDS_TO_WIDEN == 0:
            self.now = min(self.most, self.now + 1)


class TokenBucket:
    """A token bucket: at most `rate` letters a second (0 = no limit), with bursts of up to 10 seconds' worth.

    It never waits: it returns how many letters may go now. The first letter may go at once, however low the rate.
    """

    def __init__(self, rate: float, now: float) -> None:
        self.rate, self._level, self._at = rate, max(1.0, rate), now

    def room(self, wanted: int, now: float) -> int:
        """How many of `wanted` letters may go now. `now` is in seconds of a monotonic clock."""
        if not self.rate:
            return wanted
        self._level = min(self._level + (now - self._at) * self.rate, max(1.0, self.rate * BURST_SECONDS))
        self._at = now
        return min(wanted, int(self._level))

    def take(self, wanted: int, now: float) -> int:
        """Take up to `wanted` letters; returns how many may go now."""
        granted = self.room(wanted, now)
        self._level -= granted
        return granted


class Domains:
    """Limits letters to each recipient domain. `rates` are in letters a second; `*` is for any other domain.

    A domain over its rate is `full` for the rest of a turn. Its letters are skipped, so they do not delay the others.
    """

    def __init__(self, rates: Mapping[str, float]) -> None:
        self._rates, self._buckets = rates, dict[str, TokenBucket]()
        self.full: set[str] = set()

    def admits(self, address: str, now: float) -> bool:
        """Whether a letter to this address may go now. If so, it is counted; else its domain is full from now on."""
        if not self._rates:
            return True
        domain = _domain(address)
        rate = self._rates.get(domain, self._rates.get("*", 0.0))
        if not rate:
            return True
        if domain in self.full:
            return False
        if self._buckets.setdefault(domain, TokenBucket(rate, now)).take(1, now):
            return True
        self.full.add(domain)
        return False

    def is_full(self, address: str) -> bool:
        """Whether the address's domain is full for this turn."""
        return bool(self.full) and _domain(address) in self.full


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
