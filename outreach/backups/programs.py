"""PostgreSQL's own programs, of the server's version, found among those installed and run without our secrets."""

import errno
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy.engine import URL

from outreach.errors import Refused

FOLDERS = ("/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin")  # of Debian, of Red Hat
VERSION = re.compile(r"\(PostgreSQL\) (\d{1,3})")
KEPT = ("PATH", "HOME", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLMODE")
LONGEST_SAID = 500
NO_ROOM = "No space left on device"


def find(name: str, major: int) -> str:
    """The path of a program of this major version.

    An older one does not know the server, and what a newer one writes an older server does not read. Raises Refused.
    """
    seen = set()
    for path in _candidates(name, major):
        found = _version(path)
        if found == major:
            return str(path)
        seen.add(found)
    others = ", ".join(str(one) for one in sorted(seen - {0}))
    there = f"installé ici : {others}" if others else "aucun n’est installé ici"
    raise Refused(
        f"Le serveur est un PostgreSQL {major}, dont il faut le programme {name} ({there}) : "
        f"installez postgresql-client-{major}."
    )


def run(command: Sequence[str], url: URL) -> None:
    """Run a program on a database. Its password is in the environment, where other accounts do not see it.

    Raises Refused with what the program said, OSError where the disk is full.
    """
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {"LC_ALL": "C"}
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    # `URL.set` takes None for "as it is".
    place = url._replace(drivername="postgresql", password=None).render_as_string(hide_password=False)
    ended = subprocess.run(  # noqa: S603 a program of PostgreSQL, by its path
        [*command, f"--dbname={place}"], env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode == 0:
        return
    if NO_ROOM in ended.stderr:
        raise OSError(errno.ENOSPC, "plus de place sur le disque")
    said = " ".join(ended.stderr.split())[:LONGEST_SAID]
    raise Refused(f"{Path(command[0]).name} s’est arrêté : {said}")


def _candidates(name: str, major: int) -> Iterator[Path]:
    folders = [place.format(major) for place in FOLDERS] + os.environ.get("PATH", "").split(os.pathsep)
    for folder in folders:
        path = Path(folder) / name
        if folder and os.access(path, os.X_OK):
            yield path


def _version(path: Path) -> int:
    said = subprocess.run([path, "--version"], env={}, capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = VERSION.search(said)
    return int(found[1]) if found else 0
