"""Reads the settings, once, at start: from the environment, from files, and secrets made for this installation."""

import difflib
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from outreach.core.settings.faults import faults_of
from outreach.core.settings.model import PREFIX, SECRETS, Mode, Settings
from outreach.core.text.errors import SettingsError

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


QUOTED = re.compile("'([^']*)'")  # a value that may be chosen, as pydantic names it
GONE = {  # settings of 0.3, with what takes their place
    "OUTREACH_ANSWERS_WITHIN": "le service revient à une réponse dans les cinq jours ouvrables",
    "OUTREACH_DNS_SERVER": "nommez ce serveur dans OUTREACH_CHECK_DOMAINS",
    "OUTREACH_DNS_TIMEOUT": "un serveur DNS a cinq secondes pour répondre",
    "OUTREACH_LOG_FORMAT": "le journal a une seule forme, une ligne par évènement",
    "OUTREACH_OIDC_NAME": "les pages nomment l’émetteur par son hôte",
    "OUTREACH_PAPER_WINDOW": "les lettres sont faites pour une fenêtre à droite, de 90 mm sur 40, à 105 mm et 45 mm",
    "OUTREACH_SECURITY_CONTACT": "OUTREACH_OFFICIAL_PAGE est aussi l’adresse à laquelle signaler une faille",
    "OUTREACH_SMTP_CONNECTIONS": "ajoutez ?connections=8 à chaque adresse de OUTREACH_SMTP_URL",
    "OUTREACH_TEST_RECIPIENTS": "un essai part aussi vers OUTREACH_ALLOWED_RECIPIENTS",
    "OUTREACH_WEB_PROCESSES": "chaque unité outreach-web@PORT est un processus, et ./run en démarre deux",
}
DKIM = "écrivez OUTREACH_DKIM=sélecteur:fichier, par exemple s1:/etc/outreach/s1.pem"
FACTOR_KEYS = "ajoutez ces clés à la fin de OUTREACH_SECRET_KEY, entre virgules"
REFUSED = {  # idem, of which ignoring one would change what leaves, or who comes in
    "OUTREACH_DKIM_KEY_FILE": DKIM,
    "OUTREACH_DKIM_SELECTOR": DKIM,
    "OUTREACH_DOMAIN_RATES": "ajoutez ?rate=5 à chaque adresse de OUTREACH_SMTP_URL ; lui seul limite chaque domaine",
    "OUTREACH_FACTOR_KEYS": FACTOR_KEYS,
    "OUTREACH_FACTOR_KEYS_FILE": FACTOR_KEYS,
    "OUTREACH_PASSWORDS": "OUTREACH_EMERGENCY_ACCOUNT seul les retire aux autres comptes ; sans lui, ils servent",
    "OUTREACH_PROTECTED_DOMAINS": "hors production, OUTREACH_ALLOWED_RECIPIENTS dit à qui écrire, jamais à adm.cfwb.be",
    "OUTREACH_SMTP_RATE": "ajoutez ?rate=5 (courriels par seconde) à chaque adresse de OUTREACH_SMTP_URL",
}


class Environment(EnvSettingsSource):
    """The variables of an environment that is given, in the place of those of this process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(Settings)
        # A value of blanks and commas alone names nothing.
        self.env_vars = {name.lower(): value for name, value in environment.items() if value.strip(" ,")}


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings. In demo mode the secrets are generated once and kept in the data folder.

    Raises SettingsError with all the faults at once, one sentence per line.
    """
    if refused := _told(REFUSED, environment):
        raise SettingsError("\n".join(refused))
    _refuse_misspelt(environment)
    environment = with_files(environment)
    try:
        settings = Settings(**Environment(environment)())
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(fault) for fault in error.errors())) from None
    faults = faults_of(settings) + _faults_of_libpq(environment, settings)
    if settings.mode is not Mode.DEMO or not faults:  # a demonstration that does not start changes no folder
        faults += faults_of_folder(settings)
    if faults:
        raise SettingsError("\n".join(faults))
    return _with_kept_secrets(settings) if settings.mode is Mode.DEMO else settings


def _with_kept_secrets(settings: Settings) -> Settings:
    kept = {
        field: SecretStr(kept_secret(settings.data / field.replace("_", "-")))
        for field in ("secret_key", "token_keys", "erasure_key")
        if not getattr(settings, field).get_secret_value()
    }
    return settings.model_copy(update=kept)


def unknown(environment: Mapping[str, str]) -> list[str]:
    """The names of the environment that look like settings and are none, in order."""
    known = _known()
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def gone(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each setting of the environment that means nothing any more."""
    return _told(GONE, environment)


def _told(old: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    return [f"{name} ne sert plus, retirez-le : {why}." for name, why in old.items() if environment.get(name)]


def _known() -> list[str]:
    return [*(PREFIX + field.upper() for field in Settings.model_fields), *NAMED]


def _refuse_misspelt(environment: Mapping[str, str]) -> None:
    for name in unknown(environment):
        near = difflib.get_close_matches(name, _known(), n=1, cutoff=0.88)
        if near:
            raise SettingsError(f"Le réglage {name} n’existe pas. Vouliez-vous écrire {near[0]} ?")


def _faults_of_libpq(environment: Mapping[str, str], settings: Settings) -> list[str]:
    """The variables by which the PostgreSQL library would ask another machine than the one that was judged."""
    if settings.mode is Mode.DEMO or not settings.database.startswith("postgresql"):
        return []
    return [
        f"{name} n’est pas un réglage : écrivez la machine dans OUTREACH_DATABASE_URL, et retirez {name}."
        for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE")
        if not (environment.get(name) or "/").startswith("/")  # a folder of sockets is on this machine
    ]


def _sentence(fault: ErrorDetails) -> str:
    if fault["type"] == "value_error":  # our own judgement
        return str(fault["ctx"]["error"])
    name = f"{PREFIX}{str(fault['loc'][0]).upper()}"
    if fault["type"] == "enum":
        *others, last = QUOTED.findall(fault["ctx"]["expected"])
        return f"{name} vaut « {fault['input']} » : les valeurs possibles sont {', '.join(others)} et {last}."
    return f"{name} vaut « {fault['input']} » : cette valeur ne se comprend pas."
