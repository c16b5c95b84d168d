"""Starts the processes of this machine and stops all once one ends: `python -m` this, a plan as stdin.

It lives as long as they do, so it imports little. What prepares the start becomes this module by `exec`.

SIGTERM, SIGINT and the end of the terminal stop all. Each process has a session of its own: Ctrl+C reaches this one
alone, which stops them in order. When this process is killed, the system asks the others to end.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass

from outreach.cli.processes.leaving import end_with
from outreach.core.text.log_lines import line

GRACE_SECONDS = 45  # a work process waits 10 s for the last replies, and for a slow bounce mailbox
KILLED_SECONDS = 5  # until the system has taken away one that it was told to kill


@dataclass(frozen=True)
class Plan:
    """The commands to run, each by the name that the terminal gives it; `ready` is said once `place` is listened at."""

    commands: dict[str, list[str]]
    place: tuple[str, int]
    ready: str

    def to_json(self) -> str:
        """The plan as the text that `main` reads."""
        return json.dumps(asdict(self))


def run(plan: Plan) -> int:
    """Run until a signal asks to stop or a process ends; returns the exit status."""
    ready, heeded = plan.ready, {signal.SIGTERM, signal.SIGINT}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        heeded.add(signal.SIGHUP)
    signal.pthread_sigmask(signal.SIG_BLOCK, {*heeded, signal.SIGCHLD})
    running = {name: _started(command) for name, command in plan.commands.items()}
    try:
        while True:
            came = signal.sigtimedwait({*heeded, signal.SIGCHLD}, 0.1 if ready else 10.0)
            if came is not None and came.si_signo in heeded:
                return 0
            ended = {name: process.returncode for name, process in running.items() if process.poll() is not None}
            for name, status in ended.items():
                _log("all_stop", f"{_end_of(name, status)}, tout s’arrête")
            if ended:
                return max(*ended.values(), 0) or 1
            if ready and _is_listened_at(*plan.place):
                with suppress(OSError):  # a terminal that was closed
                    print(ready, flush=True)
                ready = ""
    finally:
        _stop(list(running.values()))


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        end_with(parent)

    return subprocess.Popen(command, start_new_session=True, preexec_fn=prepare)  # noqa: PLW1509 - one thread


def _is_listened_at(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):  # one whose disk does not answer ends when it does
                process.wait(KILLED_SECONDS)


def _end_of(name: str, status: int) -> str:
    """How a process ended by itself or was killed, in French. The system kills one too many when memory is short."""
    process = f"le processus «\u00a0{name}\u00a0»"
    if status >= 0:
        return f"{process} s’est arrêté (code {status})"
    killer = next((known.name for known in signal.Signals if known == -status), f"signal {-status}")
    return f"{process} a été tué ({killer})"


def _log(event: str, said: str) -> None:
    with suppress(OSError):
        print(line("supervisor", event, said, "error"), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run(Plan(**json.load(sys.stdin))))
