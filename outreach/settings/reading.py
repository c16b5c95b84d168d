"""Reads the settings from the environment and checks them as a whole, once, at start."""

import difflib
import os
from collections.abc import Mapping

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from outreach.errors import SettingsError
from outreach.settings.faults import faults_of
from outreach.settings.files import NAMED, with_files
from outreach.settings.folder import faults_of_folder
from outreach.settings.model import PREFIX, Mode, Settings
from outreach.settings.own_secrets import kept_secret

RANGES = {
    "smtp_connections": "de 1 à 50",
    "dns_timeout": "de secondes, de 1 à 30",
    "answers_within": "de jours ouvrables, de 1 à 30",
}
GONE = {  # settings of 0.3, with what takes their place
    "OUTREACH_WEB_PROCESSES": "chaque unité outreach-web@PORT est un processus, et ./run en démarre deux",
}
CHOICES = {
    "mode": "demo, trial et production",
    "sending": "on et off",
    "check_domains": "on et off",
    "passwords": "on et off",
    "log_format": "text et json",
    "second_factor": "required, optional et off",
}


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings. In demo mode the secrets are generated once and kept in the data folder.

    Raises SettingsError with all the faults at once, one sentence per line.
    """
    _refuse_misspelt(environment)
    environment = with_files(environment)
    try:
        settings = Settings.model_validate(_named(environment))
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


def _named(environment: Mapping[str, str]) -> dict[str, str]:
    named = {field: environment.get(PREFIX + field.upper(), "") for field in Settings.model_fields}
    return {field: value for field, value in named.items() if value}


def unknown(environment: Mapping[str, str]) -> list[str]:
    """The names of the environment that look like settings and are none, in order."""
    known = _known()
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def gone(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each setting of the environment that means nothing any more."""
    return [f"{name} ne sert plus, retirez-le : {why}." for name, why in GONE.items() if environment.get(name)]


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
    field = str(fault["loc"][0])
    if field in CHOICES:
        return f"{PREFIX}{field.upper()} vaut « {fault['input']} » : les valeurs possibles sont {CHOICES[field]}."
    if field in RANGES:
        return f"{PREFIX}{field.upper()} vaut « {fault['input']} » : indiquez un nombre entier {RANGES[field]}."
    if field == "smtp_rate":
        rule = "un nombre entier de courriels par seconde, ou 0 pour ne pas limiter"
        return f"OUTREACH_SMTP_RATE vaut « {fault['input']} » : indiquez {rule}."
    return f"{PREFIX}{field.upper()} est illisible : {fault['msg']}."
