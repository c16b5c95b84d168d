"""Starts the processes of this machine, replaces those of the pages, and stops all: `python -m` this, a plan as stdin.

It lives as long as they do, so it imports nothing heavy. What prepares the start becomes this module by `exec`.

- SIGTERM and SIGINT stop all processes.
- SIGHUP reloads the pages: a new process is ready before an old one is asked to leave, one after the other.
- Each web process has a place, with a socket of its own at the same address: the system spreads connections over them.
  The sockets stay open here. What comes to a place while nobody has it waits for the next process, and is not lost.
- A web process that ends is replaced. When any other process ends, all are stopped.
- A web process that has come to hold much memory is replaced as by a reload, one at a time: what a heap has freed often
  stays with it for good.
- A place where none begins stops listening while others serve, so that visitors come to these. A web process listens
  at its place as it begins to serve.
- When all stop, nobody new is let in first, and who waits at a socket is taken: whoever connects then is refused, and
  the web server in front asks another machine. A connection that was taken by nobody would cost its form.
- When this process is killed, the others are asked to end by the system.
"""

import _socket  # what `socket` is made of, without all that `socket` loads
import ctypes
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from types import FrameType

from outreach.log_lines import line

WAITING = 2048  # connections that the system keeps until a web process takes them
GRACE_SECONDS = 45  # a work process waits 10 s for the last replies, and for a slow bounce mailbox
WEB_GRACE_SECONDS = 10  # a web process ends by itself within 8
LOOK_SECONDS = 1.0
BEGIN_SECONDS = 60  # in which a web process has to serve
AGAIN_SECONDS = 2.0  # from a start that failed to the next one, as often as it failed in a row
LONGEST_SECONDS = 30.0  # from one to the next
MOST_FAILURES = 5  # starts in a row, while no process serves the pages
MOST_MEGABYTES = 200  # proportional share of a web process, beyond which another one takes its place
WEIGH_SECONDS = 30.0  # from one look at what they hold to the next
SELDOM_SECONDS = 600.0  # from such a replacement to the next: a start takes seconds of the processor
PLACE_FAILURES = 2  # starts in a row at a place that nobody has, until it stops listening
LET_IN_SECONDS = 0.3  # for connections that are being made, once nobody new is let in
MOST_LET_IN_SECONDS = 3.0  # for those that wait for a process to take them
END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
ATTACH_FILTER = 26  # SO_ATTACH_FILTER of socket(7), which Python does not name
# A filter of packets (a rule is its code, two jumps, a value), as listening sockets see them: drop what begins a
# connection (SYN without ACK) and take all else. The system sends a dropped one again after a second.
NOBODY_NEW = b"".join(
    struct.pack("=HBBI", *rule)
    for rule in ((0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFF))
)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True)
class Plan:
    """What to run. `listening` has the numbers of sockets that listen, open already, one for each web process.

    `web` is the command of a web process; to it the numbers of two files are added: the socket's, and that of a pipe to
    which the process writes once it serves, within `begin_seconds`. `ready` is printed when the first one does.
    `others` are the commands of the other processes, each by the name that the terminal gives it.
    """

    listening: list[int]
    web: list[str]
    others: dict[str, list[str]] = field(default_factory=dict)
    ready: str = ""
    begin_seconds: float = BEGIN_SECONDS

    def to_json(self) -> str:
        """The plan as the text that `main` reads."""
        return json.dumps(asdict(self))


@dataclass(eq=False)
class WebProcess:
    """One process that serves pages, or that begins to, or that leaves."""

    place: int
    process: subprocess.Popen[bytes]
    pipe: int | None  # says when it serves; None once it has said so
    begin_until: float
    leave_until: float = 0.0

    def has_begun(self) -> bool:
        """Whether it has just said that it serves. True once."""
        if self.pipe is None or not select.select([self.pipe], [], [], 0)[0]:
            return False
        said = os.read(self.pipe, 1)
        if said:
            self.close()
        return bool(said)

    def close(self) -> None:
        """Close the pipe."""
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None


