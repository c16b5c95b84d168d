"""The two kinds of databases, by their address."""

from pathlib import Path
from typing import Protocol, cast

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from outreach.backups import postgresql, sqlite
from outreach.backups.contents import Contents
from outreach.errors import InputError


class DatabaseKind(Protocol):
    """What is done to a database of a kind; `ENDING` is that of its backups' names."""

    KIND: str
    ENDING: str

    def version_of(self, url: str) -> str: ...  # noqa: D102
    def back_up(self, url: str, to: Path) -> Contents: ...  # noqa: D102
    def contents_of(self, url: str) -> Contents: ...  # noqa: D102
    def make_new(self, url: str, file: Path) -> None: ...  # noqa: D102
    def faults_of(self, url: str) -> list[str]: ...  # noqa: D102
    def make_room(self, url: str) -> None: ...  # noqa: D102
    def drop(self, url: str) -> None: ...  # noqa: D102


KINDS: dict[str, DatabaseKind] = {kind.KIND: cast("DatabaseKind", kind) for kind in (sqlite, postgresql)}


def of(url: str) -> DatabaseKind:
    """The kind of a database. Raises InputError."""
    try:
        return KINDS[make_url(url).get_backend_name()]
    except (ArgumentError, KeyError):
        raise InputError("L’adresse d’une base s’écrit sqlite:////chemin ou postgresql://…") from None


def shown(url: str) -> str:
    """The address without its password."""
    return make_url(url).render_as_string(hide_password=True)
