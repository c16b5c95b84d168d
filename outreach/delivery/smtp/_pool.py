"""A pool of parallel connections to a relay, in one thread: the only way out for letters.

It never waits for one connection alone, so a slow one does not delay the others. The guard checks each letter here, as
the last step: it stops letters to anybody outside a trial's list, and to the ministry's own mailboxes.
"""

import selectors
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from outreach.delivery.smtp._connection import OPENING, Connection, OnBody, Timeouts
from outreach.delivery.smtp._protocol import AttemptResult, Failure, Parcel, State, Verdict
from outreach.delivery.smtp._relay import Guard, Relay

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


LOOK_SECONDS = 0.1
OVERDUE_FOR_ONE = 5  # with 8 connections, 48 at most in all: relays often allow 50 to one client
GREETING_BESIDE_OTHERS = 30


class Overdue(NamedTuple):
    """A relay that owes answers for far longer than usual: on how many connections, and for how long at most."""

    relay: str
    connections: int
    seconds: float


class Pool:
    """Up to some tens of connections to a relay. It collects results and failures, and never raises network errors.

    It uses one of several relays at a time, at the beginning the first. With a fallback relay the greeting times out
    after 30 s, as a connect does. The guard applies to every relay.
    """

    def __init__(
        self,
        relays: Sequence[Relay],
        guard: Guard,
        timeouts: Timeouts | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.relays, self.relay, self.guard = relays, relays[0], guard
        self.on_body: OnBody | None = None  # called before a body is written (False), and when it is half written
        usual = Timeouts() if len(relays) == 1 else Timeouts(greeting=GREETING_BESIDE_OTHERS)
        self.lateness = Lateness(timeouts or usual)
        self._context = context
        self._selector = selectors.DefaultSelector()
        self._in: dict[State, dict[Connection, None]] = {state: {} for state in State}  # connections by state, in order
        self._settled: list[tuple[Relay, Parcel, AttemptResult]] = []
        self._failures: list[tuple[Relay, Failure]] = []
        self._looked_at = 0.0

    def turn_to(self, relay: Relay) -> None:
        """Use this relay from now on. Connections to another one finish the letter they carry, then close."""
        if relay is not self.relay:
            self.recall()
            self.narrow(0)
            self.relay = relay
            self.lateness.start_anew()

    def open(self, count: int) -> None:
        """Open connections until there are `count` to the relay in use, those being opened included.

        With a password, only one is opened until one has signed in: some relays lock an account after a few wrong
        passwords.
        """
        if self.relay.user and not any(
            connection.has_served for connection in self._connections() if connection.talk.relay is self.relay
        ):
            count = 1
        for _ in range(count - self.width):
            connection = Connection(self.relay, self._context, self.on_body)
            self._in[connection.state][connection] = None
            connection.connect()
            self._file(connection)
            if connection.state is State.CLOSED:
                break

    def count(self, *states: State) -> int:
        """How many connections are in one of these states."""
        return sum(len(self._in[state]) for state in states)

    def prompt(self, *states: State) -> int:
        """How many connections in these states are not late. A late one is left out until it answers."""
        return self.count(*states) - self.lateness.count(states)

    @property
    def stuck(self) -> int:
        """How many connections are late in opening: others have to be opened in their place."""
        return self.lateness.stuck

    @property
    def free(self) -> int:
        """How many connections are ready for a letter, or will be soon."""
        return self.prompt(State.READY, *OPENING)

    @property
    def width(self) -> int:
        """How many connections to the relay in use are open or being opened, without those that stand `outside`."""
        return sum(connection.talk.relay is self.relay for connection in self._connections()) - self.outside

    @property
    def outside(self) -> int:
        """How many connections to the relay in use are overdue, and so stand outside the width.

        They have a bound of their own: five for each connection that the relay is allowed.
        """
        overdue = sum(connection.talk.relay is self.relay for connection in self.lateness.overdue)
        return min(overdue, OVERDUE_FOR_ONE * self.relay.connections)

    def longest_overdue(self) -> Overdue | None:
        """The relay that owes an answer for longest, and how many connections to it are overdue. For any thread."""
        owing = sorted(self.lateness.overdue.copy(), key=lambda connection: connection.since)
        if not owing:
            return None
        relay = owing[0].talk.relay
        count = sum(connection.talk.relay is relay for connection in owing)
        return Overdue(relay.name, count, time.monotonic() - owing[0].since)

    @property
    def awaited(self) -> int:
        """How many connections are between two steps, and not overdue."""
        return len(self._connections()) - self.count(*WAITING_FOR_US) - len(self.lateness.overdue)

    def hand(self, parcel: Parcel) -> None:
        """Start a parcel on an idle connection (there must be one), unless the guard stops it."""
        if self._lets_out(parcel):
            connection = next(iter(self._in[State.READY]))
            connection.talk.hand(parcel)
            self._push(connection)

    def at_dot(self) -> list[Parcel]:
        """The parcels that wait for their dot."""
        return [connection.talk.parcel for connection in self._in[State.AT_DOT] if connection.talk.parcel]

    def room_behind(self, keys: Collection[int]) -> int:
        """How many parcels can be pipelined behind the dots of these."""
        return sum(self._takes_another(connection) for connection in self._at_dot_with(keys))

    def release(self, keys: Collection[int], following: Iterable[Parcel] = ()) -> None:
        """Write the dots of these parcels. The `following` go behind them, as far as there is room."""
        others = filter(self._lets_out, following)
        for connection in self._at_dot_with(keys):
            connection.talk.release(next(others, None) if self._takes_another(connection) else None)
            self._push(connection)

    def recall(self) -> None:
        """Give back the parcels behind unanswered dots. Their connections close with the answer."""
        for connection in list(self._in[State.VERDICT]):
            connection.talk.recall()
            self._file(connection)

    def abandon(self, keys: Collection[int]) -> None:
        """Close the connections on which these parcels wait for their dot: they were not accepted."""
        for connection in self._at_dot_with(keys):
            connection.talk.abandon()
            self._file(connection)

    def collect(self) -> list[tuple[Relay, Parcel, AttemptResult]]:
        """The results of parcels since the last call, with the relay of each."""
        collected, self._settled = self._settled, []
        return collected

    def failures(self) -> list[tuple[Relay, Failure]]:
        """The failed connections since the last call, with the relay of each."""
        failed, self._failures = self._failures, []
        return failed

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Attend to the connections until `until` is true, for at most `seconds`."""
        end = time.monotonic() + seconds
        while not until() and self.count(*State):
            left = end - time.monotonic()
            if left <= 0:
                return
            self._step(left)

    def poll(self) -> None:
        """Process what has happened by now, without waiting."""
        self._step(0)

    def pass_over(self) -> None:
        """Mark the connections that still owe an answer as late: they are left for a later round."""
        self.lateness.note(each for each in self._connections() if each.state not in WAITING_FOR_US)

    def narrow(self, count: int) -> None:
        """Close idle connections, until `count` to the relay in use are left. Busy ones stay."""
        for connection in list(self._in[State.READY])[: max(0, self.width - count)]:
            self._quit(connection)

    def leave(self, seconds: float) -> None:
        """Close the connections that have been idle for so long. The others are kept for letters of another time."""
        since = time.monotonic() - seconds
        for connection in list(self._in[State.READY]):
            if connection.since <= since:
                self._quit(connection)
            else:
                connection.talk.keep()

    def close(self) -> None:
        """Close everything. A parcel whose dot was written is settled as UNKNOWN."""
        for connection in self._connections():
            connection.talk.break_off("nous avons fermé la connexion")
            self._file(connection)
        self._selector.close()

    def _at_dot_with(self, keys: Collection[int]) -> list[Connection]:
        return [
            connection
            for connection in self._in[State.AT_DOT]
            if connection.talk.parcel and connection.talk.parcel.key in keys
        ]

    def _takes_another(self, connection: Connection) -> bool:
        """Whether a letter may be pipelined behind the dot of this connection.

        Only if the relay is in use and offers PIPELINING, the connection is not late, and no pipelined letter had to
        wait for 5 s in the last 10 minutes.
        """
        is_quick = self.lateness.allows_pipelining and not self.lateness.has(connection)
        return is_quick and connection.talk.pipelines and connection.talk.relay is self.relay

    def _lets_out(self, parcel: Parcel) -> bool:
        is_stopped = self.guard.stops(parcel.recipient)
        if is_stopped:
            self._settled.append((self.relay, parcel, AttemptResult(Verdict.STOPPED, text="hors de la liste de test")))
        return not is_stopped

    def _connections(self) -> list[Connection]:
        return [connection for connections in self._in.values() for connection in connections]

    def _step(self, seconds: float) -> None:
        for key, events in self._selector.select(min(seconds, 0.5)):
            key.data.attend(bool(events & selectors.EVENT_READ), bool(events & selectors.EVENT_WRITE))
            self._file(key.data)
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            for connection in self._connections():
                if self.lateness.give_up_on(connection, now):
                    self._file(connection)

    def _quit(self, connection: Connection) -> None:
        connection.talk.quit()
        self._push(connection)

    def _push(self, connection: Connection) -> None:
        connection.attend(readable=False, writable=True)
        self._file(connection)

    def _file(self, connection: Connection) -> None:
        """File a connection under its current state and collect its results. Called after each use of it."""
        talk = connection.talk
        if talk.settled:
            self._settled += [(talk.relay, parcel, result) for parcel, result in talk.settled]
            talk.settled.clear()
        if talk.state is not connection.state:
            del self._in[connection.state][connection]
            if connection.state is State.VERDICT or talk.state is State.READY:
                self.lateness.forgive(connection)
            if connection.state is State.VERDICT and talk.state is not State.CLOSED:
                self.lateness.learn(time.monotonic() - connection.since)
            self.lateness.moved(connection)
            connection.state, connection.since = talk.state, time.monotonic()
            if connection.state is State.CLOSED:
                self._drop(connection)
                return
            self._in[connection.state][connection] = None
            if connection.state is State.READY and talk.relay is not self.relay:
                self._quit(connection)
                return
        if connection.is_connecting or connection.wants != connection.watched:
            self._watch(connection)

    def _watch(self, connection: Connection) -> None:
        """Register with the selector, by file descriptor.

        TLS replaces the socket and keeps its descriptor; trying another address changes the descriptor.
        """
        number, wants = connection.socket.fileno(), connection.wants
        if number != connection.number:
            self._forget(connection)
            connection.number = number
            self._selector.register(number, wants, connection)
        elif wants != connection.watched:
            self._selector.modify(number, wants, connection)
        connection.watched = wants

    def _forget(self, connection: Connection) -> None:
        if connection.number >= 0:
            self._selector.unregister(connection.number)

    def _drop(self, connection: Connection) -> None:
        self.lateness.forgive(connection)
        self._forget(connection)
        connection.socket.close()
        if connection.talk.failure:
            self._failures.append((connection.talk.relay, connection.talk.failure))
