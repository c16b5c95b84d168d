"""Whether the disk is full: room left in the data folder, and errors by which a database says it has none."""

import shutil
from pathlib import Path

from sqlalchemy.exc import DBAPIError

LEAST_FREE = 200_000_000  # bytes; a sending of 20,000 letters writes a tenth of it
NO_ROOM_IN_POSTGRESQL = "53100"
NO_ROOM_IN_SQLITE = "database or disk is full"


def is_short(folder: Path, least: int = LEAST_FREE) -> bool:
    """Whether the disk of the data folder has little room left; False where the folder cannot be asked."""
    try:
        return shutil.disk_usage(folder).free < least
    except OSError:
        return False


def says_full(error: Exception) -> bool:
    """Whether a database refused to write because its own disk is full."""
    if not isinstance(error, DBAPIError):
        return False
    return getattr(error.orig, "sqlstate", "") == NO_ROOM_IN_POSTGRESQL or NO_ROOM_IN_SQLITE in str(error.orig)
