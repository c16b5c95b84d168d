"""Every option of the product: its name, its type, its default, and what follows from it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from outreach.core.settings import values
from outreach.core.settings.values import OFF, ON, Network, listed, network_of, rule_of, server_of

PREFIX = "OUTREACH_"
SECRETS = (  # settings that are secrets, or may hold a password: each may stand in a file
    "database_url",
    "broker_url",
    "secret_key",
    "smtp_url",
    "bounces_url",
    "replies_url",
    "token_keys",
    "erasure_key",
    "oidc_client_secret",
    "metrics_token",
)
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))
ROOT = Path(__file__).resolve().parents[3]


class Mode(StrEnum):
    """What the installation is for. The default is a demonstration; the other modes must be set explicitly."""

    DEMO = "demo"
    TRIAL = "trial"
    PRODUCTION = "production"


class SendingSwitch(StrEnum):
    """Whether letters leave at all."""

    ON = "on"
    OFF = "off"


class FactorPolicy(StrEnum):
    """Who needs a second factor to sign in. `off`: nobody is asked for one, not even who has set one up."""

    REQUIRED = "required"  # of approvers and administrators
    OPTIONAL = "optional"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """How many awareness letters a mailbox may be written in so many days; beyond that, campaigns leave it out."""

    letters: int
    days: int


class Settings(BaseSettings):
    """All settings, frozen; `read` checks them as a whole. Each field is `OUTREACH_<FIELD>` in the environment.

    A field stands here because somebody changes it, whom docs/commands.md names; what nobody changes is a constant.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    # Whoever installs the machine
    mode: Mode = Mode.DEMO
    data: Path = ROOT / "var"
    database_url: str = Field("", repr=False)  # may hold a password
    sight_role: str = ""
    backups: Path | None = None
    broker_url: str = Field("", repr=False)  # idem
    private_hosts: str = ""
    bind: str = "127.0.0.1:8000"
    trusted_proxies: str = ""
    public_url: str = Field("", repr=False)  # idem, until it is refused
    metrics_token: SecretStr = SecretStr("")
    # Whoever keeps the keys
    secret_key: SecretStr = SecretStr("")
    token_keys: SecretStr = SecretStr("")
    erasure_key: SecretStr = SecretStr("")
    note_key_file: Path | None = None
    # Whoever runs the mail of the ministry
    smtp_url: str = Field("", repr=False)  # idem
    bounces_url: str = Field("", repr=False)  # idem
    replies_url: str = Field("", repr=False)  # idem
    attachments: str = "pdf, docx, xlsx, odt, ods, png, jpg, jpeg, txt"
    mail_domain: str = ""
    mailbox_domain: str = "adm.fwb.example"
    dkim: str = ""
    check_domains: str = OFF
    alerts_to: str = ""
    # Whoever is responsible for the campaigns
    sending: SendingSwitch = SendingSwitch.ON
    allowed_recipients: str = ""
    calm: str = ""
    official_page: str = ""
    sorting_list: str = ""
    # Whoever decides how staff sign in
    second_factor: FactorPolicy | None = None
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_scopes: str = "openid"
    oidc_roles: str = ""
    oidc_acr: str = ""
    emergency_account: str = ""
    # `./run` hands these two on to the processes of a demonstration
    demo_mailbox: str = "127.0.0.1:8025"
    clock_offset: float = 0.0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing of the machine: `read` names the environment."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator(*values.JUDGES)
    @classmethod
    def judged(cls, value: str | SecretStr, info: ValidationInfo) -> str | SecretStr:
        """The value, where nothing is wrong with it. Raises ValueError with a French sentence for each fault."""
        field = info.field_name or ""
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        faults = list(values.JUDGES[field](f"{PREFIX}{field.upper()}", text)) if text else []
        if faults:
            raise ValueError("\n".join(faults))
        return value

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
    def calm_rule(self) -> FrequencyCap | None:
        """The calm that awareness keeps, or None when none is set."""
        if not self.calm:
            return None
        letters, _, days = self.calm.partition("=")[2].partition("/")
        return FrequencyCap(int(letters), int(days))

    @property
    def issuer_name(self) -> str:
        """What pages call the issuer of OpenID Connect: its host; '' when none is set."""
        return urlsplit(self.oidc_issuer).hostname or ""

    @property
    def role_rules(self) -> tuple[tuple[str, str, str], ...]:
        """Which value of which claim gives which role: triples of claim, value and role."""
        return tuple(rule_of(entry) for entry in listed(self.oidc_roles))

    def takes_password(self, email: str) -> bool:
        """Whether the account with this address may sign in with a password, and have one set."""
        return not self.emergency_account or email.strip().lower() == self.emergency_account.lower()

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
    def is_one_mailbox(self) -> bool:
        """Whether replies come to the mailbox of returns."""
        return bool(self.replies_url) and self.replies_url.partition("?")[0] == self.returns_url.partition("?")[0]

    @property
    def proving_server(self) -> str:
        """The name under which our own receiving server says whether a sender is genuine, or ''."""
        return self._of_replies("proven-by")

    @property
    def replies_to(self) -> str:
        """The address of the mailbox of replies, or ''; with `+` before the @ where the mark of a letter goes there."""
        box, at, domain = self._of_replies("address").rpartition("@")
        return f"{box}+{at}{domain}" if self._of_replies("marks") == ON else f"{box}{at}{domain}"

    def _of_replies(self, option: str) -> str:
        return dict(parse_qsl(urlsplit(self.replies_url).query)).get(option, "")

    @property
    def kept_kinds(self) -> tuple[str, ...]:
        """How the names of files end that are kept of mails received; none where the setting is off."""
        return () if self.attachments == OFF else tuple(listed(self.attachments))

    @property
    def sending_domain(self) -> str:
        """The domain letters are sent from."""
        return self.mail_domain or "courriel.fwb.example"

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The keys of the tokens in letters, newest first."""
        return tuple(key.encode() for key in listed(self.token_keys.get_secret_value()))

    @property
    def factor_policy(self) -> FactorPolicy:
        """Who needs a second factor: where nothing is said, approvers and administrators in production."""
        usual = FactorPolicy.REQUIRED if self.mode is Mode.PRODUCTION else FactorPolicy.OPTIONAL
        return self.second_factor or usual

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The secret keys, newest first: the first signs and encrypts, the others still decrypt second factors."""
        return tuple(listed(self.secret_key.get_secret_value()))

    @property
    def own_key(self) -> str:
        """The secret key that signs sessions and encrypts."""
        return next(iter(self.secret_keys), "")

    @property
    def checks_domains(self) -> bool:
        """Whether the clock asks DNS if the domains of addresses take mail."""
        return self.check_domains != OFF

    @property
    def dns_server(self) -> tuple[str, int] | None:
        """The DNS server that is asked, by address and port, or None for the system's."""
        return server_of(self.check_domains)

    @property
    def dkim_selector(self) -> str:
        """The name under which the domain publishes the key that signs letters, or ''."""
        return self.dkim.partition(":")[0]

    @property
    def dkim_key_file(self) -> Path | None:
        """The file of the key that signs letters, or None where the relay signs."""
        return Path(self.dkim.partition(":")[2]) if self.dkim else None

    def instant(self) -> datetime:
        """The current time, moved by the demonstration's offset. Entry points call this and pass the time on."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_offset)
