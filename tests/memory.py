"""Where temporary files are: in memory if there is room, because each test copies a database and disks are slow."""

import os
import shutil
from pathlib import Path

MEMORY, ROOM = Path("/dev/shm"), 3 * 2**30  # noqa: S108 - folders of our own are made in it


def in_memory() -> Path | None:
    """A folder in memory with room for the tests, if there is one."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        return None
    return MEMORY
