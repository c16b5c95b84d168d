"""One connection to a relay: a conversation, its non-blocking socket, and its timeouts."""

import errno
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from outreach.delivery.smtp._protocol import Conversation, Failure, State
from outreach.delivery.smtp._relay import Relay


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The timeouts of an SMTP connection, in seconds (RFC 5321 §4.5.3.2)."""

    connect: float = 30
    greeting: float = 300
    command: float = 300
    body: float = 180
    dot: float = 600

    def of(self, state: State) -> float:
        """How long a conversation may stay in a state."""
        match state:
            case State.GREETING:
                return self.greeting
            case State.BODY:
                return self.body
            case State.VERDICT:
                return self.dot
        return self.command


OPENING = (State.GREETING, State.HELLO, State.STARTTLS, State.TLS, State.AUTH)
CHUNK = 65536

OnBody = Callable[[bool], None]


class Connection:
    """One connection: a conversation and its socket."""

    def __init__(self, relay: Relay, context: ssl.SSLContext | None, on_body: OnBody | None) -> None:
        self.talk, self.context, self._on_body = Conversation(relay), context, on_body
        self.socket = socket.socket()
        self._places: deque[tuple[Any, ...]] = deque()
        self.is_connecting, self.is_shaking, self._shakes_to_write = True, False, False
        self.since, self.state = time.monotonic(), State.GREETING
        self.number, self.watched = -1, 0

    def connect(self) -> None:
        """Start to connect, without waiting. A name that cannot be resolved ends the conversation."""
        relay = self.talk.relay
        try:
            self._places += socket.getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM)
        except OSError as error:
            self.talk.break_off(f"le serveur d’envoi {relay.name} est introuvable ({error.strerror})")
        else:
            self.try_next(f"le serveur d’envoi {relay.name} n’a pas d’adresse que cette machine atteigne")

    def try_next(self, why: str) -> None:
        """Start to connect to the relay's next address; with none left, end the conversation with the reason `why`."""
        while self._places:
            family, kind, number, _, place = self._places.popleft()
            try:
                fresh = socket.socket(family, kind, number)
            except OSError:
                continue  # this machine does not support this address family
            fresh.setblocking(False)
            fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Closed after the new one is open, so that the two never have the same file descriptor.
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
        """Send pending bytes, with one write a step."""
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
        """For tests: call `on_body` before the first byte of the body, and when half of it is sent."""
        out = self.talk.out
        on_body(False)
        sent = self.socket.send(out[: len(out) // 2])
        del out[:sent]
        on_body(True)

    @property
    def has_served(self) -> bool:
        """Whether this connection was ever ready for letters."""
        return self.state not in OPENING

    @property
    def wants(self) -> int:
        """The selector events to wait for."""
        is_writing = self._shakes_to_write if self.is_shaking else self.is_connecting or bool(self.talk.out)
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if is_writing else 0)

    def _broke(self, error: OSError) -> None:
        """Try the next address, raise an alarm, or end the conversation.

        A refused TLS handshake is an alarm: it waits for a person. Any other error is a lost connection, or one not
        made.
        """
        if self.is_connecting:
            self.try_next(error.strerror or "le serveur d’envoi ne répond pas")
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
            raise OSError(code, "le serveur d’envoi ne répond pas")
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


def open_conversation(relay: Relay, seconds: float, context: ssl.SSLContext | None = None) -> Conversation:
    """A conversation that came as far as its first letter, or whose `failure` says why not; its connection is closed.

    For whoever asks whether a relay serves: it encrypts and signs in as sending does, and hands over nothing.
    """
    one = Connection(relay, context, None)
    until = time.monotonic() + seconds
    one.connect()
    with selectors.DefaultSelector() as selector:
        while one.talk.state in OPENING and (left := until - time.monotonic()) > 0:
            selector.register(one.socket, one.wants)
            watched, ready = one.socket, selector.select(left)
            events = ready[0][1] if ready else 0
            selector.unregister(watched)
            if events:
                one.attend(bool(events & selectors.EVENT_READ), bool(events & selectors.EVENT_WRITE))
    if one.talk.state in OPENING:
        one.talk.break_off(f"aucune réponse en {seconds:g} s ({one.talk.state})")
    elif one.talk.failure is None:
        one.talk.quit()
        with suppress(OSError):
            one.push()
    one.socket.close()
    return one.talk
