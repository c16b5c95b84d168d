"""How a process ends: with the one that started it, and one of pages without losing who is there. It imports little."""

import ctypes
import os
import signal
import socket
import time
from pathlib import Path

END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
LAST_SECONDS = 0.5  # from the end of listening to that of what is there


def end_with(parent: int) -> None:
    """Have the system ask this process to end once its parent is gone, even by kill -9; Linux can."""
    if prctl := getattr(ctypes.CDLL(None), "prctl", None):
        prctl(END_WITH_PARENT, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def leave_in_order() -> None:
    """Once asked to stop, refuse who comes, let those be answered who are there, and then have granian stop.

    By itself it would close, beside its own socket, connections whose request has not been read yet. Of a form that is
    lost so a web server in front cannot know whether it was stored, and does not ask another unit.
    """
    signal.sigwait({signal.SIGTERM})
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind("")  # an address that the system makes up: nobody connects there
        silent.listen()
        silent.setblocking(False)
        for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
            if number != silent.fileno() and _listens(number):
                os.dup2(silent.fileno(), number)
    time.sleep(LAST_SECONDS)
    os.kill(os.getpid(), signal.SIGINT)


def _listens(number: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(number)) as one:
            return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:  # no socket, or closed by now
        return False
