"""What is wrong between settings, and what a demonstration may not do: a French sentence for each fault."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from outreach.core.settings.model import Mode, Settings
from outreach.core.settings.values import is_guessable, is_local_name, is_long_enough, is_loopback, listed
from outreach.core.text.typed import EXAMPLES

ENCRYPTED = {"require", "verify-ca", "verify-full"}  # of sslmode
LIVE_KEYS = 2  # of the signing keys, that sign and are accepted; older ones only prove an unsubscription, and stay


def faults_of_demo(settings: Settings) -> list[str]:
    """A demonstration, whose passwords anybody may read, stays on its machine."""
    faults = []
    opening = "nommez OUTREACH_MODE=trial ou production pour ouvrir le service."
    if not is_loopback(settings.host):
        place = f"OUTREACH_BIND doit rester sur la machine (127.0.0.1), pas « {settings.host} »"
        faults.append(f"En mode démonstration, {place} : {opening}")
    if not is_local_name(_host_of(settings.public_url) or "localhost"):
        place = "OUTREACH_PUBLIC_URL doit rester sur la machine (http://localhost:8000)"
        faults.append(f"En mode démonstration, {place} : {opening}")
    return faults


def faults_outside_demo(settings: Settings) -> list[str]:
    """Nothing that matters has a default, and no key may be guessed."""
    required = {
        "OUTREACH_SECRET_KEY": (settings.secret_key.get_secret_value(), "la clé qui signe les sessions"),
        "OUTREACH_SMTP_URL": (settings.smtp_url, "le serveur d’envoi, par exemple smtp://serveur:587"),
        "OUTREACH_PUBLIC_URL": (settings.public_url, "l’adresse publique du service, en https"),
        "OUTREACH_MAIL_DOMAIN": (settings.mail_domain, "le domaine qui signe les courriels"),
        "OUTREACH_MAILBOX_DOMAIN": (_stated(settings, "mailbox_domain"), "le domaine des boîtes administratives"),
        "OUTREACH_TOKEN_KEYS": (settings.token_keys.get_secret_value(), "les clés des liens des courriels"),
    }
    faults = [
        f"En mode {settings.mode}, {name} est obligatoire : {meaning}."
        for name, (value, meaning) in required.items()
        if not listed(value)  # blanks and commas alone name nothing
    ]
    if settings.mode is Mode.PRODUCTION and not settings.database_url:
        # A forgotten line would make an empty SQLite file beside the database that is meant.
        own = f"sqlite:///{settings.data.resolve() / 'outreach.sqlite3'}"
        what = f"pour celle du dossier de données, ajoutez OUTREACH_DATABASE_URL={own} ; sinon, nommez postgresql://…"
        faults.append(f"En mode production, OUTREACH_DATABASE_URL est obligatoire : {what}")
    if settings.mode is Mode.PRODUCTION and EXAMPLES.search(settings.mailbox_domain.casefold()):
        what = "est réservé aux exemples ; nommez celui des boîtes po001136@… avant la première édition du registre"
        faults.append(f"OUTREACH_MAILBOX_DOMAIN : le domaine « {settings.mailbox_domain} » {what}.")
    if settings.mode is Mode.PRODUCTION and not is_loopback(settings.host) and not listed(settings.trusted_proxies):
        what = "nommez dans OUTREACH_TRUSTED_PROXIES l’adresse ou le réseau du serveur web placé devant"
        why = "sans quoi tous les visiteurs seraient pris pour un seul"
        faults.append(f"OUTREACH_BIND écoute hors de la machine (« {settings.host} ») : {what}, {why}.")
    faults += _faults_of_keys(settings)
    faults += _faults_of_wires(settings)
    if settings.public_url and not settings.public_url.startswith("https://"):
        faults.append("OUTREACH_PUBLIC_URL : indiquez une adresse en https.")
    return faults


def _faults_of_wires(settings: Settings) -> list[str]:
    """What goes to another machine is encrypted, unless that machine stands on a network of ours."""
    private = {host.casefold() for host in listed(settings.private_hosts)}
    exempt = "ou nommez cette machine dans OUTREACH_PRIVATE_HOSTS si elle est sur un réseau privé."
    faults = []
    if any(not is_loopback(host) and host not in private for host in _hosts_in_clear(settings.database)):
        faults.append(f"OUTREACH_DATABASE_URL : la base est sur une autre machine, ajoutez ?sslmode=require, {exempt}")
    broker = settings.broker_url.partition("://")[0]
    host = _host_of(settings.broker_url)
    if broker == "redis" and not is_loopback(host) and host not in private:
        faults.append(f"OUTREACH_BROKER_URL : le courtier est sur une autre machine, écrivez rediss://, {exempt}")
    return faults


def _hosts_in_clear(database: str) -> list[str]:
    """The machines that a database is asked on without encryption; none for a file or a socket of this machine.

    libpq takes machines from `host` and `hostaddr`, and the latter is the one that it connects to. A `service` may name
    any machine.
    """
    try:
        url = make_url(database)
    except ArgumentError:
        return []
    if url.get_backend_name() != "postgresql" or url.query.get("sslmode") in ENCRYPTED:
        return []
    named = [url.host or "", *_each(url.query.get("host", ())), *_each(url.query.get("hostaddr", ()))]
    hosts = [host.rpartition(":")[0] if host.count(":") == 1 else host for text in named for host in text.split(",")]
    services = ["?"] if "service" in url.query else []
    return [host.casefold() for host in hosts if host and not host.startswith(("/", "@"))] + services


def _each(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _stated(settings: Settings, field: str) -> str:
    """The value that the environment sets, or '' when the field still has its demonstration default."""
    return str(getattr(settings, field)) if field in settings.model_fields_set else ""


def _faults_of_keys(settings: Settings) -> list[str]:
    faults = []
    drawn = "tirez-la au hasard, par exemple par openssl rand -hex 32."
    signing = [key.decode() for key in settings.signing_keys]
    if not all(map(is_long_enough, signing)):
        faults.append("OUTREACH_TOKEN_KEYS : chaque clé doit compter au moins 32 caractères tirés au hasard.")
    elif any(map(is_guessable, signing[:LIVE_KEYS])):
        faults.append(f"OUTREACH_TOKEN_KEYS : une clé se devine, car elle se répète ou reprend un mot connu ; {drawn}")
    keys = settings.secret_keys
    if not all(map(is_long_enough, keys)):
        faults.append("OUTREACH_SECRET_KEY est trop courte : il faut au moins 32 caractères tirés au hasard par clé.")
    elif any(map(is_guessable, keys[:1])):
        faults.append(f"OUTREACH_SECRET_KEY se devine, car elle se répète ou reprend un mot connu ; {drawn}")
    erasure_key = settings.erasure_key.get_secret_value()
    if erasure_key and (not is_long_enough(erasure_key) or is_guessable(erasure_key)):
        faults.append(f"OUTREACH_ERASURE_KEY est trop courte ou se devine ; {drawn}")
    if {key.encode() for key in keys} & set(settings.signing_keys):
        faults.append("OUTREACH_TOKEN_KEYS doit différer de OUTREACH_SECRET_KEY : les deux vivent séparément.")
    if settings.clock_offset:
        faults.append("OUTREACH_CLOCK_OFFSET ne sert qu’en démonstration.")
    return faults


# The mailboxes of authorities: outside production nothing leaves for them, whatever a list says.
PROTECTED = ("adm.cfwb.be",)


def faults_of(settings: Settings) -> list[str]:
    """Every fault between these settings."""
    return [
        *_faults_of_broker(settings),
        *_faults_of_alerts(settings),
        *_faults_of_signing_in(settings),
        *(faults_of_demo(settings) if settings.mode is Mode.DEMO else faults_outside_demo(settings)),
    ]


def _faults_of_broker(settings: Settings) -> list[str]:
    if not (settings.broker_url and settings.database.startswith("sqlite")):
        return []
    why = "partage l’envoi entre plusieurs processus, ce que SQLite ne permet pas"
    return [f"OUTREACH_BROKER_URL {why} : indiquez OUTREACH_DATABASE_URL=postgresql://…, ou retirez ce réglage."]


def _faults_of_alerts(settings: Settings) -> list[str]:
    """Outside production nothing leaves for an address that is not on the list, or is protected."""
    if settings.mode is Mode.PRODUCTION or settings.stays_here:
        return []
    allowed = {entry.casefold() for entry in listed(settings.allowed_recipients)}
    domains = {entry: entry.casefold().rpartition("@")[2] for entry in listed(settings.alerts_to)}
    faults = [
        f"OUTREACH_ALERTS_TO : hors production, « {entry} » doit aussi être dans OUTREACH_ALLOWED_RECIPIENTS."
        for entry, domain in domains.items()
        if not allowed & {entry.casefold(), "@" + domain}
    ]
    return faults + [
        f"OUTREACH_ALERTS_TO : hors production rien ne part vers « {entry} », une boîte de PO."
        for entry, domain in domains.items()
        if f".{domain}".endswith(tuple(f".{protected}" for protected in PROTECTED))
    ]


def _faults_of_signing_in(settings: Settings) -> list[str]:
    faults = []
    if bool(settings.oidc_issuer) != bool(settings.oidc_client_id):
        faults.append("OUTREACH_OIDC_ISSUER et OUTREACH_OIDC_CLIENT_ID vont ensemble : indiquez les deux, ou aucun.")
    if settings.oidc_roles and not settings.oidc_issuer:
        faults.append("OUTREACH_OIDC_ROLES ne sert que si OUTREACH_OIDC_ISSUER est indiqué.")
    if settings.emergency_account and not settings.oidc_issuer:
        what = "seul ce compte garderait un mot de passe, et personne d’autre ne se connecterait"
        faults.append(f"OUTREACH_EMERGENCY_ACCOUNT : indiquez aussi OUTREACH_OIDC_ISSUER ; sans lui, {what}.")
    return faults
