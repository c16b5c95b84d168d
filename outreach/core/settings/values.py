"""Judges one setting by itself: its address, its key, its value; a French sentence for each fault.

No sentence repeats an address that may hold a password.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from urllib.parse import SplitResult, parse_qsl, urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from outreach.core.text.roles import SCOPED, RoleName

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ENDING = re.compile(r"[a-z0-9]{1,8}")
HOST = re.compile(r"\w(?:[\w.-]{0,252}\w)?")


def is_place(value: str) -> bool:
    """Whether this is `host:port`."""
    host, _, port = value.rpartition(":")
    return bool(host) and port.isascii() and port.isdecimal() and 0 < int(port) < 65536


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself, by its address or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local_name(host: str) -> bool:
    """Whether this host is the machine itself, or a name that stands for it everywhere (RFC 6761 §6.3)."""
    return is_loopback(host) or host.endswith(".localhost")


def is_host(host: str) -> bool:
    """Whether this can be a host: a name or an address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return HOST.fullmatch(host) is not None
    return True


def network_of(text: str) -> Network | None:
    """The network of an address ("192.0.2.1") or a network ("192.0.2.0/24", "2001:db8::/64"); None if it is none."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def is_within(place: str, networks: Iterable[Network]) -> bool:
    """Whether an address belongs to one of these networks."""
    try:
        address = ipaddress.ip_address(place)
    except ValueError:
        return False
    # A socket that listens for both kinds shows IPv4 addresses as ::ffff:192.0.2.1.
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in networks)


def address_of(text: str) -> str | None:
    """The address that a web server writes, a port left out ("192.0.2.1:4711", "[::1]:80"); None if it is none."""
    place = server_of(text)
    return place[0] if place else None


def server_of(text: str) -> tuple[str, int] | None:
    """The IP address and the port of a DNS server: "192.0.2.53", "127.0.0.1:5353", "[::1]:53"; None if it is none."""
    host, port = text, "53"
    if text.count(":") == 1 or "]:" in text:
        host, _, port = text.rpartition(":")
    with suppress(ValueError):
        if 0 < int(port) < 65536:
            return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    return None


SHORTEST = 32
LEAST_LEFT = 24  # characters of a key beside known words; one drawn at random holds a short word by chance at most
LEAST_DIFFERENT = 8  # characters; of 32 hexadecimal digits drawn at random, fewer differ once in a hundred million
KNOWN = re.compile(
    "change(?:me|z?moi|it|this)?|replace(?:me|this)?|remplace[rz]?(?:moi)?|secret|password|passphrase|passw(?:or)?d"
    "|motdepasse|outreach|sensibilisation|campagne|campaign|ministere|federation|wallonie|bruxelles|courriel"
    "|test(?:ing)?|ex[ae]mple|default|defaut|development|developpement|production|demo(?:nstration)?|trial|admin"
    "|session|signing|token|django|flask|random|aleatoire|please|your|votre|here|azerty|qwerty|letmein|bonjour"
    "|abc(?:defghijklmnopqrstuvwxyz|defghijklmnop|defgh|def)?|0?123456789(?:0|abcdef)?|0?12345(?:6(?:78?)?)?"
)
OTHER = re.compile(r"[\W_]+")


def is_long_enough(key: str) -> bool:
    """Whether a key has the length that every key must have."""
    return len(key) >= SHORTEST


def is_guessable(key: str) -> bool:
    """Whether a key of any length is a repetition, has few different characters, or is built on known words."""
    plain = OTHER.sub("", key.casefold())
    left = KNOWN.sub("", plain)
    is_repeated = key in (key + key)[1:-1]  # a whole number of times the same beginning
    return is_repeated or len(set(left)) < LEAST_DIFFERENT or len(left) < LEAST_LEFT


ON, OFF = "on", "off"
ROLES = [role.value for role in RoleName if role not in SCOPED]  # a scope comes with an invitation
BROKERS = ("redis", "rediss")
PORTS = {"smtp": 25, "smtps": 465}
RELAY_OPTIONS = {
    "starttls": re.compile(r"on|off"),
    "connections": re.compile(r"[1-9]|[1-4]\d|50"),
    "rate": re.compile(r"\d{1,6}"),
}
WIDEST = {4: 8, 6: 7}  # the prefixes of 10.0.0.0/8 (RFC 1918) and fc00::/7 (RFC 4193): wider is no network of one's own
SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.IGNORECASE)
RECIPIENT = re.compile(r"[^\s@<>(),;:\"*]*+@[\w-]+(?:\.[\w-]+)+")
PLAIN_ADDRESS = re.compile(r"[^\s@<>(),;:\"*]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE | re.ASCII)
REPLY_OPTIONS = {
    "address": re.compile(
        r"[a-z0-9._-]{1,20}@(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.IGNORECASE | re.ASCII
    ),
    "marks": re.compile(r"on|off"),
    "proven-by": re.compile(r"\w(?:[\w.-]{0,252}\w)?"),
}
CALM = re.compile(r"awareness=([1-9]\d?)/([1-9]\d{0,2})")
ROLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
PAGE = re.compile(r"https://[^\s@\\<>\"]+")
REFERENCE = re.compile(r"[^\r\n]{1,100}")


def listed(text: str) -> list[str]:
    """The comma-separated items of a setting."""
    return [part.strip() for part in text.split(",") if part.strip()]


def rule_of(entry: str) -> tuple[str, str, str]:
    """The claim, the value and the role of `claim:value=role`; what is missing is ''."""
    condition, _, role = entry.rpartition("=")
    claim, _, value = condition.partition(":")
    return claim.strip(), value.strip(), role.strip()


def relays_in(text: str) -> list[str]:
    """The URLs of the relays, in order of preference."""
    return text.replace(",", " ").split()


def _endings(name: str, value: str) -> Iterable[str]:
    for ending in listed(value):
        if not ENDING.fullmatch(ending):
            yield f"{name} contient « {ending} » : indiquez des fins de noms, par exemple « pdf, docx », ou off."


def _place(name: str, value: str) -> Iterable[str]:
    if not is_place(value):
        yield f"{name} vaut « {value} » : indiquez une adresse et un port, par exemple 127.0.0.1:8000."


def _database(name: str, value: str) -> Iterable[str]:
    with suppress(ArgumentError):
        if make_url(value).get_backend_name() in {"sqlite", "postgresql"}:
            return
    yield f"{name} doit s’écrire sqlite:////chemin ou postgresql://…"


def _role_name(name: str, value: str) -> Iterable[str]:
    if not ROLE_NAME.fullmatch(value):
        yield f"{name} vaut « {value} » : indiquez le nom d’un rôle, par exemple outreach_sight."


def _broker(name: str, value: str) -> Iterable[str]:
    if value.startswith("amqp"):
        yield f"{name} : RabbitMQ ne convient plus, indiquez un serveur Redis (redis://… ou rediss://…)."
    elif not _names_a_host(value, BROKERS):
        yield f"{name} doit s’écrire {', '.join(f'{scheme}://…' for scheme in BROKERS)}."


def _names_a_host(url: str, schemes: Collection[str]) -> bool:
    try:
        place = urlsplit(url)
        return place.scheme in schemes and bool(place.hostname) and place.port != 0
    except ValueError:
        return False


def _hosts(name: str, value: str) -> Iterable[str]:
    for entry in listed(value):
        if not is_host(entry):
            yield f"{name} : « {entry} » n’est pas le nom ou l’adresse d’une machine."


def _proxies(name: str, value: str) -> Iterable[str]:
    if value == "none":  # of 0.3
        what = "n’existe plus : placez un serveur web devant le service, et nommez son adresse ou son réseau"
        yield f"{name}=none {what}."
        return
    for entry in listed(value):
        network = network_of(entry)
        if network is None:
            yield f"{name} : « {entry} » n’est ni une adresse (192.0.2.1), ni un réseau (192.0.2.0/24)."
        elif network.prefixlen < WIDEST[network.version]:
            yield f"{name} : « {entry} » ferait croire n’importe qui ; nommez vos serveurs web."


def _public_address(name: str, value: str) -> Iterable[str]:
    """Addresses are made by adding to it, and anybody may read them: a scheme and a host, nothing else."""
    url = value.rstrip("/")
    try:
        parts = urlsplit(url)
        is_plain = url == f"{parts.scheme}://{parts.netloc}" and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        is_plain = False
    if not is_plain or "@" in url:
        what = "ni mot de passe, ni chemin, ni « ? », ni « # »"
        yield f"{name} doit être une adresse complète et rien d’autre, https://hôte ({what})."


def _token(name: str, value: str) -> Iterable[str]:
    if not (is_long_enough(value) and value.isascii() and value.isprintable() and " " not in value):
        yield f"{name} : il faut au moins 32 caractères tirés au hasard (openssl rand -hex 32)."


def _relays(name: str, value: str) -> Iterable[str]:
    if not all(_names_a_host(url, PORTS) for url in relays_in(value)):
        yield f"{name} doit s’écrire smtp://hôte:port ou smtps://hôte, un serveur d’envoi ou plusieurs."
        return
    relays = [urlsplit(url) for url in relays_in(value)]
    for option, wish in (pair for relay in relays for pair in parse_qsl(relay.query, keep_blank_values=True)):
        if not (option in RELAY_OPTIONS and RELAY_OPTIONS[option].fullmatch(wish)):
            yield (
                f"{name} : « {option}={wish} » ne se comprend pas ; les options d’un serveur d’envoi sont "
                "starttls=off, connections (de 1 à 50) et rate (courriels par seconde)."
            )
    if len({(relay.hostname, relay.port or PORTS[relay.scheme]) for relay in relays}) < len(relays):
        yield f"{name} nomme deux fois le même serveur d’envoi."
    if any(_is_in_clear(relay) for relay in relays):
        yield f"{name} : un mot de passe ne part jamais en clair, retirez starttls=off."


def _is_in_clear(relay: SplitResult) -> bool:
    is_open = relay.scheme == "smtp" and ("starttls", "off") in parse_qsl(relay.query)
    return is_open and bool(relay.username) and not is_loopback(relay.hostname or "")


def _returns(name: str, value: str) -> Iterable[str]:
    try:
        box = urlsplit(value)
        is_there = bool(box.path.strip("/")) if box.scheme == "maildir" else bool(box.hostname and box.port != 0)
    except ValueError:
        is_there = False
    if not is_there or not (
        box.scheme in {"imaps", "maildir"} or (box.scheme == "imap" and is_loopback(box.hostname or ""))
    ):
        yield (
            f"{name} doit s’écrire imaps://utilisateur:mot-de-passe@hôte/INBOX ou maildir:///chemin "
            "(imap:// sur cette machine seulement)."
        )


def _replies(name: str, value: str) -> Iterable[str]:
    place, _, options = value.partition("?")
    yield from _returns(name, place)
    values = dict(parse_qsl(options, keep_blank_values=True))
    for option, wish in values.items():
        if not (option in REPLY_OPTIONS and REPLY_OPTIONS[option].fullmatch(wish)):
            yield (
                f"{name} : « {option}={wish} » ne se comprend pas ; les options sont address (pour les courriels), "
                "marks=on (ce qui suit un + y arrive aussi), proven-by (le nom sous lequel votre serveur de réception "
                "dit si un expéditeur est prouvé)."
            )
    if "marks" in values and "address" not in values:
        yield f"{name} : marks dit où va la marque d’un courriel, ajoutez address."


def _domain(name: str, value: str) -> Iterable[str]:
    if not DOMAIN.fullmatch(value):
        yield f"{name} vaut « {value} » : indiquez un nom de domaine, par exemple courriel.example."


def _signing(name: str, value: str) -> Iterable[str]:
    selector, _, path = value.partition(":")
    if not (SELECTOR.fullmatch(selector) and path.strip()):
        yield f"{name} vaut « {value} » : indiquez un sélecteur et le fichier de sa clé, par exemple s1:/etc/s1.pem."


def _checking(name: str, value: str) -> Iterable[str]:
    if value not in {ON, OFF} and server_of(value) is None:
        what = "les valeurs possibles sont on, off et l’adresse IP d’un serveur DNS, par exemple 192.0.2.53"
        yield f"{name} vaut « {value} » : {what}."


def _recipients(name: str, value: str) -> Iterable[str]:
    for entry in listed(value):
        if not RECIPIENT.fullmatch(entry):
            yield f"{name} : « {entry} » n’est ni une adresse (a@b.example) ni un domaine (@b.example)."


def _addresses(name: str, value: str) -> Iterable[str]:
    for entry in listed(value):
        if not (PLAIN_ADDRESS.fullmatch(entry) and entry.isascii()):
            yield f"{name} : « {entry} » n’est pas une adresse (a@b.example)."


def _calm(name: str, value: str) -> Iterable[str]:
    if not CALM.fullmatch(value):
        what = "un courriel de sensibilisation en 7 jours, par adresse"
        yield f"{name} vaut « {value} » : écrivez awareness=1/7 ({what})."


def _page(name: str, value: str) -> Iterable[str]:
    if not PAGE.fullmatch(value):
        yield f"{name} doit être l’adresse d’une page, en https."


def _reference(name: str, value: str) -> Iterable[str]:
    if not REFERENCE.fullmatch(value):
        yield f"{name} : écrivez une référence, sur une ligne de 100 caractères au plus."


def _issuer(name: str, value: str) -> Iterable[str]:
    try:
        parts = urlsplit(value)
        is_plain = bool(parts.hostname) and parts.port != 0 and parts == SplitResult(*parts[:3], "", "")
    except ValueError:
        is_plain = False
    if (
        not is_plain
        or set(value) & set("@?# ")
        or not (parts.scheme == "https" or (parts.scheme == "http" and is_local_name(parts.hostname or "")))
    ):
        what = "https://hôte ou https://hôte/chemin, sans « ? » ni « # » ni mot de passe"
        yield f"{name} doit être l’adresse de l’émetteur, telle qu’il l’écrit ({what})."


def _scopes(name: str, value: str) -> Iterable[str]:
    if "openid" not in value.split():
        yield f"{name} doit contenir openid, par exemple « openid profile »."


def _rules(name: str, value: str) -> Iterable[str]:
    for entry in listed(value):
        claim, wanted, role = rule_of(entry)
        if not (claim and wanted and role in ROLES):
            yield (
                f"{name} : « {entry} » ne se comprend pas ; écrivez claim:valeur=rôle, "
                f"où le rôle est {', '.join(ROLES[:-1])} ou {ROLES[-1]}."
            )


def _emergency(name: str, value: str) -> Iterable[str]:
    if "@" not in value:
        what = "l’adresse du compte qui garde un mot de passe quand l’émetteur ne répond pas"
        yield f"{name} : indiquez {what}."


JUDGES: dict[str, Callable[[str, str], Iterable[str]]] = {
    "alerts_to": _addresses,
    "allowed_recipients": _recipients,
    "attachments": _endings,
    "bind": _place,
    "bounces_url": _returns,
    "broker_url": _broker,
    "calm": _calm,
    "check_domains": _checking,
    "database_url": _database,
    "demo_mailbox": _place,
    "dkim": _signing,
    "emergency_account": _emergency,
    "mail_domain": _domain,
    "mailbox_domain": _domain,
    "metrics_token": _token,
    "official_page": _page,
    "oidc_issuer": _issuer,
    "oidc_roles": _rules,
    "oidc_scopes": _scopes,
    "private_hosts": _hosts,
    "public_url": _public_address,
    "replies_url": _replies,
    "sight_role": _role_name,
    "smtp_url": _relays,
    "sorting_list": _reference,
    "trusted_proxies": _proxies,
}
