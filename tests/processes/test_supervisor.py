"""What supervises the processes of a machine: none is missed when it ends, and a reload costs no request."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import termios
import time
import urllib.request
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from outreach.processes import supervisor
from outreach.processes.supervisor import Plan
from outreach.settings import ROOT
from tests.machine import children_of
from tests.processes.readers import readers

# A web process of a few lines: it says its number, in three pieces of time so that some requests are always under way.
WEB = """
import os, signal, socket, sys, time
listening, pipe = map(int, sys.argv[-2:])
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
kind = os.path.exists(sys.argv[1]) and open(sys.argv[1]).read()
if kind == "" or kind == str(listening):
    sys.exit(7)
if kind == "silent":
    time.sleep(600)
listener = socket.socket(fileno=listening)
listener.listen(500)
listener.settimeout(0.05)
os.write(pipe, b"1")
while not asked:
    try:
        connection, _ = listener.accept()
    except TimeoutError:
        continue
    connection.recv(4096)
    time.sleep(0.02)
    said = str(os.getpid()).encode()
    connection.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(said), said))
    connection.close()
"""
SLEEP = "import time; time.sleep(600)"


# The supervisor, which looks at memory every 50 ms, and finds much of it where a file is.
SOON = """
import os, sys
from outreach.processes import supervisor
supervisor.WEIGH_SECONDS = 0.05
supervisor._megabytes = lambda _process: 999 if os.path.exists(sys.argv[1]) else 1
supervisor.main()
"""


def in_terminal(terminal):
    """Have this process heed its terminal, also where whoever runs the tests heeds none, as under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


class Supervised:
    """A supervisor with small web processes. `broken` is a file: while it exists, none begins.

    With the number of a socket in it, none begins there; with "silent", none says that it serves.
    """

    def __init__(self, folder, web_processes, others):
        self.broken, self.heavy = folder / "broken", folder / "heavy"
        self.said = (folder / "said").open("w+")
        # A socket whose port the system chose forgets it when it listens no more.
        with socket.create_server(("127.0.0.1", 0), reuse_port=True) as chosen:
            place, places = chosen.getsockname(), range(web_processes)
            self.listening = [socket.create_server(place, backlog=500, reuse_port=True) for _ in places]
        self.address = f"http://127.0.0.1:{place[1]}/"
        self.program = folder / "python"
        self.program.symlink_to(sys.executable)
        web = [str(self.program), "-S", "-c", WEB, str(self.broken)]
        others = {f"other-{place}": [sys.executable, "-S", "-c", code] for place, code in enumerate(others)}
        self.plan = Plan(
            [listener.fileno() for listener in self.listening], web, others, "served at last", begin_seconds=5
        )
        self.process = None

    def start(self, *before, terminal=None):
        """Start the supervisor, without a terminal as a service is, or with one; `before` stands before its command."""
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", SOON, str(self.heavy)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            pass_fds=self.plan.listening,
            start_new_session=True,
            preexec_fn=terminal and partial(in_terminal, terminal),  # noqa: PLW1509 - two system calls
            text=True,
        )
        self.process.stdin.write(self.plan.to_json())
        self.process.stdin.close()

    def wait_until_served(self):
        """Wait until every web process has answered; returns their numbers."""
        assert self.process.stdout.readline() == "served at last\n"
        seen = set()
        wait_for(lambda: seen.add(self.asked()) or len(seen) == len(self.listening))
        return seen

    def asked(self):
        """The number of the process that answers a request."""
        with urllib.request.urlopen(self.address, timeout=20) as answer:  # noqa: S310 - our own address
            return int(answer.read())

    def children(self):
        return set(children_of(self.process.pid))

    def who_has(self, listener):
        """The number of the web process at the place of this socket."""
        ours = str(listener.fileno()).encode()
        commands = {number: Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0") for number in self.children()}
        return next(number for number, command in commands.items() if command[-3] == ours)

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, old):
        """Ask for a reload, and wait until other processes have all the places of the old ones."""
        self.signal(signal.SIGHUP)
        wait_for(lambda: len(self.children()) == 2 and not self.children() & old)