class Supervisor:
    """The processes of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.asked: list[int] = []  # signals that came and were not attended to yet
        self.serving: list[WebProcess] = []
        self.beginning: list[WebProcess] = []
        self.leaving: list[WebProcess] = []
        self.to_reload: list[WebProcess] = []
        self.failures, self.has_served = 0, False
        places = range(len(plan.listening))
        self.place_failures, self.next_starts = [0 for _ in places], [0.0 for _ in places]
        self.closed: set[int] = set()  # places that do not listen
        self.is_reloading = False
        self.weigh_at = time.monotonic() + WEIGH_SECONDS
        self.woken, waking = os.pipe()
        for end in (self.woken, waking):
            os.set_blocking(end, False)
        self.ends_with_terminal = _terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN  # nohup
        for number in SIGNALS:
            signal.signal(number, self._note)
        signal.set_wakeup_fd(waking)
        # Each in a session of its own: Ctrl+C reaches only this process, which stops them in order.
        self.others = {name: _popen(command) for name, command in plan.others.items()}

    def run(self) -> int:
        """Supervise until a signal asks to stop or a process ends that cannot be replaced; returns the exit status."""
        try:
            while (status := self._look()) is None:
                self._wait()
            return status
        finally:
            self._stop()

    def _look(self) -> int | None:
        """Attend to everything that has happened; returns the exit status when it is time to stop."""
        came, self.asked = self.asked, []
        for number in came:
            if number in {signal.SIGTERM, signal.SIGINT} or (number == signal.SIGHUP and self._terminal_is_gone()):
                return 0
            if number == signal.SIGHUP:
                self.to_reload, self.is_reloading = [*self.serving, *self.beginning], True
        ended = [(name, process.returncode) for name, process in self.others.items() if process.poll() is not None]
        if ended:
            for name, status in ended:
                _log("all_stop", f"{_end_of(name, status)}, tout s’arrête", "error")
            return max(ended[0][1], 0) or 1
        self._note_begun()
        self._note_ended()
        if not self.serving and self.failures >= (MOST_FAILURES if self.has_served else 1):
            return 1
        self._let_old_leave()
        self._note_heavy()
        self._start_missing()
        return None

    def _note_begun(self) -> None:
        for web in [web for web in self.beginning if web.has_begun()]:
            self.beginning.remove(web)
            self.serving.append(web)
            self.failures = self.place_failures[web.place] = 0
            self.closed.discard(web.place)
            if not self.has_served:
                self.has_served = True
                if self.plan.ready:
                    _print(self.plan.ready)

    def _note_ended(self) -> None:
        for state in (self.serving, self.beginning, self.leaving):
            for web in [web for web in state if web.process.poll() is not None]:
                web.close()
                state.remove(web)
                if state is not self.leaving:
                    _log("web_ended", _end_of("web", web.process.returncode))
                if state is self.beginning:
                    self._note_failure(web.place)
        for web in self.beginning:
            if time.monotonic() > web.begin_until:
                web.process.kill()

    def _note_failure(self, place: int) -> None:
        self.failures += 1
        self.place_failures[place] += 1
        wait = min(AGAIN_SECONDS * self.place_failures[place], LONGEST_SECONDS)
        self.next_starts[place] = time.monotonic() + wait
        if self.to_reload:
            _log("reload_failed", "the new web process did not begin, the old ones stay")
            self.to_reload, self.is_reloading = [], False
        is_empty = all(web.place != place for web in self.serving)
        has_failed = self.place_failures[place] >= PLACE_FAILURES
        if self.serving and is_empty and has_failed and place not in self.closed:
            self.closed.add(place)
            said = "no web process begins at one place: the others serve its visitors, and it is tried again"
            _log("place_closed", said)
            _stop_listening(self.plan.listening[place])

    def _let_old_leave(self) -> None:
        """Ask an old web process to leave once a new one serves in its place."""
        for old in [web for web in self.to_reload if web in self.serving]:
            if any(web.place == old.place and web is not old for web in self.serving):
                self.serving.remove(old)
                self.leaving.append(old)
                old.leave_until = time.monotonic() + WEB_GRACE_SECONDS
                old.process.terminate()
        self.to_reload = [web for web in self.to_reload if web in self.serving or web in self.beginning]
        for web in self.leaving:
            if time.monotonic() > web.leave_until:
                web.process.kill()
        if self.is_reloading and not self.to_reload and not self.beginning:
            self.is_reloading = False
            _log("pages_reloaded", "the pages are reloaded", "info")

    def _note_heavy(self) -> None:
        """Have another one take the place of the web process that holds most, where that is too much."""
        if time.monotonic() < self.weigh_at or self.to_reload or self.beginning:
            return
        self.weigh_at = time.monotonic() + WEIGH_SECONDS
        held, web = max(
            ((_megabytes(web.process.pid), web) for web in self.serving), key=lambda one: one[0], default=(0, None)
        )
        if web is not None and held > MOST_MEGABYTES:
            self.weigh_at = time.monotonic() + SELDOM_SECONDS
            self.to_reload = [web]
            _log("web_heavy", f"a web process holds {held} MB: another one takes its place")

    def _start_missing(self) -> None:
        """Start a web process where a place has none; else, during a reload, beside the next old one."""
        taken = {web.place for web in (*self.serving, *self.beginning)}
        for place in set(range(len(self.plan.listening))) - taken:
            self._start_unless_early(place)
        if self.to_reload and not self.beginning:
            self._start_unless_early(self.to_reload[0].place)

    def _start_unless_early(self, place: int) -> None:
        if time.monotonic() >= self.next_starts[place]:
            self._start(place)

    def _start(self, place: int) -> None:
        says, pipe = os.pipe()
        numbers = (self.plan.listening[place], pipe)
        command = [*self.plan.web, *map(str, numbers)]
        # glibc gives threads up to eight heaps a core, and pages fill one after the other: 20 MB more in all.
        heaps = {"MALLOC_ARENA_MAX": "2", **os.environ}
        try:
            process = _popen(command, env=heaps, pass_fds=numbers)
        except OSError as error:  # no memory, no process left, or the program is being replaced
            os.close(says)
            _log("web_not_started", f"a web process could not be started: {error}")
            self._note_failure(place)
            return
        finally:
            os.close(pipe)
        self.beginning.append(WebProcess(place, process, says, time.monotonic() + self.plan.begin_seconds))

    def _wait(self) -> None:
        pipes = [web.pipe for web in self.beginning if web.pipe is not None]
        if self.woken in select.select([self.woken, *pipes], [], [], LOOK_SECONDS)[0]:
            os.read(self.woken, 4096)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.asked.append(number)

    def _terminal_is_gone(self) -> bool:
        """Whether the terminal that this was started from was closed: then SIGHUP says so, and asks for no reload."""
        return self.ends_with_terminal and not _terminal()

    def _stop(self) -> None:
        """Ask all processes to stop, and wait for them."""
        for process in self.others.values():
            process.terminate()
        self._let_nobody_in()
        web = [web.process for web in (*self.serving, *self.beginning, *self.leaving)]
        for process in web:
            process.terminate()
        now = time.monotonic()
        ends = [now + WEB_GRACE_SECONDS] * len(web) + [now + GRACE_SECONDS] * len(self.others)
        for process, end in zip((*web, *self.others.values()), ends, strict=True):
            try:
                process.wait(max(end - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()

    def _let_nobody_in(self) -> None:
        """Turn new visitors away, and wait until the web processes have taken all who are there.

        The sockets are closed here then, and so at all once each process that serves is asked to leave.
        """
        end, sockets = time.monotonic() + MOST_LET_IN_SECONDS, self.plan.listening
        refuse = [_admit_nobody(number) for number in sockets]
        if self.serving and all(refuse):
            time.sleep(LET_IN_SECONDS)
            while any(map(_waiting_at, sockets)) and time.monotonic() < end:
                time.sleep(0.02)
        for number in sockets:
            os.close(number)


def _popen(
    command: list[str], env: dict[str, str] | None = None, pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start a process that the system asks to end when this one is gone, even by kill -9."""
    parent, prctl = os.getpid(), getattr(ctypes.CDLL(None), "prctl", None)  # Linux has it

    def follow_parent() -> None:
        if prctl is not None:
            prctl(END_WITH_PARENT, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(
        command,
        env=env,
        start_new_session=True,
        pass_fds=pass_fds,
        preexec_fn=follow_parent,  # noqa: PLW1509 - this process has one thread
    )


def _megabytes(process: int) -> int:
    """The memory of a process, what it shares with others counted by its part (PSS); 0 where nobody says."""
    with suppress(OSError, IndexError), open(f"/proc/{process}/smaps_rollup", encoding="ascii") as report:  # noqa: PTH123 - pathlib takes memory
        return int(report.read().partition("\nPss:")[2].split()[0]) // 1024
    return 0


def _stop_listening(number: int) -> None:
    """Make a socket listen no more; the system gives its visitors to the others at the address. It stays bound."""
    listener = _socket.socket(fileno=number)
    with suppress(OSError):
        listener.shutdown(_socket.SHUT_RD)
    listener.detach()


def _admit_nobody(number: int) -> bool:
    """Have a socket drop who begins to connect, and take who has begun; returns whether the system can."""
    rules = ctypes.create_string_buffer(NOBODY_NEW)
    program = struct.pack("HP", len(NOBODY_NEW) // 8, ctypes.addressof(rules))
    listener = _socket.socket(fileno=number)
    try:
        listener.setsockopt(_socket.SOL_SOCKET, ATTACH_FILTER, program)
    except OSError:
        return False
    finally:
        listener.detach()
    return True


def _waiting_at(number: int) -> int:
    """How many connections wait at a socket until a process takes them."""
    listener = _socket.socket(fileno=number)
    told = listener.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, 28)
    listener.detach()
    return int.from_bytes(told[24:], sys.byteorder)  # tcpi_unacked, which counts them of a socket that listens


def _terminal() -> bool:
    """Whether this process has a terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _end_of(name: str, status: int) -> str:
    """How a process ended by itself or was killed, in French. The system kills one too many when memory is short."""
    process = f"le processus «\u00a0{name}\u00a0»"
    if status >= 0:
        return f"{process} s’est arrêté (code {status})"
    number = -status
    killer = next((known.name for known in signal.Signals if known == number), f"signal {number}")
    return f"{process} a été tué ({killer})"


def _log(event: str, said: str, level: str = "warning") -> None:
    with suppress(OSError):
        print(line("supervisor", event, said, level), file=sys.stderr, flush=True)


def _print(text: str) -> None:
    with suppress(OSError):  # a terminal that was closed
        print(text, flush=True)


def main() -> None:
    """Supervise what the plan on standard input says."""
    sys.exit(Supervisor(Plan(**json.load(sys.stdin))).run())


if __name__ == "__main__":
    main()
