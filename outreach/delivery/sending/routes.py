"""Chooses the relay in use among several, and holds how wide and how fast a worker uses each."""

import time
from collections.abc import Sequence
from datetime import datetime

from outreach.db import Session
from outreach.delivery.sending import relay_health
from outreach.delivery.sending.pacing import TokenBucket, Width
from outreach.delivery.smtp.relay import Relay


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
        hindered = relay_health.hindrances(session, list(self._routes), place=self._place, now=now)
        serving = [route for name, route in self._routes.items() if name not in hindered]
        if serving:
            self.used = serving[0]
        return bool(serving)

    def narrow(self, relays: set[Relay]) -> None:
        """Use half as many connections to these relays, which asked for fewer."""
        for relay in relays:
            self._routes[relay.name].width.narrow(time.monotonic())
