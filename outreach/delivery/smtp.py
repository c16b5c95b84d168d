"""The only door to the network: a few connections to a relay, side by side, in one thread.

Nothing here waits for one connection alone: a relay that dawdles on one leaves the others at work. What the door may
not let out (another installation's trial, the ministry's own boxes) it stops here, last of all.
"""

import errno
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from outreach.delivery.conversation import Conversation, Failure, Parcel, Relay, State
from outreach.delivery.guard import Guard
from outreach.delivery.replies import Outcome, Verdict
from outreach.delivery.timeouts import Timeouts

OPENING = (State.GREETING, State.HELLO, State.STARTTLS, State.TLS, State.AUTH)
CHUNK = 65536
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 5.0  # of a letter behind the dot of another
ALONE_SECONDS = 600.0  # for how long no letter goes there, once one had to wait
GREETING_BESIDE_OTHERS = 30


OnBody = Callable[[bool], None]


class Line:
    """One connection: a conversation and its socket."""

    def __init__(self, relay: Relay, context: ssl.SSLContext | None, on_body: OnBody | None) -> None:
        self.talk, self.context, self._on_body = Conversation(relay), context, on_body
        self.socket = socket.socket()
        self._places: deque[tuple[Any, ...]] = deque()
        self.is_connecting, self.is_shaking, self._shakes_to_write = True, False, False
        self.since, self.state = time.monotonic(), State.GREETING
        self.number, self.watched = -1, 0

    def connect(self) -> None:
        """Begin to connect, without waiting for it. A name that cannot be resolved breaks the conversation off."""
        relay = self.talk.relay
        try:
            self._places += socket.getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM)
        except OSError as error:
            self.talk.break_off(f"le relais {relay.name} est introuvable ({error.strerror})")
        else:
            self.try_next(f"le relais {relay.name} n’a pas d’adresse que cette machine atteigne")

    def try_next(self, why: str) -> None:
        """Begin to connect to the relay's next address; with none left, the conversation breaks off for this reason."""
        while self._places:
            family, kind, number, _, place = self._places.popleft()
            try:
                fresh = socket.socket(family, kind, number)
            except OSError:
                continue  # this machine does not know this kind of address
            fresh.setblocking(False)
            fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Closed once its successor is there, so that the two never share a number.
            self.socket.close()
            self.socket, self.since = fresh, time.monotonic()
            if fresh.connect_ex(place) in {0, errno.EINPROGRESS}:
                return
        self.talk.break_off(why)

    def attend(self, readable: bool, writable: bool) -> None:
        """Do what the socket is ready for."""
        try:
            if self.is_connecting and writable:
                self._connected()
            elif self.is_shaking:
                self._shake()
            elif not self.is_connecting:
                if readable:
                    self._read()
                self.push()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return
        except OSError as error:
            self._broke(error)

    def push(self) -> None:
        """Write what there is to write: one write a step."""
        talk = self.talk
        if talk.state is State.TLS and not self.is_shaking:
            self._encrypt()
            return
        if talk.out and talk.state is State.BODY and self._on_body:
            self._push_in_halves(self._on_body)
        if talk.out:
            sent = self.socket.send(talk.out)
            del talk.out[:sent]
        if not talk.out:
            talk.flushed()

    def _push_in_halves(self, on_body: OnBody) -> None:
        """Somebody watches: the body stops before its first byte, and in its midst."""
        out = self.talk.out
        on_body(False)
        sent = self.socket.send(out[: len(out) // 2])
        del out[:sent]
        on_body(True)

    @property
    def has_served(self) -> bool:
        """Whether it came so far as to be ready for letters."""
        return self.state not in OPENING

    @property
    def wants(self) -> int:
        """The events to wait for."""
        is_writing = self._shakes_to_write if self.is_shaking else self.is_connecting or bool(self.talk.out)
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if is_writing else 0)

    def _broke(self, error: OSError) -> None:
        """Encryption that cannot be agreed upon waits for a person; anything else is a connection lost, or not made."""
        if self.is_connecting:
            self.try_next(error.strerror or "le relais ne répond pas")
            return
        is_refused = isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)
        if is_refused and self.is_shaking:
            self.talk.failure = Failure(f"chiffrement refusé : {error.strerror}", alarm=True)
            self.talk.state = State.CLOSED
        else:
            self.talk.break_off(error.strerror or "la connexion s’est rompue")

    def _connected(self) -> None:
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "le relais ne répond pas")
        self.is_connecting = False
        if self.talk.relay.encrypted:
            self._encrypt()

    def _encrypt(self) -> None:
        context = self.context or ssl.create_default_context()
        self.socket = context.wrap_socket(
            self.socket, server_hostname=self.talk.relay.host, do_handshake_on_connect=False
        )
        self.is_shaking = True
        self._shake()

    def _shake(self) -> None:
        try:
            self.socket.do_handshake()  # type: ignore[attr-defined]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
            self._shakes_to_write = isinstance(wanted, ssl.SSLWantWriteError)
            raise
        self.is_shaking = False
        self.talk.encrypted()
        self.push()

    def _read(self) -> None:
        while True:
            self.talk.receive(self.socket.recv(CHUNK))
            if self.talk.state is State.CLOSED or not getattr(self.socket, "pending", int)():
                return


