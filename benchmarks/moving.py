"""What a work process's clock does with openings and clicks, alone: a process that moves them every five seconds.

`benchmarks/hits.py` measures beside it; the fault `web` kills it as it goes.
"""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from outreach.core.db import NO_ANSWER, Database
from outreach.core.settings import ROOT
from outreach.engagement import tracking
from outreach.operations.worker.clock import TICK_SECONDS
from outreach.operations.worker.due import MOVE_SECONDS


def move(database: Database, seconds: float = MOVE_SECONDS) -> None:
    """Move what waits, for so many seconds at most."""
    end, count = time.monotonic() + seconds, tracking.SLICE
    while count == tracking.SLICE and time.monotonic() < end:
        with database.writing() as session:
            count = tracking.move_hits(session)
        time.sleep(tracking.REST_SECONDS)


def started(database: Database, every: float = TICK_SECONDS) -> "subprocess.Popen[bytes]":
    """A process that moves what waits, and moves again after so many seconds, until it is ended."""
    url = database.engine.url.render_as_string(hide_password=False)
    return subprocess.Popen([sys.executable, __file__, url, str(every)], cwd=ROOT)


def main() -> None:
    database, every = Database(sys.argv[1]), float(sys.argv[2])
    while True:
        with contextlib.suppress(*NO_ANSWER):
            move(database)
        time.sleep(every)


if __name__ == "__main__":
    main()
