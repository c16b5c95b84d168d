"""What a database holds, in figures that can be compared: rows and digest of each table, digest of each definition.

The digest of a table is the sum of those of its rows, so it depends on no order and no collation.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from outreach import french
from outreach.errors import OutreachError

# PostgreSQL writes the same condition with other casts and parentheses once it has been dumped and restored.
CAST = re.compile(r"::[a-z][a-z ]*(?:\[\])?|[()]")
MOST_NAMED = 20  # differences that are told one by one
VERSIONS = "alembic_version"


class Unreadable(OutreachError):
    """A table of a database, or a database, cannot be read."""


class TableContents(BaseModel):
    """The rows of a table, and the sum of their digests."""

    model_config = ConfigDict(frozen=True)

    rows: Annotated[int, Field(ge=0)]
    digest: str


class Contents(BaseModel):
    """What a database holds. `schema_digests` is by kind and name: `index ix_users_email`; sequences are PostgreSQL's.

    `revision` is the version of its tables, '' before the first migration.
    """

    model_config = ConfigDict(frozen=True)

    revision: str
    tables: dict[str, TableContents]
    sequences: dict[str, int]
    schema_digests: dict[str, str]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(table.rows for table in self.tables.values())


def digest_of(definition: str) -> str:
    """The digest of how something is defined, whatever its casts and parentheses."""
    return hashlib.sha256(CAST.sub("", definition).encode()).hexdigest()[:16]


def differences(expected: Contents, found: Contents, *, with_definitions: bool = True) -> list[str]:
    """What a database lacks, or has otherwise, a French sentence each; none where it holds what is expected.

    Without definitions, for a server of another version, which may write them otherwise, only names are compared.
    """
    told = [
        *_of_tables(expected.tables, found.tables),
        *_of_definitions(expected.schema_digests, found.schema_digests, with_definitions=with_definitions),
        *(
            f"La séquence {name} est à {found.sequences.get(name, 0)}, en deçà de {value} : des numéros reviendraient."
            for name, value in expected.sequences.items()
            if found.sequences.get(name, 0) < value
        ),
    ]
    if expected.revision != found.revision:
        told.append(f"La base est à la version {found.revision or '(aucune)'}, non {expected.revision}.")
    return shortened(told)


def shortened(told: list[str]) -> list[str]:
    """The first differences, and how many more there are."""
    more = len(told) - MOST_NAMED
    return told if more <= 0 else [*told[:MOST_NAMED], f"Et {french.plural(more, 'autre différence')}."]


def _of_tables(expected: Mapping[str, TableContents], found: Mapping[str, TableContents]) -> Iterator[str]:
    for name, table in expected.items():
        if name not in found:
            yield f"La table {name} manque."
        elif found[name].rows != table.rows:
            yield f"La table {name} a {french.plural(found[name].rows, 'ligne')}, non {table.rows}."
        elif found[name].digest != table.digest:
            yield f"La table {name} n’a plus le même contenu."
    yield from (f"La table {name} est de trop." for name in _sorted(found.keys() - expected.keys()))


def _of_definitions(expected: Mapping[str, str], found: Mapping[str, str], *, with_definitions: bool) -> Iterator[str]:
    for name, digest in expected.items():
        if name not in found:
            yield f"Il manque : {name}."
        elif with_definitions and found[name] != digest:
            yield f"Ce n’est plus défini de même : {name}."
    yield from (f"C’est de trop : {name}." for name in _sorted(found.keys() - expected.keys()))


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names)
