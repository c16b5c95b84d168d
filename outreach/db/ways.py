"""By which way somebody acts on the database: a page, a command, or the clock."""

import os
import pwd
from enum import StrEnum
from pathlib import Path

SIGNED_IN = Path("/proc/self/loginuid")
NOBODY = 2**32 - 1  # what the kernel says of a process that no sign-in began, as a service or a container


class Way(StrEnum):
    """By which way a session came to be."""

    PAGE = "page"
    COMMAND = "command"
    CLOCK = "clock"


def system_user() -> str:
    """The system user that runs this process, after who signed in to the machine, where that is somebody else.

    It asks the system, not the environment, which a command could set as it likes.
    """
    user = _name_of(os.getuid())
    try:
        began = int(SIGNED_IN.read_text())
    except (OSError, ValueError):
        return user
    return user if began in {NOBODY, os.getuid()} else f"{_name_of(began)} ({user})"


def _name_of(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
