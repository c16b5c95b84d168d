"""Every option of the product, read from the environment and checked once, at start."""

import difflib
import ipaddress
import os
import re
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from outreach.errors import SettingsError

PREFIX = "OUTREACH_"
SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.IGNORECASE)
BROKERS = ("redis", "rediss", "amqp", "amqps")
RELAY_OPTIONS = {
    "starttls": re.compile(r"on|off"),
    "connections": re.compile(r"[1-9]|[1-4]\d|50"),
    "rate": re.compile(r"\d{1,6}"),
}
RATE = re.compile(r"\d{1,5}(\.\d{1,3})?")
PORTS = {"smtp": 25, "smtps": 465}
ROOT = Path(__file__).resolve().parent.parent


class Mode(StrEnum):
    """What the installation is for. The default is a demonstration; the other modes must be set explicitly."""

    DEMO = "demo"
    TRIAL = "trial"
    PRODUCTION = "production"


class SendingSwitch(StrEnum):
    """Whether letters leave at all."""

    ON = "on"
    OFF = "off"


class Settings(BaseModel):
    """All settings, frozen; `read` checks them as a whole. Each field is `OUTREACH_<FIELD>` in the environment."""

    model_config = ConfigDict(frozen=True)

    mode: Mode = Mode.DEMO
    data: Path = ROOT / "var"
    database_url: str = Field("", repr=False)  # may hold a password
    broker_url: str = Field("", repr=False)  # idem
    bind: str = "127.0.0.1:8000"
    web_processes: Annotated[int, Field(ge=1, le=32)] = 2
    secret_key: SecretStr = SecretStr("")
    public_url: str = ""
    smtp_url: str = Field("", repr=False)  # idem
    bounces_url: str = Field("", repr=False)  # idem
    mail_domain: str = ""
    mailbox_domain: str = "adm.fwb.example"
    token_keys: SecretStr = SecretStr("")
    sending: SendingSwitch = SendingSwitch.ON
    allowed_recipients: str = ""
    test_recipients: str = ""
    protected_domains: str = "cfwb.be"
    dkim_selector: str = ""
    dkim_key_file: Path | None = None
    smtp_connections: Annotated[int, Field(ge=1, le=50)] = 8
    smtp_rate: Annotated[int, Field(ge=0)] = 0
    domain_rates: str = ""
    demo_mailbox: str = "127.0.0.1:8025"
    clock_offset: float = 0.0

    @property
    def database(self) -> str:
        """The URL of the database: the one set, or an SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data / 'outreach.sqlite3'}"

    @property
    def address(self) -> str:
        """The address people open: the public one, or the one we listen on."""
        return self.public_url.rstrip("/") or f"http://{self.bind}"

    @property
    def host(self) -> str:
        """The host part of the listening address."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def relays(self) -> tuple[str, ...]:
        """The URLs of the relays, in order of preference; the demonstration's mailbox when none is set."""
        return tuple(self.smtp_url.replace(",", " ").split()) or (f"smtp://{self.demo_mailbox}",)

    @property
    def rates_of_domains(self) -> dict[str, float]:
        """Letters per second, by recipient domain; `*` stands for any other domain."""
        pairs = (entry.partition("=") for entry in listed(self.domain_rates))
        return {domain.strip().casefold(): float(rate) for domain, _, rate in pairs}

    @property
    def stays_here(self) -> bool:
        """Whether every letter ends in the demonstration's mailbox, on this machine."""
        return self.mode is Mode.DEMO and not self.smtp_url

    @property
    def sending_domain(self) -> str:
        """The domain letters are sent from."""
        return self.mail_domain or "courriel.fwb.example"

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The keys of the tokens in letters, newest first."""
        return tuple(key.encode() for key in listed(self.token_keys.get_secret_value()))

    def instant(self) -> datetime:
        """The current time, moved by the demonstration's offset. Entry points call this and pass the time on."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_offset)


def listed(text: str) -> list[str]:
    """The comma-separated items of a setting."""
    return [part.strip() for part in text.split(",") if part.strip()]


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings. In demo mode the secrets are generated once and kept in the data folder.

    Raises SettingsError with all the faults at once, one sentence per line.
    """
    _refuse_misspelt(environment)
    try:
        settings = Settings.model_validate(_named(environment))
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(fault) for fault in error.errors())) from None
    faults = _faults(settings)
    if faults:
        raise SettingsError("\n".join(faults))
    return _with_kept_secrets(settings) if settings.mode is Mode.DEMO else settings


def kept_secret(path: Path, size: int = 32) -> str:
    """A secret of `size` random bytes, made on first use and kept in a file only its owner can read.

    Raises SettingsError when the folder cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _keep_secret(path, secrets.token_urlsafe(size))
    except OSError as error:
        raise SettingsError(f"Le dossier {path.parent} ne peut pas être écrit : {error.strerror}.") from None
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


def _with_kept_secrets(settings: Settings) -> Settings:
    kept = {
        field: SecretStr(kept_secret(settings.data / field.replace("_", "-")))
        for field in ("secret_key", "token_keys")
        if not getattr(settings, field).get_secret_value()
    }
    return settings.model_copy(update=kept)