@pytest.fixture
def supervised(tmp_path):
    started = []

    def supervise(*before, web_processes=2, others=(), terminal=None):
        run = Supervised(tmp_path, web_processes, others)
        started.append(run)
        run.start(*before, terminal=terminal)
        return run

    yield supervise
    for run in started:
        run.process.terminate()
        run.process.wait(60)
        run.process.stdout.close()
        run.said.close()
        for listener in run.listening:
            listener.close()


def wait_for(is_so, seconds=20):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def crowd(run, size=4):
    """Readers who open one page after another all the while; what each request came to."""

    def read_on(over, came):
        while not over.wait(0.01):
            try:
                came.append(run.asked())
            except OSError as error:
                came.append(error)

    return readers(read_on, size)


def kill_one(run, came):
    """Kill a web process, and wait until another has its place and some requests were answered."""
    before = run.children()
    os.kill(next(iter(before)), signal.SIGKILL)
    wait_for(lambda: len(run.children() & before) == 1 and len(run.children()) == 2)
    seen = len(came)
    wait_for(lambda: len(came) > seen + 5)


def faults(came):
    return [one for one in came if not isinstance(one, int)]


def test_a_reload_replaces_every_web_process_and_costs_no_request(supervised):
    run = supervised()
    old = run.wait_until_served()
    with crowd(run) as came:
        wait_for(lambda: came)
        run.reload(old)
        seen = len(came)
        wait_for(lambda: len(came) > seen + 20)
    assert faults(came) == []
    assert {*came} & old
    assert set(came[-10:]) <= run.children()


def test_a_web_process_that_is_killed_costs_what_it_had_under_way_and_is_replaced(supervised):
    run = supervised()
    run.wait_until_served()
    with crowd(run) as came:
        for _ in range(5):
            kill_one(run, came)
    assert len(faults(came)) <= 5, "one request at a time is under way in each of these processes"


def test_where_the_new_code_does_not_begin_the_old_processes_stay(supervised, tmp_path):
    run = supervised()
    old = run.wait_until_served()
    run.broken.touch()
    run.signal(signal.SIGHUP)
    wait_for(lambda: "the old ones stay" in (tmp_path / "said").read_text())
    assert run.children() == old
    assert run.asked() in old
    run.broken.unlink()
    run.reload(old)


def test_where_no_process_can_be_started_the_old_ones_stay(supervised, tmp_path):
    run = supervised()
    old = run.wait_until_served()
    run.program.unlink()
    run.signal(signal.SIGHUP)
    wait_for(lambda: "could not be started" in (tmp_path / "said").read_text())
    assert run.asked() in old
    run.program.symlink_to(sys.executable)
    run.reload(old)


def test_a_reload_says_when_it_is_done(supervised, tmp_path):
    run = supervised()
    run.wait_until_served()
    said = tmp_path / "said"
    run.signal(signal.SIGHUP)
    wait_for(lambda: said.read_text().endswith(" pages_reloaded: the pages are reloaded\n"))
    run.broken.touch()
    run.signal(signal.SIGHUP)
    wait_for(lambda: "the old ones stay" in said.read_text())
    assert said.read_text().count("are reloaded") == 1


def test_a_place_where_no_process_begins_sends_nobody_there_until_one_does(supervised, tmp_path):
    run = supervised()
    run.wait_until_served()
    run.broken.write_text(str(run.listening[0].fileno()))
    before, at_place = run.children(), run.who_has(run.listening[0])
    os.kill(at_place, signal.SIGKILL)
    wait_for(lambda: "no web process begins at one place" in (tmp_path / "said").read_text())
    assert {run.asked() for _ in range(20)} == before - {at_place}
    run.broken.unlink()
    seen = set()
    wait_for(lambda: seen.add(run.asked()) or len(seen) == 2)


def test_a_process_that_does_not_say_that_it_serves_is_killed_and_counts_as_a_failure(supervised, tmp_path):
    (tmp_path / "broken").write_text("silent")
    run = supervised()
    assert run.process.wait(60) == 1
    assert "le processus « web » a été tué (SIGKILL)" in (tmp_path / "said").read_text()


def test_when_the_supervisor_is_killed_all_others_end(supervised):
    run = supervised(others=[SLEEP])
    run.wait_until_served()
    started = run.children()
    assert len(started) == 3
    run.process.kill()
    wait_for(lambda: not any(alive(number) for number in started))


