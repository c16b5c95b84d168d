"""Keeps the data folder to its owner."""

import stat
from pathlib import Path

from outreach.settings.model import Mode, Settings

OTHERS = stat.S_IRWXG | stat.S_IRWXO
OWN_FILES = ("secret-key", "token-keys", "erasure-key", "erasures.jsonl", "installation", "outreach.sqlite3")


def faults_of_folder(settings: Settings) -> list[str]:
    """What is wrong with the data folder when others than its owner may open it.

    A demonstration closes its own folder, and then nothing is wrong. It leaves alone a folder that holds other
    things, which closing would take from others.
    """
    folder = settings.data
    try:
        if not folder.is_dir() or not folder.stat().st_mode & OTHERS:
            return []
        if settings.mode is Mode.DEMO and _is_own(folder):
            folder.chmod(stat.S_IRWXU)
            return []
    except OSError:
        pass  # it is somebody else's
    return [f"Le dossier de données {folder} est ouvert à d’autres comptes : fermez-le par chmod 700 {folder}"]


def _is_own(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    return not names or not names.isdisjoint(OWN_FILES)