def _named(environment: Mapping[str, str]) -> dict[str, str]:
    named = {field: environment.get(PREFIX + field.upper(), "") for field in Settings.model_fields}
    return {field: value for field, value in named.items() if value}


def _refuse_misspelt(environment: Mapping[str, str]) -> None:
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    for name in environment:
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.88)
            if near:
                raise SettingsError(f"Le réglage {name} n’existe pas. Vouliez-vous écrire {near[0]} ?")


def _sentence(fault: ErrorDetails) -> str:
    field = str(fault["loc"][0])
    if field == "mode":
        return f"OUTREACH_MODE vaut « {fault['input']} » : les valeurs possibles sont demo, trial et production."
    if field == "sending":
        return f"OUTREACH_SENDING vaut « {fault['input']} » : les valeurs possibles sont on et off."
    if field == "web_processes":
        return f"OUTREACH_WEB_PROCESSES vaut « {fault['input']} » : indiquez un nombre entier de 1 à 32."
    if field in {"smtp_connections", "smtp_rate"}:
        return f"{PREFIX}{field.upper()} vaut « {fault['input']} » : indiquez un nombre entier, connexions de 1 à 50."
    return f"{PREFIX}{field.upper()} est illisible : {fault['msg']}."


def _faults(settings: Settings) -> list[str]:
    return [
        *_faults_of_address(settings),
        *_faults_of_database(settings),
        *_faults_of_broker(settings),
        *_faults_of_domains(settings),
        *_faults_of_relays(settings),
        *_faults_of_rates(settings),
        *_faults_of_bounces(settings),
        *(_faults_of_demo(settings) if settings.mode is Mode.DEMO else _faults_outside_demo(settings)),
    ]


def _faults_of_address(settings: Settings) -> list[str]:
    named = {"OUTREACH_BIND": settings.bind, "OUTREACH_DEMO_MAILBOX": settings.demo_mailbox}
    return [
        f"{name} vaut « {value} » : indiquez une adresse et un port, par exemple 127.0.0.1:8000."
        for name, value in named.items()
        if not _is_place(value)
    ]


def _faults_of_database(settings: Settings) -> list[str]:
    with suppress(ArgumentError):
        if make_url(settings.database).get_backend_name() in {"sqlite", "postgresql"}:
            return []
    return ["OUTREACH_DATABASE_URL doit s’écrire sqlite:////chemin ou postgresql://…"]


def _faults_of_broker(settings: Settings) -> list[str]:
    if not settings.broker_url:
        return []
    if not _names_a_host(settings.broker_url, BROKERS):
        return [f"OUTREACH_BROKER_URL doit s’écrire {', '.join(f'{scheme}://…' for scheme in BROKERS)}."]
    if settings.database.startswith("sqlite"):
        why = "partage l’envoi entre plusieurs processus, ce que SQLite ne permet pas"
        return [f"OUTREACH_BROKER_URL {why} : indiquez OUTREACH_DATABASE_URL=postgresql://…, ou retirez ce réglage."]
    return []


def _names_a_host(url: str, schemes: Collection[str]) -> bool:
    try:
        place = urlsplit(url)
        return place.scheme in schemes and bool(place.hostname) and place.port != 0
    except ValueError:
        return False


def _faults_of_domains(settings: Settings) -> list[str]:
    named = {"OUTREACH_MAIL_DOMAIN": settings.mail_domain, "OUTREACH_MAILBOX_DOMAIN": settings.mailbox_domain}
    faults = [
        f"{name} vaut « {value} » : indiquez un nom de domaine, par exemple courriel.example."
        for name, value in named.items()
        if value and not DOMAIN.fullmatch(value)
    ]
    if bool(settings.dkim_selector) != bool(settings.dkim_key_file):
        faults.append("OUTREACH_DKIM_SELECTOR et OUTREACH_DKIM_KEY_FILE vont ensemble : nommez les deux, ou aucun.")
    if settings.dkim_selector and not SELECTOR.fullmatch(settings.dkim_selector):
        faults.append(
            f"OUTREACH_DKIM_SELECTOR vaut « {settings.dkim_selector} » : indiquez un sélecteur, par exemple s1."
        )
    if settings.public_url and not urlsplit(settings.public_url).hostname:
        faults.append(f"OUTREACH_PUBLIC_URL vaut « {settings.public_url} » : indiquez une adresse complète.")
    return faults