class Door:
    """Up to some tens of connections to a relay. Everything it learns is collected: it never raises for the network.

    Of several relays one is used at a time, the first to begin with; where there is another to turn to, a greeting is
    waited for no longer than a connection. Whichever it is, the guard holds.
    """

    def __init__(
        self,
        relays: Sequence[Relay],
        guard: Guard,
        timeouts: Timeouts | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.relays, self.relay, self.guard = relays, relays[0], guard
        self.on_body: OnBody | None = None  # told when a body is about to be written (False), and is half written
        self._timeouts = timeouts or (Timeouts() if len(relays) == 1 else Timeouts(greeting=GREETING_BESIDE_OTHERS))
        self._context = context
        self._selector = selectors.DefaultSelector()
        self._in: dict[State, dict[Line, None]] = {state: {} for state in State}  # by where they stand, in order
        self._late: set[Line] = set()  # who did not answer in their turn
        self._settled: list[tuple[Relay, Parcel, Outcome]] = []
        self._failures: list[tuple[Relay, Failure]] = []
        self._looked_at = self._alone_until = 0.0

    def turn_to(self, relay: Relay) -> None:
        """Use this relay from now on. Connections to another end the letter they carry, then are left."""
        if relay is not self.relay:
            self.recall()
            self.leave()
            self.relay, self._alone_until = relay, 0.0

    def open(self, count: int) -> None:
        """Have up to `count` connections to the relay in use, opened or being opened.

        The first alone tells whether it takes our password: some lock an account after a few that are wrong.
        """
        if self.relay.user and not any(line.has_served for line in self._lines() if line.talk.relay is self.relay):
            count = 1
        for _ in range(count - self.width):
            line = Line(self.relay, self._context, self.on_body)
            self._in[line.state][line] = None
            line.connect()
            self._file(line)
            if line.state is State.CLOSED:
                break

    def count(self, *states: State) -> int:
        """How many connections are in one of these states."""
        return sum(len(self._in[state]) for state in states)

    def prompt(self, *states: State) -> int:
        """How many of them answer in their turn; one that did not is left out until it has."""
        return self.count(*states) - sum(line.state in states for line in self._late)

    @property
    def stuck(self) -> int:
        """How many were not ready for letters in their turn: others have to be opened for what they do not carry."""
        return sum(line.state in OPENING for line in self._late)

    @property
    def free(self) -> int:
        """How many are ready for a letter, or will be soon."""
        return self.prompt(State.READY, *OPENING)

    @property
    def width(self) -> int:
        """How many connections lead to the relay in use, or are being opened."""
        return sum(line.talk.relay is self.relay for line in self._lines())

    def hand(self, parcel: Parcel) -> None:
        """Begin with a parcel on an idle connection (there must be one), unless the guard keeps it in."""
        if self._lets_out(parcel):
            line = next(iter(self._in[State.READY]))
            line.talk.hand(parcel)
            self._push(line)

    def at_dot(self) -> list[Parcel]:
        """The parcels that wait for their dot."""
        return [line.talk.parcel for line in self._in[State.AT_DOT] if line.talk.parcel]

    def room_behind(self, keys: Collection[int]) -> int:
        """How many parcels may follow these, on the connections on which they wait for their dot."""
        return sum(self._takes_another(line) for line in self._at_dot_with(keys))

    def release(self, keys: Collection[int], following: Iterable[Parcel] = ()) -> None:
        """Write the dots of these parcels. Behind them the others begin: as many as there is room, at most."""
        others = filter(self._lets_out, following)
        for line in self._at_dot_with(keys):
            line.talk.release(next(others, None) if self._takes_another(line) else None)
            self._push(line)

    def recall(self) -> None:
        """Give back the parcels behind dots that have no answer yet; their connections will end with it."""
        for line in list(self._in[State.VERDICT]):
            line.talk.recall()
            self._file(line)

    def abandon(self, keys: Collection[int]) -> None:
        """Close the connections on which these parcels wait for their dot: they were not accepted."""
        for line in self._at_dot_with(keys):
            line.talk.parcel = None
            line.talk.state = State.CLOSED
            self._file(line)

    def collect(self) -> list[tuple[Relay, Parcel, Outcome]]:
        """What became of parcels since the last time it was asked, and at which relay."""
        collected, self._settled = self._settled, []
        return collected

    def failures(self) -> list[tuple[Relay, Failure]]:
        """Connections that came to nothing since the last time it was asked."""
        failed, self._failures = self._failures, []
        return failed

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Attend to the connections until the question is answered by yes, or for some seconds."""
        end = time.monotonic() + seconds
        while not until() and self.count(*State):
            left = end - time.monotonic()
            if left <= 0:
                return
            self._step(left)

    def poll(self) -> None:
        """Learn what has happened by now, without waiting."""
        self._step(0)

    def pass_over(self) -> None:
        """Wait no more for those that owe an answer: they are left for a later round."""
        self._late = set(self._lines()) - self._in[State.READY].keys() - self._in[State.AT_DOT].keys()

    def leave(self, keep: int = 0) -> None:
        """Take leave on idle connections, down to so many to the relay in use; those still at something stay."""
        for line in list(self._in[State.READY])[: max(0, self.width - keep)]:
            self._quit(line)

    def close(self) -> None:
        """Close everything; a parcel whose dot was written is settled as unknown."""
        for line in self._lines():
            line.talk.break_off("nous avons fermé la connexion")
            self._file(line)
        self._selector.close()

    def _at_dot_with(self, keys: Collection[int]) -> list[Line]:
        return [line for line in self._in[State.AT_DOT] if line.talk.parcel and line.talk.parcel.key in keys]

    def _takes_another(self, line: Line) -> bool:
        """Whether a letter may begin behind another's dot: not where it might wait for long, or that is to be left."""
        is_quick = line not in self._late and time.monotonic() > self._alone_until
        return is_quick and line.talk.pipelines and line.talk.relay is self.relay

    def _lets_out(self, parcel: Parcel) -> bool:
        is_stopped = self.guard.stops(parcel.recipient)
        if is_stopped:
            self._settled.append((self.relay, parcel, Outcome(Verdict.STOPPED, text="hors de la liste de test")))
        return not is_stopped

    def _lines(self) -> list[Line]:
        return [line for lines in self._in.values() for line in lines]

    def _step(self, seconds: float) -> None:
        for key, events in self._selector.select(min(seconds, 0.5)):
            key.data.attend(bool(events & selectors.EVENT_READ), bool(events & selectors.EVENT_WRITE))
            self._file(key.data)
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._give_up_on_the_silent(now)

    def _quit(self, line: Line) -> None:
        line.talk.quit()
        self._push(line)

    def _push(self, line: Line) -> None:
        line.attend(readable=False, writable=True)
        self._file(line)

    def _file(self, line: Line) -> None:
        """Whoever touched a line says so here: it is put where it stands now, and what it has learned is taken."""
        talk = line.talk
        if talk.settled:
            self._settled += [(talk.relay, *one) for one in talk.settled]
            talk.settled.clear()
        if talk.state is not line.state:
            del self._in[line.state][line]
            if line.state is State.VERDICT or talk.state is State.READY:
                self._late.discard(line)
            line.state, line.since = talk.state, time.monotonic()
            if line.state is State.CLOSED:
                self._drop(line)
                return
            self._in[line.state][line] = None
            if line.state is State.READY and talk.relay is not self.relay:
                self._quit(line)
                return
        if line.is_connecting or line.wants != line.watched:
            self._watch(line)

    def _give_up_on_the_silent(self, now: float) -> None:
        for line in self._lines():
            limit = self._timeouts.connect if line.is_connecting else self._timeouts.of(line.state)
            if line.state is not State.READY and now - line.since > limit:
                give_up = line.try_next if line.is_connecting else line.talk.break_off
                give_up("le relais ne répond plus")
                self._file(line)
            elif line.talk.is_behind and now - line.since > PATIENCE_SECONDS:
                self._alone_until = now + ALONE_SECONDS
                line.talk.recall()
                self._file(line)

    def _watch(self, line: Line) -> None:
        """By its number: encryption replaces the socket and keeps the number, another address changes it."""
        number, wants = line.socket.fileno(), line.wants
        if number != line.number:
            self._forget(line)
            line.number = number
            self._selector.register(number, wants, line)
        elif wants != line.watched:
            self._selector.modify(number, wants, line)
        line.watched = wants

    def _forget(self, line: Line) -> None:
        if line.number >= 0:
            self._selector.unregister(line.number)

    def _drop(self, line: Line) -> None:
        self._late.discard(line)
        self._forget(line)
        line.socket.close()
        if line.talk.failure:
            self._failures.append((line.talk.relay, line.talk.failure))
