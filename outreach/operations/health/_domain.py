"""Looks at what DNS says of the sending domain: SPF, DKIM, DMARC, MX, and the name of the relay's address."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import wraps
from urllib.parse import urlsplit

from outreach.core.settings import Settings
from outreach.delivery.deliverability import dns
from outreach.delivery.letters.dkim import Signer
from outreach.operations.health._check import NOT_HERE, Examined, Finding, fault, ok, warning, worst

MOST_LOOKUPS = 10  # of an SPF record (RFC 7208 §4.6.4)
ASKING = re.compile(r"[+?~-]?(include|a|mx|ptr|exists|redirect)(?:[:=/](\S*))?", re.IGNORECASE)
ENDS = re.compile(r"[-~]all\b|redirect=")
PUBLISHED = re.compile(r"\bp=([A-Za-z0-9+/=]*)")
WHERE = "docs/sending.md"


def _where_mail_leaves(look: Callable[[Settings, dns.Resolver], Finding]) -> Callable[[Examined], Finding]:
    """A check that asks DNS, by its settings, unless no letter leaves this machine."""

    @wraps(look)
    def checked(examined: Examined) -> Finding:
        settings = examined.settings
        return ok(NOT_HERE) if settings.stays_here else look(settings, _asking(settings))

    return checked


@_where_mail_leaves
def spf(settings: Settings, asking: dns.Resolver) -> Finding:
    """Whether the domain names who may send for it: once, to the end, in at most ten look-ups."""
    domain = settings.sending_domain
    found = _beginning(domain, "v=spf1", asking)
    if not found:
        return fault(
            f"{domain} n’a pas de SPF : publiez un TXT « v=spf1 … -all » qui nomme le serveur d’envoi ({WHERE})."
        )
    if len(found) > 1:
        return fault(f"{domain} a {len(found)} SPF, donc aucun ne vaut : n’en gardez qu’un.")
    if (count := sum(1 for _ in _lookups(found[0], asking, MOST_LOOKUPS))) > MOST_LOOKUPS:
        return fault(
            f"Le SPF de {domain} demande plus de {MOST_LOOKUPS} recherches : remplacez des include par des ip4."
        )
    if not ENDS.search(found[0]):
        return warning(f"Le SPF de {domain} ne se termine ni par -all ni par ~all : ajoutez -all.")
    return ok(f"{found[0]} ({count} recherches au plus).")


def dkim(examined: Examined) -> Finding:
    """Whether the record is the public half of our key."""
    settings = examined.settings
    if settings.dkim_key_file is None:
        return ok(NOT_HERE if settings.stays_here else "Le serveur d’envoi signe : un essai reçu doit dire dkim=pass.")
    signer = Signer.of(settings.sending_domain, settings.dkim_selector, settings.dkim_key_file.read_bytes())
    name = f"{signer.selector}._domainkey.{signer.domain}"
    found = dns.dns_records(name, "TXT", _asking(settings))
    published = [match[1] for text in found if (match := PUBLISHED.search(text.replace(" ", "")))]
    ours = signer.published
    if not published:
        return fault(f"{name} n’a pas de clé : publiez-y le TXT « {ours} ».")
    if published != [ours.rpartition("p=")[2]]:
        return fault(f"{name} n’a pas la clé de OUTREACH_DKIM : remplacez son TXT par « {ours} ».")
    return ok(f"{name} a notre clé.")


@_where_mail_leaves
def dmarc(settings: Settings, asking: dns.Resolver) -> Finding:
    """Whether the domain, or one above it, says what receivers do with what nobody vouches for (RFC 9989)."""
    for domain in _upwards(settings.sending_domain):
        if found := _beginning(f"_dmarc.{domain}", "v=DMARC1", asking):
            break
    else:
        name = f"_dmarc.{settings.sending_domain}"
        return fault(f"{name} manque : publiez un TXT « v=DMARC1; p=none; rua=mailto:… », puis durcissez ({WHERE}).")
    if len(found) > 1:
        return fault(f"_dmarc.{domain} a {len(found)} politiques, donc aucune ne vaut : n’en gardez qu’une.")
    if "p=none" in found[0].replace(" ", ""):
        return ok(f"_dmarc.{domain} : {found[0]}. Passez à quarantine quand les rapports sont bons.")
    return ok(f"_dmarc.{domain} : {found[0]}.")


@_where_mail_leaves
def mx(settings: Settings, asking: dns.Resolver) -> Finding:
    """Whether the domain takes mail: rejects and messages to unsubscribe come back to it."""
    domain = settings.sending_domain
    servers = [
        name for record in dns.dns_records(domain, "MX", asking) for name in record.split()[1:]
    ]  # "0 ." has none
    if not servers:
        return fault(f"{domain} n’a pas de MX : les rejets ne reviennent pas. Nommez-y un serveur à vous ({WHERE}).")
    lost = [name for name in servers if not _addresses(name, asking)]
    if lost:
        return fault(f"{', '.join(lost)} (MX de {domain}) n’a pas d’adresse : corrigez ce nom.")
    return ok(f"{domain} reçoit par {', '.join(servers)}.")


@_where_mail_leaves
def ptr(settings: Settings, asking: dns.Resolver) -> Finding:
    """Whether each public address of each relay has a name that leads back to it."""
    hosts = [urlsplit(url).hostname or "" for url in settings.relays]
    seen = [(host, address) for host in hosts for address in _addresses(host, asking)]
    public = [(host, address) for host, address in seen if ipaddress.ip_address(address).is_global]
    if not public:
        return ok("Le serveur d’envoi n’a pas d’adresse publique : vérifiez le PTR de celle par où il sort.")
    return worst([_named(host, address, asking) for host, address in public])


def _named(host: str, address: str, asking: dns.Resolver) -> Finding:
    names = dns.names_of(address, asking)
    if not names:
        return warning(f"{address} ({host}) n’a pas de PTR : demandez-le à son hébergeur, si le courriel en sort.")
    if all(address not in _addresses(name, asking) for name in names):
        return warning(f"{address} s’appelle {names[0]}, qui ne ramène pas à elle : ajoutez-y un A ou un AAAA.")
    return ok(f"{address} s’appelle {names[0]}.")


def _asking(settings: Settings) -> dns.Resolver:
    return dns.dns_resolver(settings.dns_server)


def _beginning(name: str, version: str, asking: dns.Resolver) -> list[str]:
    return [text for text in dns.dns_records(name, "TXT", asking) if text.partition(" ")[0].rstrip(";") == version]


def _lookups(record: str, asking: dns.Resolver, left: int) -> Iterator[str]:
    """The terms of an SPF record that cost a look-up, with those of what it includes; it ends past `left`."""
    for term in record.split()[1:]:
        match = ASKING.fullmatch(term)
        if match is None:
            continue
        yield term
        left -= 1
        if left < 0:
            return
        if match[1].lower() in {"include", "redirect"}:
            for included in _beginning(match[2] or "", "v=spf1", asking):
                for below in _lookups(included, asking, left):
                    yield below
                    left -= 1


def _upwards(domain: str) -> Iterator[str]:
    """A domain, then those above it that have at least two labels."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        yield ".".join(labels[start:])


def _addresses(host: str, asking: dns.Resolver) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return dns.dns_records(host, "A", asking) + dns.dns_records(host, "AAAA", asking)
