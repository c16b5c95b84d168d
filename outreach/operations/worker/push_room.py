"""The push room: what pushes events to programs, each by a thread of its own, so that a slow one delays no other."""

import threading
import time
from functools import cached_property

from outreach.core.db import Database
from outreach.core.settings import Settings
from outreach.integrations import webhooks_out
from outreach.integrations.webhooks_out import Deliver
from outreach.operations.worker.resilience import going_on

AT_ONCE = 8  # programs: of more, those that wait longest go first
TURN_SECONDS = 15.0  # of a program that takes one batch after another, before it waits for its next turn


class PushRoom:
    """Pushes to each program what is due: at each look of the clock those begin that wait, and have no thread yet.

    Its threads end with the process: what was under way is pushed again, under the same name.
    """

    def __init__(self, settings: Settings, database: Database, stop: threading.Event) -> None:
        self._settings, self._database, self._stop = settings, database, stop
        self._begins, self._busy = threading.Lock(), set[int]()

    def look(self) -> None:
        """Begin to push to the programs that wait for events."""
        with self._database.reading() as session:
            waiting = webhooks_out.due_endpoints(session, now=self._settings.instant())
        for target in waiting:
            with self._begins:
                if self._stop.is_set() or target in self._busy or len(self._busy) >= AT_ONCE:
                    continue
                self._busy.add(target)
            threading.Thread(
                target=self._push, args=(target, self._deliver), name=f"push {target}", daemon=True
            ).start()

    def _push(self, target: int, deliver: Deliver) -> None:
        address, clock, until = self._settings.address, self._settings.instant, time.monotonic() + TURN_SECONDS
        try:
            with going_on(f"pushing events to program {target}", self._database):
                while not self._stop.is_set() and time.monotonic() < until:
                    if not webhooks_out.push_next(self._database, target, address, deliver, clock):
                        break
        finally:
            with self._begins:
                self._busy.discard(target)

    @cached_property
    def _deliver(self) -> Deliver:
        from outreach.integrations.webhooks_out import https  # noqa: PLC0415 - most processes push nothing

        return https.Delivering(https.key_of(self._settings.own_key))
