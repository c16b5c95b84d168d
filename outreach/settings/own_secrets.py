"""Secrets that an installation makes for itself, once, and keeps in its data folder."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from outreach.errors import SettingsError


def kept_secret(path: Path, size: int = 32) -> str:
    """A secret of `size` random bytes, made on first use and kept in a file only its owner can read.

    Raises SettingsError when the folder cannot be written.
    """
    try:
        return kept_text(path, lambda: secrets.token_urlsafe(size))
    except OSError as error:
        raise SettingsError(f"Le dossier {path.parent} ne peut pas être écrit : {error.strerror}.") from None


def kept_text(path: Path, make: Callable[[], str]) -> str:
    """A secret that `make` makes on first use, kept in a file only its owner can read. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _keep_secret(path, make())
    return path.read_text(encoding="ascii").strip()


def _keep_secret(path: Path, secret: str) -> None:
    """Write the secret to a temporary file and link it into place, so that no process reads half of it.

    When another process was first, its secret stays.
    """
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secret)
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        return
    finally:
        fresh.unlink()
