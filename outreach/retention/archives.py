"""What may be a public archive is written to a sealed file before it goes, and only with the ministry's leave.

The law on archives forbids to destroy what no sorting list (« tableau de tri ») names. `OUTREACH_SORTING_LIST` states
its reference. A file is JSON, a line each; beside it stand its seal, which says what it holds and its digest, and the
signature of the seal by the key that signs notes. The audit repeats the digest.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785

from outreach import audit
from outreach.campaigns.models import CLOCK
from outreach.db import Database
from outreach.errors import Refused
from outreach.french import plural
from outreach.retention.models import SUBJECT
from outreach.retention.periods import Retention
from outreach.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FOLDER = "archives"  # in the data folder


@dataclass(frozen=True, slots=True)
class Archives:
    """Where files are written and by what leave, as an installation's settings say."""

    settings: Settings

    @classmethod
    def of(cls, settings: Settings) -> "Archives | None":
        """The archives of an installation; None where no sorting list is stated."""
        return cls(settings) if settings.sorting_list else None

    @property
    def folder(self) -> Path:
        """Where the files are, in the data folder."""
        return self.settings.data / FOLDER

    @property
    def sorting_list(self) -> str:
        """The reference of the sorting list."""
        return self.settings.sorting_list

    def keep(self, database: Database, rule: Retention, keys: Sequence[Sequence[Any]], *, now: datetime) -> Path:
        """Write these rows of a rule to a sealed file, and have the audit say so. Returns the file.

        Raises Refused where no key seals it.
        """
        key = _key(self.settings)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.folder / f"{rule.name}-{now:%Y%m%dT%H%M%S}-{os.getpid()}.part"
        try:
            digest, count = _written(part, database, rule, keys)
            path = part.with_name(f"{rule.name}-{now:%Y%m%dT%H%M%S}-{digest[:12]}.jsonl")
            told = {"file": path.name, "sha256": digest, "rows": count, "rule": rule.name, "period": rule.written}
            _seal(path, {**told, "sorting_list": self.sorting_list, "at": now.isoformat()}, key)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        with database.writing() as session:
            said = (
                f"Exporté avant d’être vidé : « {rule.what} », {plural(count, 'ligne')}, fichier {path.name}, "
                f"code de contrôle {digest}, tableau de tri {self.sorting_list}."
            )
            audit.record(session, now, CLOCK, said, SUBJECT)
        return path


def _written(part: Path, database: Database, rule: Retention, keys: Sequence[Sequence[Any]]) -> tuple[str, int]:
    """Write the rows to a new file, down to the disk; returns their digest and number."""
    digest, count = sha256(), 0
    with database.reading() as session, part.open("xb") as file:
        part.chmod(0o600)
        for row in rule.export(session, keys):
            line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), count


def _key(settings: Settings) -> "Ed25519PrivateKey":
    from outreach.notes import signing  # noqa: PLC0415 - it would stay for months in a process that sends

    try:
        return signing.signing_key(settings)
    except Refused as error:
        raise Refused(str(error).replace(signing.LOST_NOTHING, "Rien n’est effacé.")) from None


def _seal(path: Path, told: dict[str, Any], key: "Ed25519PrivateKey") -> None:
    """Write a file's seal and its signature beside it."""
    from outreach.notes import signing  # noqa: PLC0415 - idem

    seal = rfc8785.dumps({**told, "public_key": signing.public_key_of(key)})
    for suffix, content in ((".seal.json", seal), (".seal.sig", key.sign(seal))):
        sealed = path.with_suffix(suffix)
        sealed.write_bytes(content)
        sealed.chmod(0o600)
