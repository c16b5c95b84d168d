"""The manifest of a backup: what its file is, what the database held, and which keys it needs. It holds no secret."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from outreach.backups.contents import Contents
from outreach.errors import Refused

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
