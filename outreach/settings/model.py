"""Every option of the product: its name, its type, its default, and what follows from it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from outreach.settings.places import Network, network_of

PREFIX = "OUTREACH_"
SECRETS = (  # settings that are secrets, or may hold a password: each may stand in a file
    "database_url",
    "broker_url",
    "secret_key",
    "smtp_url",
    "bounces_url",
    "token_keys",
    "factor_keys",
    "erasure_key",
    "oidc_client_secret",
    "metrics_token",
)
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))
ROOT = Path(__file__).resolve().parent.parent.parent


class Mode(StrEnum):
    """What the installation is for. The default is a demonstration; the other modes must be set explicitly."""

    DEMO = "demo"
    TRIAL = "trial"
    PRODUCTION = "production"


class PasswordSwitch(StrEnum):
    """Whether people sign in with a password; when off, only the emergency account does."""

    ON = "on"
    OFF = "off"


class SendingSwitch(StrEnum):
    """Whether letters leave at all."""

    ON = "on"
    OFF = "off"


class CheckSwitch(StrEnum):
    """Whether the clock asks DNS if the domains of addresses take mail."""

    ON = "on"
    OFF = "off"


class LogFormat(StrEnum):
    """How the lines of the log are written."""

    TEXT = "text"
    JSON = "json"


class FactorPolicy(StrEnum):
    """Who needs a second factor to sign in. `off`: nobody is asked for one, not even who has set one up."""

    REQUIRED = "required"  # of approvers and administrators
    OPTIONAL = "optional"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Calm:
    """How many awareness letters a mailbox may be written in so many days; beyond that, campaigns leave it out."""

    letters: int
    days: int


class Settings(BaseModel):
    """All settings, frozen; `read` checks them as a whole. Each field is `OUTREACH_<FIELD>` in the environment."""

    model_config = ConfigDict(frozen=True)

    mode: Mode = Mode.DEMO
    data: Path = ROOT / "var"
    database_url: str = Field("", repr=False)  # may hold a password
    sight_role: str = Field("", pattern=r"^([a-z_][a-z0-9_]{0,62})?$")
    backups: Path | None = None
    broker_url: str = Field("", repr=False)  # idem
    private_hosts: str = ""
    bind: str = "127.0.0.1:8000"
    trusted_proxies: str = ""
    secret_key: SecretStr = SecretStr("")
    public_url: str = Field("", repr=False)  # idem, until it is refused
    smtp_url: str = Field("", repr=False)  # idem
    bounces_url: str = Field("", repr=False)  # idem
    mail_domain: str = ""
    mailbox_domain: str = "adm.fwb.example"
    token_keys: SecretStr = SecretStr("")
    second_factor: FactorPolicy | None = None
    factor_keys: SecretStr = SecretStr("")
    erasure_key: SecretStr = SecretStr("")
    sending: SendingSwitch = SendingSwitch.ON
    allowed_recipients: str = ""
    test_recipients: str = ""
    alerts_to: str = ""
    protected_domains: str = "cfwb.be"
    dkim_selector: str = ""
    dkim_key_file: Path | None = None
    note_key_file: Path | None = None
    smtp_connections: Annotated[int, Field(ge=1, le=50)] = 8
    smtp_rate: Annotated[int, Field(ge=0)] = 0
    domain_rates: str = ""
    calm: str = ""
    check_domains: CheckSwitch = CheckSwitch.OFF
    dns_server: str = ""
    dns_timeout: Annotated[int, Field(ge=1, le=30)] = 5
    demo_mailbox: str = "127.0.0.1:8025"
    security_contact: Annotated[str, Field(pattern=r"^([^\s@:]+@[^\s@:]+|https://\S+)?$")] = ""
    official_page: Annotated[str, Field(pattern=r"^(https://[^\s@\\<>\"]+)?$")] = ""
    sorting_list: Annotated[str, Field(max_length=100, pattern=r"^[^\r\n]*$")] = ""
    answers_within: Annotated[int, Field(ge=1, le=30)] = 5
    paper_window: Annotated[str, Field(pattern=r"^\d{1,3}(\.\d)?(,\d{1,3}(\.\d)?){3}$")] = "105,45,90,40"
    metrics_token: SecretStr = SecretStr("")
    log_format: LogFormat = LogFormat.TEXT
    clock_offset: float = 0.0
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_scopes: str = "openid"
    oidc_roles: str = ""
    oidc_acr: str = ""
    oidc_name: str = ""
    passwords: PasswordSwitch = PasswordSwitch.ON
    emergency_account: str = ""

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
    def proxies(self) -> tuple[Network, ...]:
        """The web servers that are believed about who asks them: those named, or this machine when none is."""
        return tuple(filter(None, map(network_of, listed(self.trusted_proxies)))) or LOOPBACK

    @property
    def relays(self) -> tuple[str, ...]:
        """The URLs of the relays, in order of preference; the demonstration's mailbox when none is set."""
        return tuple(self.smtp_url.replace(",", " ").split()) or (f"smtp://{self.demo_mailbox}",)

    @property
    def rates_of_domains(self) -> dict[str, float]:
        """Letters per second, by recipient domain; `*` stands for any other domain."""
        pairs = (entry.partition("=") for entry in listed(self.domain_rates))
        return {domain.strip().lower(): float(rate) for domain, _, rate in pairs}

    @property
    def calm_rule(self) -> Calm | None:
        """The calm that awareness keeps, or None when none is set."""
        if not self.calm:
            return None
        letters, _, days = self.calm.partition("=")[2].partition("/")
        return Calm(int(letters), int(days))

    @property
    def issuer_name(self) -> str:
        """What pages call the issuer of OpenID Connect, or '' when none is set."""
        return self.oidc_name or urlsplit(self.oidc_issuer).hostname or ""

    @property
    def role_rules(self) -> tuple[tuple[str, str, str], ...]:
        """Which value of which claim gives which role: triples of claim, value and role."""
        return tuple(rule_of(entry) for entry in listed(self.oidc_roles))

    def takes_password(self, email: str) -> bool:
        """Whether the account with this address may sign in with a password, and have one set."""
        return self.passwords is PasswordSwitch.ON or email.strip().lower() == self.emergency_account.lower()

    @property
    def stays_here(self) -> bool:
        """Whether every letter ends in the demonstration's mailbox, on this machine."""
        return self.mode is Mode.DEMO and not self.smtp_url

    @property
    def returns_url(self) -> str:
        """The mailbox of returns: the one set, or the demonstration's own; '' for none."""
        own = f"maildir://{(self.data / 'returns').absolute()}" if self.stays_here else ""
        return self.bounces_url or own

    @property
    def sending_domain(self) -> str:
        """The domain letters are sent from."""
        return self.mail_domain or "courriel.fwb.example"

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The keys of the tokens in letters, newest first."""
        return tuple(key.encode() for key in listed(self.token_keys.get_secret_value()))

    @property
    def window(self) -> tuple[float, float, float, float]:
        """The window of the envelopes, on a sheet of A4: millimetres from its left, from its top, width, height."""
        left, top, width, height = map(float, self.paper_window.split(","))
        return left, top, width, height

    @property
    def factor_policy(self) -> FactorPolicy:
        """Who needs a second factor: where nothing is said, approvers and administrators in production."""
        usual = FactorPolicy.REQUIRED if self.mode is Mode.PRODUCTION else FactorPolicy.OPTIONAL
        return self.second_factor or usual

    @property
    def factor_secrets(self) -> tuple[str, ...]:
        """The keys that encrypt the secrets of second factors, the one that encrypts first; the secret key comes last.

        So a key that is named later reads what was encrypted before.
        """
        return *listed(self.factor_keys.get_secret_value()), self.secret_key.get_secret_value()

    def instant(self) -> datetime:
        """The current time, moved by the demonstration's offset. Entry points call this and pass the time on."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_offset)


def rule_of(entry: str) -> tuple[str, str, str]:
    """The claim, the value and the role of `claim:value=role`; what is missing is ''."""
    condition, _, role = entry.rpartition("=")
    claim, _, value = condition.partition(":")
    return claim.strip(), value.strip(), role.strip()


def listed(text: str) -> list[str]:
    """The comma-separated items of a setting."""
    return [part.strip() for part in text.split(",") if part.strip()]
