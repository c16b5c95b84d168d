"""Reads secrets that stand in files of their own: `OUTREACH_<FIELD>_FILE` names the file instead of the value."""

from collections.abc import Mapping
from pathlib import Path

from outreach.errors import SettingsError
from outreach.settings.model import PREFIX, SECRETS

LONGEST = 65_536  # bytes of a file
NAMED = {f"{PREFIX}{field.upper()}_FILE": PREFIX + field.upper() for field in SECRETS}


def with_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the values that files hold, each without its last end of line.

    Raises SettingsError with all the faults at once, one sentence per line. No sentence repeats what a file holds.
    """
    values, faults = dict(environment), []
    for name, setting in NAMED.items():
        if not (path := environment.get(name, "")):
            continue
        if environment.get(setting):
            faults.append(f"{setting} et {name} sont donnés tous les deux : gardez l’un, retirez l’autre.")
            continue
        try:
            values[setting] = _read(Path(path))
        except OSError as error:
            faults.append(f"{name} : le fichier {path} ne se lit pas ({error.strerror}).")
        except UnicodeError:
            faults.append(f"{name} : le fichier {path} n’est pas un texte en UTF-8.")
        except ValueError as error:
            faults.append(f"{name} : le fichier {path} {error}.")
    if faults:
        raise SettingsError("\n".join(faults))
    return values


def _read(path: Path) -> str:
    if path.exists() and not path.is_file():  # a pipe would be waited for, and each process reads the file again
        raise ValueError("n’est pas un fichier ordinaire")
    with path.open("rb") as file:
        held = file.read(LONGEST + 1)
    if len(held) > LONGEST:
        raise ValueError(f"est trop long : {LONGEST // 1024} ko au plus")
    value = held.decode().removesuffix("\n").removesuffix("\r")
    if not value.strip():
        raise ValueError("est vide")
    return value
