"""Which connections keep others waiting: those late in a round, those silent too long, letters stuck behind a dot."""

import time
from collections.abc import Collection, Iterable

from outreach.delivery.smtp.connection import OPENING, Connection
from outreach.delivery.smtp.protocol import State
from outreach.delivery.smtp.timeouts import Timeouts

PATIENCE_SECONDS = 5.0  # how long a letter may wait behind the dot of another
ALONE_SECONDS = 600.0  # how long no letter is pipelined after one had to wait
LEAST_SECONDS = 1.0  # an answer is overdue after this time at least,
TIMES_THE_USUAL = 4  # and after four times as long as answers to dots take
SMOOTHING = 1 / 16
WAITING_FOR_US = (State.READY, State.AT_DOT)


class Lateness:
    """The patience of a pool. A connection that is late in a round is left for a later one, until it answers.

    It is overdue when it owes an answer for far longer than this relay takes as a rule. At a relay that is always slow
    hardly any is, so that such a relay does not get more connections than it should.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self._late: set[Connection] = set()
        self._overdue: set[Connection] = set()
        self._alone_until = 0.0
        self._usual = (
            PATIENCE_SECONDS / TIMES_THE_USUAL
        )  # how long answers to dots take; at first, not known to be fast

    @property
    def overdue(self) -> set[Connection]:
        """The connections that owe an answer for far longer than usual."""
        return self._overdue

    @property
    def overdue_after(self) -> float:
        """After how many seconds an answer is overdue."""
        return max(LEAST_SECONDS, TIMES_THE_USUAL * self._usual)

    def learn(self, seconds: float) -> None:
        """Note how long the answer to a dot took. A single very long one changes little."""
        self._usual += (min(seconds, self.overdue_after) - self._usual) * SMOOTHING

    @property
    def stuck(self) -> int:
        """How many connections are late in opening: others have to be opened in their place."""
        return sum(connection.state in OPENING for connection in self._late)

    @property
    def allows_pipelining(self) -> bool:
        """Whether no letter had to wait behind a dot in the last ten minutes."""
        return time.monotonic() >= self._alone_until

    def count(self, states: Collection[State]) -> int:
        """How many late connections are in one of these states."""
        return sum(connection.state in states for connection in self._late)

    def has(self, connection: Connection) -> bool:
        """Whether a connection is late."""
        return connection in self._late

    def note(self, connections: Iterable[Connection]) -> None:
        """These connections owe an answer at the end of a round; no other one is late."""
        self._late = set(connections)

    def forgive(self, connection: Connection) -> None:
        """A connection has answered, or is gone."""
        self._late.discard(connection)

    def moved(self, connection: Connection) -> None:
        """A connection has come a step further: it owes another answer, or none."""
        self._overdue.discard(connection)

    def start_anew(self) -> None:
        """Forget what is known of the relay: another one is used from now on."""
        self._alone_until, self._usual = 0.0, PATIENCE_SECONDS / TIMES_THE_USUAL

    def give_up_on(self, connection: Connection, now: float) -> bool:
        """End what has lasted too long on a connection, or give back the letter behind its dot. False if all is well.

        `now` is in seconds of a monotonic clock.
        """
        waited = now - connection.since
        limit = self.timeouts.connect if connection.is_connecting else self.timeouts.of(connection.state)
        if connection.state is not State.READY and waited > limit:
            give_up = connection.try_next if connection.is_connecting else connection.talk.break_off
            give_up("le serveur d’envoi ne répond plus")
            return True
        if waited > self.overdue_after and connection.state not in WAITING_FOR_US:
            self._overdue.add(connection)
        if connection.talk.is_behind and waited > PATIENCE_SECONDS:
            self._alone_until = now + ALONE_SECONDS
            connection.talk.recall()
            return True
        return False
