"""What starts and stops the processes of a machine: none is missed when it ends, and none is left behind."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
from functools import partial

import pytest

from outreach.cli.processes.supervisor import Plan
from outreach.core.settings import ROOT
from tests.cli.processes.readers import wait_for
from tests.machine import children_of, free_port, state_of

SLEEP = "import time; time.sleep(600)"
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); import time; time.sleep(600)"
LISTENS = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); import time; time.sleep(600)"
# The supervisor, which waits half a second for those that do not stop.
SOON = "import json, sys; from outreach.cli.processes import supervisor; supervisor.GRACE_SECONDS = 0.5; "
SOON += "sys.exit(supervisor.run(supervisor.Plan(**json.load(sys.stdin))))"


def in_terminal(terminal):
    """Have this process heed its terminal, also where whoever runs the tests heeds none, as under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


class Supervised:
    """A supervisor with some small processes."""

    def __init__(self, folder, codes):
        self.said, self.port = folder / "said", free_port()
        commands = {
            f"other-{place}": [sys.executable, "-S", "-c", code, str(self.port)] for place, code in enumerate(codes)
        }
        self.plan = Plan(commands, ("127.0.0.1", self.port), "served at last")

    def start(self, *before, terminal=None):
        """Start the supervisor, without a terminal as a service is, or with one; `before` stands before its command."""
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-c", SOON],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
                preexec_fn=terminal and partial(in_terminal, terminal),  # noqa: PLW1509 - two system calls
                text=True,
            )
        self.process.stdin.write(self.plan.to_json())
        self.process.stdin.close()
        return self

    def children(self):
        return set(children_of(self.process.pid))

    def started(self):
        """The numbers of all processes of the plan, once they are there."""
        wait_for(lambda: len(self.children()) == len(self.plan.commands))
        return self.children()


@pytest.fixture
def supervised(tmp_path):
    started = []

    def supervise(*codes, before=(), terminal=None):
        started.append(Supervised(tmp_path, codes).start(*before, terminal=terminal))
        return started[-1]

    yield supervise
    for run in started:
        run.process.terminate()
        run.process.wait(60)
        run.process.stdout.close()


def test_it_says_that_it_is_ready_once_something_listens_at_the_place(supervised):
    run = supervised(SLEEP, LISTENS)
    assert run.process.stdout.readline() == "served at last\n"
    socket.create_connection(("127.0.0.1", run.port), 1).close()


@pytest.mark.parametrize(
    ("code", "status", "end"),
    [
        ("import sys; sys.exit(3)", 3, "s’est arrêté (code 3)"),
        ("import os; os.kill(os.getpid(), 9)", 1, "a été tué (SIGKILL)"),
    ],
)
def test_when_a_process_ends_it_is_named_and_all_end(supervised, code, status, end):
    run = supervised(SLEEP, f"import time; time.sleep(1); {code}")
    started = run.started()
    assert run.process.wait(60) == status
    assert not any(map(state_of, started))
    (line,) = run.said.read_text(encoding="utf-8").splitlines()
    assert line.endswith(f" all_stop: le processus « other-1 » {end}, tout s’arrête")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_processes_those_too_that_do_not_heed_it(supervised, number):
    run = supervised(SLEEP, STUBBORN)
    started = run.started()
    wait_for(lambda: all(_heeds_as_written(pid) for pid in started))
    run.process.send_signal(number)
    assert run.process.wait(60) == 0
    assert not any(map(state_of, started))


def _heeds_as_written(number):
    """Whether a process sleeps, and so has said which signals it ignores."""
    return state_of(number) == "S"


def test_when_it_is_killed_all_others_end(supervised):
    run = supervised(SLEEP, SLEEP)
    started = run.started()
    run.process.kill()
    wait_for(lambda: not any(map(state_of, started)))


@pytest.fixture
def terminal():
    """The two ends of a terminal: the one that shows it, closed by the test, and the one of programs."""
    ends = os.openpty()
    yield ends
    os.close(ends[1])


def test_closing_its_terminal_stops_all(supervised, terminal):
    screen, inside = terminal
    run = supervised(SLEEP, terminal=inside)
    run.started()
    os.close(screen)
    assert run.process.wait(60) == 0


def test_what_is_to_outlive_its_terminal_does(supervised, terminal):
    screen, inside = terminal
    run = supervised(SLEEP, before=["nohup"], terminal=inside)
    run.started()
    os.close(screen)
    with pytest.raises(subprocess.TimeoutExpired):
        run.process.wait(1)


def test_what_lives_for_months_loads_nothing_of_ours_and_nothing_large():
    asked = "import json, sys, outreach.cli.processes.supervisor; print(json.dumps([*sys.modules]))"
    ended = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded = json.loads(ended.stdout)
    assert sorted(name for name in loaded if name.startswith("outreach")) == [
        "outreach",
        "outreach.cli",
        "outreach.cli.processes",
        "outreach.cli.processes.leaving",
        "outreach.cli.processes.supervisor",
        "outreach.core",
        "outreach.core.text",
        "outreach.core.text.log_lines",
    ]
    assert {name.partition(".")[0] for name in loaded} <= {"outreach", "__main__", "_distutils_hack"} | set(
        sys.stdlib_module_names
    ) | {"sitecustomize", "usercustomize"}
    assert not {"asyncio", "logging", "http", "email"} & set(loaded)
