"""How a line of the log is written: its fields between blanks. It imports nothing heavy."""

import os
import time

JOURNAL = "JOURNAL_STREAM"  # by which systemd names the stream that it hands to a unit: its device and its inode
PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6}  # of syslog


def line(
    process: str, event: str, said: str, level: str, *, at: float | None = None, pid: int = 0, error: str = ""
) -> str:
    """A line: time (UTC), level, machine, process, event, a sentence; `error`, its class and place."""
    seconds = time.time() if at is None else at
    when = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds % 1 * 1000):03}Z"
    machine, number, words = os.uname().nodename, pid or os.getpid(), " ".join(said.split())
    written = f"{when} {level} {machine} {process}[{number}] {event}: {words}{f' ({error})' if error else ''}"
    return _priority(level) + written


def _priority(level: str) -> str:
    """What systemd's journal takes off a line and keeps as its priority; nothing where no journal reads."""
    try:
        stream = os.fstat(2)
    except OSError:
        return ""
    is_journal = os.environ.get(JOURNAL) == f"{stream.st_dev}:{stream.st_ino}"
    return f"<{PRIORITIES.get(level, 6)}>" if is_journal else ""
