"""How fast letters leave: how many connections, and how many letters a second. Pure."""

from collections.abc import Mapping

BURST_SECONDS = 10
ROUNDS_TO_WIDEN = 20


class Width:
    """How many connections to use: half when the relay asks for less (421), one more after some rounds without that."""

    def __init__(self, most: int) -> None:
        self.most = self.now = most
        self._rounds = 0

    def narrow(self) -> None:
        """The relay asks for less."""
        self.now, self._rounds = max(1, self.now // 2), 0

    def widen(self) -> None:
        """A round has ended, and the relay did not ask for less."""
        self._rounds += 1
        if self._rounds % ROUNDS_TO_WIDEN == 0:
            self.now = min(self.most, self.now + 1)


class TokenBucket:
    """So many letters a second at most (0 = as many as go), with a burst of some seconds' worth saved up.

    It never waits: it tells how many may go now. The first may go at once, however slow the others.
    """

    def __init__(self, rate: float, now: float) -> None:
        self.rate, self._level, self._at = rate, max(1.0, rate), now

    def room(self, wanted: int, now: float) -> int:
        """How many of the wanted may go now. `now` is in seconds, on a clock that never goes back."""
        if not self.rate:
            return wanted
        self._level = min(self._level + (now - self._at) * self.rate, max(1.0, self.rate * BURST_SECONDS))
        self._at = now
        return min(wanted, int(self._level))

    def take(self, wanted: int, now: float) -> int:
        """How many of the wanted may go now; they are taken."""
        granted = self.room(wanted, now)
        self._level -= granted
        return granted


class Domains:
    """How fast each recipient domain is written to; `rates` are letters a second, `*` those of any other domain.

    A domain without room is `full` for the rest of a turn: what is for it is passed over, and nobody waits.
    """

    def __init__(self, rates: Mapping[str, float]) -> None:
        self._rates, self._buckets = rates, dict[str, TokenBucket]()
        self.full: set[str] = set()

    def admits(self, address: str, now: float) -> bool:
        """Whether a letter to this address may go now; it is taken. Its domain is full from now on otherwise."""
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
        """Whether this turn has nothing more for an address."""
        return bool(self.full) and _domain(address) in self.full


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()
