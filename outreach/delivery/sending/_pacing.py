"""How fast letters leave, and by which relay of several: connections in use, letters a second."""

import time
from collections.abc import Sequence
from datetime import datetime

from outreach.core.db import Session
from outreach.delivery.sending._relay_health import relay_hindrances
from outreach.delivery.smtp import Relay

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


class Route:
    """A relay as one worker uses it: its number of connections, its rate, its failed connections since an answer."""

    def __init__(self, relay: Relay) -> None:
        now = time.monotonic()
        self.relay, self.width, self.bucket = relay, Width(relay.connections, now), TokenBucket(relay.rate, now)
        self.failures = 0


class Routes:
    """The relays of a worker of the installation at `place`, the preferred one first; `used` is the one in use now."""

    def __init__(self, relays: Sequence[Relay], place: str) -> None:
        self._place = place
        self._routes = {relay.name: Route(relay) for relay in relays}
        self.used = self._routes[relays[0].name]

    def choose(self, session: Session, *, now: datetime) -> bool:
        """Use the first relay that neither rests nor is in alarm; False when there is none."""
        hindered = relay_hindrances(session, list(self._routes), place=self._place, now=now)
        serving = [route for name, route in self._routes.items() if name not in hindered]
        if serving:
            self.used = serving[0]
        return bool(serving)

    def narrow(self, relays: set[Relay]) -> None:
        """Use half as many connections to these relays, which asked for fewer."""
        for relay in relays:
            self._routes[relay.name].width.narrow(time.monotonic())