def test_pages_that_do_not_begin_at_the_start_end_everything(supervised, tmp_path):
    (tmp_path / "broken").touch()
    run = supervised(others=[SLEEP])
    assert run.process.wait(60) == 1
    assert run.process.stdout.read() == ""


@pytest.mark.parametrize(
    ("code", "status", "end"),
    [
        ("import sys; sys.exit(3)", 3, "s’est arrêté (code 3)"),
        ("import os; os.kill(os.getpid(), 9)", 1, "a été tué (SIGKILL)"),
    ],
)
def test_when_a_process_ends_that_is_not_replaced_it_is_named_and_all_end(supervised, tmp_path, code, status, end):
    run = supervised(others=[SLEEP, f"import time; time.sleep(1); {code}"])
    wait_for(run.children)
    started = run.children()
    assert run.process.wait(60) == status
    assert not any(alive(number) for number in started)
    (line,) = (tmp_path / "said").read_text().splitlines()
    assert line.endswith(f" all_stop: le processus « other-1 » {end}, tout s’arrête")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_processes(supervised, number):
    run = supervised(others=[SLEEP])
    run.wait_until_served()
    started = run.children()
    run.signal(number)
    assert run.process.wait(60) == 0
    assert not any(alive(pid) for pid in started)


def test_when_all_stop_whoever_was_let_in_is_answered_and_whoever_comes_later_is_refused(supervised):
    run = supervised()
    run.wait_until_served()
    for listener in run.listening:
        listener.close()
    with crowd(run, 12) as came:
        wait_for(lambda: len(came) > 20)
        run.signal(signal.SIGTERM)
        assert run.process.wait(60) == 0
        seen = len(came)
        wait_for(lambda: len(came) > seen + 20)
    told = {type(getattr(one, "reason", one)) for one in faults(came)}
    assert told == {ConnectionRefusedError}, "another machine can be asked then, with a form too"


@pytest.fixture
def terminal():
    """The two ends of a terminal: the one that shows it, closed by the test, and the one of programs."""
    ends = os.openpty()
    yield ends
    os.close(ends[1])


def test_in_a_terminal_a_signal_reloads_and_closing_it_stops_all(supervised, terminal):
    screen, inside = terminal
    run = supervised(terminal=inside)
    old = run.wait_until_served()
    run.reload(old)
    os.close(screen)
    assert run.process.wait(60) == 0


def test_what_is_to_outlive_its_terminal_does(supervised, terminal):
    screen, inside = terminal
    run = supervised("nohup", terminal=inside)
    old = run.wait_until_served()
    os.close(screen)
    wait_for(lambda: len(run.children()) == 2 and not run.children() & old)
    assert run.asked() in run.children()


def alive(number):
    with suppress(ProcessLookupError):
        os.kill(number, 0)
        return True
    return False


def test_what_lives_for_months_loads_nothing_of_ours_and_nothing_large():
    asked = "import sys, outreach.processes.supervisor; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded = told.stdout.split()
    assert sorted(name for name in loaded if name.startswith("outreach")) == [
        "outreach",
        "outreach.log_lines",
        "outreach.processes",
        "outreach.processes.supervisor",
    ]
    assert {name.partition(".")[0] for name in loaded} <= {"outreach", "__main__", "_distutils_hack"} | set(
        sys.stdlib_module_names
    ) | {"sitecustomize", "usercustomize"}
    assert not {"asyncio", "logging", "http", "email", "socket"} & set(loaded)


def test_a_web_process_that_holds_much_memory_is_replaced_by_another_once_and_no_request_is_lost(supervised):
    run = supervised()
    old = run.wait_until_served()
    time.sleep(0.5)  # ten looks
    assert run.children() == old, "they hold little"
    with crowd(run) as came:
        run.heavy.touch()
        wait_for(lambda: len(run.children() & old) == 1 and len(run.children()) == 2)
        time.sleep(1)  # twenty looks
    assert faults(came) == []
    assert len(run.children() & old) == 1, "the other one waits for its turn, ten minutes later"
    assert len(run.children()) == 2


def test_the_memory_of_a_process_is_known_and_nothing_of_one_that_is_gone():
    assert 5 < supervisor._megabytes(os.getpid()) < 5000
    assert supervisor._megabytes(2**22 + 1) == 0