def _faults_of_relays(settings: Settings) -> list[str]:
    """No sentence repeats a relay's URL, as it may hold a password."""
    if not settings.smtp_url:
        return []
    if not all(_is_relay(url) for url in settings.relays):
        return ["OUTREACH_SMTP_URL doit s’écrire smtp://hôte:port ou smtps://hôte, un relais ou plusieurs."]
    relays = [urlsplit(url) for url in settings.relays]
    faults = [
        f"OUTREACH_SMTP_URL : « {name}={value} » ne se comprend pas ; les options d’un relais sont starttls=off, "
        "connections (de 1 à 50) et rate (courriels par seconde)."
        for relay in relays
        for name, value in parse_qsl(relay.query, keep_blank_values=True)
        if not (name in RELAY_OPTIONS and RELAY_OPTIONS[name].fullmatch(value))
    ]
    if len({(relay.hostname, relay.port or PORTS[relay.scheme]) for relay in relays}) < len(relays):
        faults.append("OUTREACH_SMTP_URL nomme deux fois le même relais.")
    if any(_is_in_clear(relay) for relay in relays):
        faults.append("OUTREACH_SMTP_URL : un mot de passe ne part jamais en clair, retirez starttls=off.")
    return faults


def _is_in_clear(relay: SplitResult) -> bool:
    is_open = relay.scheme == "smtp" and ("starttls", "off") in parse_qsl(relay.query)
    return is_open and bool(relay.username) and not _is_loopback(relay.hostname or "")


def _faults_of_rates(settings: Settings) -> list[str]:
    return [
        f"OUTREACH_DOMAIN_RATES : « {entry} » ne se comprend pas ; écrivez des domaines et des courriels par seconde, "
        "par exemple gmail.com=5, skynet.be=2.5, *=10."
        for entry in listed(settings.domain_rates)
        if not _is_rate(entry)
    ]


def _is_rate(text: str) -> bool:
    domain, _, rate = (part.strip() for part in text.partition("="))
    is_number = RATE.fullmatch(rate) is not None
    return is_number and float(rate) > 0 and (domain == "*" or DOMAIN.fullmatch(domain) is not None)


def _is_relay(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _faults_of_bounces(settings: Settings) -> list[str]:
    try:
        box = urlsplit(settings.bounces_url)
        is_there = bool(box.path.strip("/")) if box.scheme == "maildir" else bool(box.hostname and box.port != 0)
    except ValueError:
        is_there = False
    is_private = box.scheme in {"imaps", "maildir"} or (box.scheme == "imap" and _is_loopback(box.hostname or ""))
    if not settings.bounces_url or (is_there and is_private):
        return []
    sentence = (
        "OUTREACH_BOUNCES_URL doit s’écrire imaps://utilisateur:mot-de-passe@hôte/INBOX ou maildir:///chemin "
        "(imap:// sur cette machine seulement)."
    )
    return [sentence]


def _faults_of_demo(settings: Settings) -> list[str]:
    if _is_loopback(settings.host):
        return []
    sentence = (
        f"En mode démonstration, OUTREACH_BIND doit rester sur la machine (127.0.0.1), pas « {settings.host} » : "
        "nommez OUTREACH_MODE=trial ou production pour ouvrir le service."
    )
    return [sentence]


def _faults_outside_demo(settings: Settings) -> list[str]:
    required = {
        "OUTREACH_SECRET_KEY": (settings.secret_key.get_secret_value(), "la clé qui signe les sessions"),
        "OUTREACH_SMTP_URL": (settings.smtp_url, "le relais de courriel, par exemple smtp://relais:587"),
        "OUTREACH_PUBLIC_URL": (settings.public_url, "l’adresse publique du service, en https"),
        "OUTREACH_MAIL_DOMAIN": (settings.mail_domain, "le domaine qui signe les courriels"),
        "OUTREACH_MAILBOX_DOMAIN": (_stated(settings, "mailbox_domain"), "le domaine des boîtes administratives"),
        "OUTREACH_TOKEN_KEYS": (settings.token_keys.get_secret_value(), "les clés des liens des courriels"),
    }
    faults = [
        f"En mode {settings.mode}, {name} est obligatoire : {meaning}."
        for name, (value, meaning) in required.items()
        if not value
    ]
    faults += _faults_of_keys(settings)
    if settings.public_url and urlsplit(settings.public_url).scheme != "https":
        faults.append(f"OUTREACH_PUBLIC_URL vaut « {settings.public_url} » : indiquez une adresse en https.")
    return faults


def _stated(settings: Settings, field: str) -> str:
    """The value that the environment sets, or '' when the field still has its demonstration default."""
    return str(getattr(settings, field)) if field in settings.model_fields_set else ""


def _faults_of_keys(settings: Settings) -> list[str]:
    faults = []
    if any(len(key) < 32 for key in settings.signing_keys):
        faults.append("OUTREACH_TOKEN_KEYS : chaque clé doit compter au moins 32 caractères tirés au hasard.")
    key = settings.secret_key.get_secret_value()
    if key and len(key) < 32:
        faults.append("OUTREACH_SECRET_KEY est trop courte : il faut au moins 32 caractères tirés au hasard.")
    if key and key.encode() in settings.signing_keys:
        faults.append("OUTREACH_TOKEN_KEYS doit différer de OUTREACH_SECRET_KEY : les deux vivent séparément.")
    if settings.clock_offset:
        faults.append("OUTREACH_CLOCK_OFFSET ne sert qu’en démonstration.")
    return faults


def _is_place(value: str) -> bool:
    host, _, port = value.rpartition(":")
    return bool(host) and port.isascii() and port.isdecimal() and 0 < int(port) < 65536


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
