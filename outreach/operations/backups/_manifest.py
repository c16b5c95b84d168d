"""The manifest of a backup: what its file is, what the database held, which keys it needs.

The digest of a table is the sum of those of its rows, so it depends on no order and no collation.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from outreach.core.settings import Settings
from outreach.core.text import french
from outreach.core.text.errors import OutreachError, Refused

NOTE_KEY = "OUTREACH_NOTE_KEY_FILE"
FACTOR_KEYS = "OUTREACH_FACTOR_KEYS"  # how a backup of 0.3 names the secret keys, and any backup since
SETTING = {FACTOR_KEYS: "OUTREACH_SECRET_KEY"}
# What is lost without a key, for the end of a sentence.
COSTS = {
    "OUTREACH_TOKEN_KEYS": "les liens des courriels partis ne marchent plus",
    "OUTREACH_SECRET_KEY": "les seconds facteurs ne se lisent plus",
    NOTE_KEY: "les notes validées désormais sont signées par une autre clé",
    "OUTREACH_ERASURE_KEY": "les adresses effacées ne sont plus reconnues",
}


def fingerprints(settings: Settings, note_key: str) -> dict[str, list[str]]:
    """The fingerprints of an installation's keys, by setting. `note_key` is the one of the public half, or ''.

    Keys that may be guessed are refused outside a demonstration, so nobody finds one by trying.
    """
    erasure = settings.erasure_key.get_secret_value()
    secrets = {
        "OUTREACH_TOKEN_KEYS": [key.decode() for key in settings.signing_keys],
        FACTOR_KEYS: list(settings.secret_keys),
        "OUTREACH_ERASURE_KEY": [erasure],
    }
    named = {name: [_fingerprint(name, key) for key in keys if key] for name, keys in secrets.items()}
    return {name: found for name, found in (named | {NOTE_KEY: [note_key] if note_key else []}).items() if found}


def lacking(wanted: Mapping[str, Sequence[str]], here: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The settings that lack a key of a backup, each with a French sentence that says what it costs."""
    lost = {name: [one for one in keys if one not in here.get(name, ())] for name, keys in wanted.items()}
    values = {SETTING.get(name, name): keys for name, keys in lost.items()}
    return {
        name: f"{name} n’a pas la clé au code de contrôle {', '.join(keys)} : "
        f"{COSTS.get(name, 'elle servait à cette base')}."
        for name, keys in values.items()
        if keys
    }


def _fingerprint(name: str, key: str) -> str:
    return hashlib.sha256(f"{name}:{key}".encode()).hexdigest()[:16]


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


LARGEST = 10_000_000  # bytes; five hundred tables and their indexes take a hundredth
ENDING = ".json"


class Server(BaseModel):
    """The kind and the version of what a database stood on."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["sqlite", "postgresql"]
    version: str

    @property
    def major(self) -> str:
        """The number before the first point."""
        return self.version.partition(".")[0]


class Manifest(BaseModel):
    """The manifest of one backup. `seal` is the digest of all the rest, so that a change by accident shows.

    `made_at` is the moment of the snapshot, `version` the program's, `installation` the one of the data folder ('' for
    none), `keys` the fingerprints of keys by setting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    file: str
    size: Annotated[int, Field(ge=0)]
    sha256: str
    made_at: AwareDatetime
    version: str
    server: Server
    installation: str
    keys: dict[str, list[str]]
    contents: Contents
    seal: str = ""

    def sealed(self) -> "Manifest":
        """The same with its seal."""
        return self.model_copy(update={"seal": self._digest()})

    @property
    def is_sealed(self) -> bool:
        """Whether the seal is that of the rest."""
        return self.seal == self._digest()

    def _digest(self) -> str:
        return hashlib.sha256(self.model_dump_json(exclude={"seal"}).encode()).hexdigest()


def place_of(file: Path) -> Path:
    """Where the manifest of a backup stands: beside it, under the same name."""
    return file.with_suffix(ENDING)


def read(file: Path) -> Manifest:
    """The manifest of a backup. Raises Refused where it is missing, cannot be read or was changed."""
    path = place_of(file)
    try:
        with path.open("rb") as opened:
            manifest = Manifest.model_validate_json(opened.read(LARGEST))
    except FileNotFoundError:
        raise Refused(
            f"Le manifeste {path.name} manque à côté de la sauvegarde : rien ne dit ce qu’elle doit tenir."
        ) from None
    except ValidationError:
        raise Refused(f"Le manifeste {path.name} ne se lit pas : il est abîmé, ou d’une autre version.") from None
    if not manifest.is_sealed:
        raise Refused(f"Le manifeste {path.name} a été modifié depuis la sauvegarde.")
    return manifest


def check_file(file: Path, manifest: Manifest) -> None:
    """Compare a backup with its manifest. Raises Refused where it is not the file that was written, OSError."""
    check_size(file, manifest)
    if sha256_of(file) != manifest.sha256:
        raise Refused(f"La sauvegarde {file.name} n’a plus le code de contrôle de son manifeste : elle est abîmée.")


def check_size(file: Path, manifest: Manifest) -> None:
    """The same without reading it: whether the file is there, and as long as it was. Raises Refused, OSError."""
    if file == place_of(file):
        if file.with_name(Path(manifest.file).name).exists():
            raise Refused(f"{file.name} est un manifeste : indiquez {manifest.file}, la sauvegarde à côté de lui.")
        raise Refused(f"La sauvegarde {manifest.file} manque à côté de son manifeste.")
    if file.name != manifest.file:
        raise Refused(f"Le manifeste est celui de {manifest.file}, non de {file.name}.")
    size = file.stat().st_size
    if size != manifest.size:
        raise Refused(f"La sauvegarde {file.name} compte {size} octets, non {manifest.size} : elle est abîmée.")


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
