"""Looks at this machine: the rights of the data folder, its disk, the settings."""

import os
import shutil
from pathlib import Path

from sqlalchemy.engine import make_url

from outreach import french
from outreach.alerts import disk as alarm
from outreach.doctor.findings import Examined, Finding, fault, ok, warning, worst
from outreach.settings import Settings
from outreach.settings.folder import OTHERS, OWN_FILES, faults_of_folder
from outreach.settings.reading import gone, unknown

SCARCE = 10  # times the room below which the service alarms


def folder(examined: Examined) -> Finding:
    """Whether we may write in the data folder, and nobody else may open it or its secrets."""
    data = examined.settings.data
    if not data.is_dir():
        return fault(
            f"{data} n’existe pas : créez ce dossier (install -d -m 0700), au nom de l’utilisateur du service."
        )
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return fault(f"{data} ne s’écrit pas sous ce compte : rendez-le à l’utilisateur du service (chown).")
    if faults := faults_of_folder(examined.settings):
        return fault(" ".join(faults))
    shown = [str(path) for path in map(data.joinpath, OWN_FILES) if path.exists() and path.stat().st_mode & OTHERS]
    if shown:
        return warning(f"{', '.join(shown)} se lit par d’autres comptes : chmod 600 {' '.join(shown)}.")
    return ok(f"{data} est à ce compte seul.")


def disk(examined: Examined) -> Finding:
    """How much room is left where the data folder is, and where an SQLite database is."""
    return worst([_room(place) for place in sorted({_there(path) for path in _places(examined.settings)})])


def settings(examined: Examined) -> Finding:
    """Whether every `OUTREACH_…` of the environment is a setting. Faulty ones keep any command from running."""
    strange = unknown(examined.environment)
    if old := gone(examined.environment):
        return warning(" ".join(old))
    if strange:
        return warning(f"Aucun réglage ne s’appelle {', '.join(strange)} : retirez-le, ou corrigez son nom.")
    named = len(examined.settings.model_fields_set)
    return ok(f"Mode {examined.settings.mode}, {french.plural(named, 'réglage nommé', 'réglages nommés')}.")


def _places(settings: Settings) -> list[Path]:
    url = make_url(settings.database)
    is_file = url.get_backend_name() == "sqlite" and url.database
    return [settings.data, *([Path(url.database or "").parent] if is_file else [])]


def _there(path: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    path = path.resolve()
    return next(one for one in (path, *path.parents) if one.exists())


def _room(place: Path) -> Finding:
    usage = shutil.disk_usage(place)
    told = f"{place} : {french.size(usage.free)} libres sur {french.size(usage.total)}"
    if usage.free < alarm.LEAST_FREE:
        return fault(f"{told} : libérez de la place, sans elle rien ne s’enregistre et rien ne part.")
    if usage.free < SCARCE * alarm.LEAST_FREE:
        return warning(f"{told} : faites de la place avant la prochaine grande campagne.")
    return ok(f"{told}.")
