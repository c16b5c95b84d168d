"""Judges settings: what is wrong with them, a French sentence for each fault."""

import re
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import SplitResult, parse_qsl, urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from outreach.settings.keys import is_long_enough
from outreach.settings.model import Mode, Settings, listed
from outreach.settings.modes import faults_of_demo, faults_outside_demo
from outreach.settings.oidc import faults_of_oidc
from outreach.settings.places import is_host, is_loopback, is_place, network_of, server_of

SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.IGNORECASE)
RECIPIENT = re.compile(r"[^\s@<>(),;:\"*]*+@[\w-]+(?:\.[\w-]+)+")
PLAIN_ADDRESS = re.compile(r"[^\s@<>(),;:\"*]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE | re.ASCII)
BROKERS = ("redis", "rediss")
RELAY_OPTIONS = {
    "starttls": re.compile(r"on|off"),
    "connections": re.compile(r"[1-9]|[1-4]\d|50"),
    "rate": re.compile(r"\d{1,6}"),
}
RATE = re.compile(r"\d{1,5}(\.\d{1,3})?")
CALM = re.compile(r"awareness=([1-9]\d?)/([1-9]\d{0,2})")
PORTS = {"smtp": 25, "smtps": 465}


def faults_of(settings: Settings) -> list[str]:
    """Every fault of these settings."""
    return [
        *_faults_of_address(settings),
        *_faults_of_database(settings),
        *_faults_of_broker(settings),
        *_faults_of_domains(settings),
        *_faults_of_public_address(settings),
        *_faults_of_lists(settings),
        *_faults_of_alerts(settings),
        *_faults_of_relays(settings),
        *_faults_of_rates(settings),
        *_faults_of_calm(settings),
        *_faults_of_bounces(settings),
        *_faults_of_dns(settings),
        *_faults_of_metrics(settings),
        *faults_of_oidc(settings),
        *(faults_of_demo(settings) if settings.mode is Mode.DEMO else faults_outside_demo(settings)),
    ]


def _faults_of_address(settings: Settings) -> list[str]:
    named = {"OUTREACH_BIND": settings.bind, "OUTREACH_DEMO_MAILBOX": settings.demo_mailbox}
    return [
        f"{name} vaut « {value} » : indiquez une adresse et un port, par exemple 127.0.0.1:8000."
        for name, value in named.items()
        if not is_place(value)
    ]


def _faults_of_database(settings: Settings) -> list[str]:
    with suppress(ArgumentError):
        if make_url(settings.database).get_backend_name() in {"sqlite", "postgresql"}:
            return []
    return ["OUTREACH_DATABASE_URL doit s’écrire sqlite:////chemin ou postgresql://…"]


def _faults_of_broker(settings: Settings) -> list[str]:
    if not settings.broker_url:
        return []
    if settings.broker_url.startswith("amqp"):
        return ["OUTREACH_BROKER_URL : RabbitMQ ne convient plus, indiquez un serveur Redis (redis://… ou rediss://…)."]
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
    return faults


def _faults_of_public_address(settings: Settings) -> list[str]:
    """Addresses are made by adding to it, and anybody may read them: a scheme and a host, nothing else.

    No sentence repeats it, as it may hold a password.
    """
    url = settings.public_url.rstrip("/")
    try:
        parts = urlsplit(url)
        is_plain = url == f"{parts.scheme}://{parts.netloc}" and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        is_plain = False
    if not url or (is_plain and "@" not in url):
        return []
    what = "ni mot de passe, ni chemin, ni « ? », ni « # »"
    return [f"OUTREACH_PUBLIC_URL doit être une adresse complète et rien d’autre, https://hôte ({what})."]


def _faults_of_lists(settings: Settings) -> list[str]:
    recipients = {
        "OUTREACH_ALLOWED_RECIPIENTS": settings.allowed_recipients,
        "OUTREACH_TEST_RECIPIENTS": settings.test_recipients,
    }
    faults = [
        f"{name} : « {entry} » n’est ni une adresse (a@b.example) ni un domaine (@b.example)."
        for name, value in recipients.items()
        for entry in listed(value)
        if not RECIPIENT.fullmatch(entry)
    ]
    faults += [
        f"OUTREACH_PROTECTED_DOMAINS : « {entry} » n’est pas un nom de domaine (b.example)."
        for entry in listed(settings.protected_domains)
        if not RECIPIENT.fullmatch(f"@{entry}")
    ]
    faults += [
        f"OUTREACH_PRIVATE_HOSTS : « {entry} » n’est pas le nom ou l’adresse d’une machine."
        for entry in listed(settings.private_hosts)
        if not is_host(entry)
    ]
    return faults + _faults_of_proxies(settings)


WIDEST = {4: 8, 6: 7}  # the prefixes of 10.0.0.0/8 (RFC 1918) and fc00::/7 (RFC 4193): wider is no network of one's own


def _faults_of_proxies(settings: Settings) -> list[str]:
    if settings.trusted_proxies == "none":  # of 0.3
        what = "n’existe plus : placez un serveur web devant le service, et nommez son adresse ou son réseau"
        return [f"OUTREACH_TRUSTED_PROXIES=none {what}."]
    networks = {entry: network_of(entry) for entry in listed(settings.trusted_proxies)}
    faults = [
        f"OUTREACH_TRUSTED_PROXIES : « {entry} » n’est ni une adresse (192.0.2.1), ni un réseau (192.0.2.0/24)."
        for entry, network in networks.items()
        if network is None
    ]
    return faults + [
        f"OUTREACH_TRUSTED_PROXIES : « {entry} » ferait croire n’importe qui ; nommez vos serveurs web."
        for entry, network in networks.items()
        if network is not None and network.prefixlen < WIDEST[network.version]
    ]


def _faults_of_alerts(settings: Settings) -> list[str]:
    """Whom alerts go to. Outside production nothing leaves for an address that is not on the list, or is protected."""
    named = listed(settings.alerts_to)
    faults = [
        f"OUTREACH_ALERTS_TO : « {entry} » n’est pas une adresse (a@b.example)."
        for entry in named
        if not (PLAIN_ADDRESS.fullmatch(entry) and entry.isascii())
    ]
    if faults or settings.mode is Mode.PRODUCTION or settings.stays_here:
        return faults
    allowed = {entry.casefold() for entry in listed(settings.allowed_recipients)}
    faults = [
        f"OUTREACH_ALERTS_TO : hors production, « {entry} » doit aussi être dans OUTREACH_ALLOWED_RECIPIENTS."
        for entry in named
        if not allowed & {entry.casefold(), "@" + entry.casefold().rpartition("@")[2]}
    ]
    protected = tuple(f".{domain.casefold()}" for domain in listed(settings.protected_domains))
    return faults + [
        f"OUTREACH_ALERTS_TO : hors production rien ne part vers « {entry} » (OUTREACH_PROTECTED_DOMAINS)."
        for entry in named
        if f".{entry.casefold().rpartition('@')[2]}".endswith(protected)
    ]


def _faults_of_relays(settings: Settings) -> list[str]:
    """No sentence repeats a relay's URL, as it may hold a password."""
    if not settings.smtp_url:
        return []
    if not all(_names_a_host(url, PORTS) for url in settings.relays):
        return ["OUTREACH_SMTP_URL doit s’écrire smtp://hôte:port ou smtps://hôte, un serveur d’envoi ou plusieurs."]
    relays = [urlsplit(url) for url in settings.relays]
    faults = [
        f"OUTREACH_SMTP_URL : « {name}={value} » ne se comprend pas ; les options d’un serveur d’envoi sont "
        "starttls=off, connections (de 1 à 50) et rate (courriels par seconde)."
        for relay in relays
        for name, value in parse_qsl(relay.query, keep_blank_values=True)
        if not (name in RELAY_OPTIONS and RELAY_OPTIONS[name].fullmatch(value))
    ]
    if len({(relay.hostname, relay.port or PORTS[relay.scheme]) for relay in relays}) < len(relays):
        faults.append("OUTREACH_SMTP_URL nomme deux fois le même serveur d’envoi.")
    if any(_is_in_clear(relay) for relay in relays):
        faults.append("OUTREACH_SMTP_URL : un mot de passe ne part jamais en clair, retirez starttls=off.")
    return faults


def _is_in_clear(relay: SplitResult) -> bool:
    is_open = relay.scheme == "smtp" and ("starttls", "off") in parse_qsl(relay.query)
    return is_open and bool(relay.username) and not is_loopback(relay.hostname or "")


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


def _faults_of_calm(settings: Settings) -> list[str]:
    if not settings.calm or CALM.fullmatch(settings.calm):
        return []
    what = "un courriel de sensibilisation en 7 jours, par adresse"
    return [f"OUTREACH_CALM vaut « {settings.calm} » : écrivez awareness=1/7 ({what})."]


def _faults_of_dns(settings: Settings) -> list[str]:
    if not settings.dns_server or server_of(settings.dns_server):
        return []
    return [f"OUTREACH_DNS_SERVER vaut « {settings.dns_server} » : indiquez une adresse IP, par exemple 192.0.2.53."]


def _faults_of_metrics(settings: Settings) -> list[str]:
    token = settings.metrics_token.get_secret_value()
    if not token or (is_long_enough(token) and token.isascii() and token.isprintable() and " " not in token):
        return []
    return ["OUTREACH_METRICS_TOKEN : il faut au moins 32 caractères tirés au hasard (openssl rand -hex 32)."]


def _faults_of_bounces(settings: Settings) -> list[str]:
    try:
        box = urlsplit(settings.bounces_url)
        is_there = bool(box.path.strip("/")) if box.scheme == "maildir" else bool(box.hostname and box.port != 0)
    except ValueError:
        is_there = False
    is_private = box.scheme in {"imaps", "maildir"} or (box.scheme == "imap" and is_loopback(box.hostname or ""))
    if not settings.bounces_url or (is_there and is_private):
        return []
    sentence = (
        "OUTREACH_BOUNCES_URL doit s’écrire imaps://utilisateur:mot-de-passe@hôte/INBOX ou maildir:///chemin "
        "(imap:// sur cette machine seulement)."
    )
    return [sentence]
