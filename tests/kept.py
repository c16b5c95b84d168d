"""Template databases on SQLite kept from one short run to the next, under a hash of whatever makes them.

They save seconds and are never relied upon: where they are missing, or anything differs, they are made anew.
"""

import shutil
import sqlite3
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
MADE_BY = ("outreach", "campaigns", "tests/conftest.py", "tests/factories.py", "tests/small.py", "requirements.lock")
PAGES = ROOT / "outreach/web"  # nothing that is made knows of them


def state():
    """A hash of the interpreter and of all files that templates are made by."""
    found = sha256(f"{sys.version} {sqlite3.sqlite_version}".encode())
    for one in MADE_BY:
        for path in sorted([ROOT / one, *(ROOT / one).rglob("*")]):
            if path.is_file() and path.suffix != ".pyc" and PAGES not in path.parents:
                found.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return found.hexdigest()[:16]


class Kept:
    """What a run may take from an earlier one, or leave to a later one. `place`: a folder of that alone."""

    def __init__(self, place):
        self.place = place / state()

    def take(self, kind, into):
        """Copy a template and its data folder, and say whether there is one."""
        try:
            shutil.copytree(self.place / kind, into, dirs_exist_ok=True)
        except (OSError, shutil.Error):  # there is none, or another run takes it away at this moment
            (into / f"template_{kind}.sqlite3").unlink(missing_ok=True)
            return False
        return True

    def keep(self, kind, of):
        """Leave a template, whole or not at all, and take away those that were made by other files."""
        half = self.place / f"{kind}-half"
        with suppress(OSError, shutil.Error):
            half.mkdir(parents=True)
            shutil.copy(of / f"template_{kind}.sqlite3", half)
            if kind == "sample":
                shutil.copytree(of / "data", half / "data")
            half.rename(self.place / kind)
            for other in self.place.parent.iterdir():
                if other != self.place:
                    shutil.rmtree(other, ignore_errors=True)
