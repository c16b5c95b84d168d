"""Asks DNS whether domains take mail (RFC 5321 §5.1, RFC 7505), and for records of any kind. It knows no database.

Only the clock and the doctor call it.
"""

import threading
from collections.abc import Iterable

import dns.exception
import dns.resolver
import dns.reversename

from outreach.core.text.errors import OutreachError
from outreach.delivery.deliverability._domains import DomainVerdict

GIVES_UP = 3  # names in a row that nobody answered for: then the resolver is away, and the rest waits
Answer = dns.resolver.Answer
Resolver = dns.resolver.Resolver


class DnsSilent(OutreachError):
    """No DNS server answered for a name."""


SECONDS = 5.0  # for an answer about a name


def dns_resolver(server: tuple[str, int] | None) -> Resolver:
    """A resolver that asks the server at this IP address and port, or the system's."""
    asking = dns.resolver.Resolver(configure=server is None)
    if server is not None:
        asking.port = server[1]
        asking.nameservers = [server[0]]
    asking.lifetime = asking.timeout = SECONDS
    return asking


def look_up(domains: Iterable[str], asking: Resolver, stop: threading.Event) -> dict[str, DomainVerdict]:
    """What DNS says of each domain, asked one by one.

    It ends early when `stop` is set, or when three domains in a row were not answered for.
    """
    verdicts: dict[str, DomainVerdict] = {}
    silent = 0
    for domain in domains:
        if stop.is_set() or silent == GIVES_UP:
            break
        verdicts[domain] = verdict_of(domain, asking)
        silent = silent + 1 if verdicts[domain] is DomainVerdict.UNANSWERED else 0
    return verdicts


def verdict_of(domain: str, asking: Resolver) -> DomainVerdict:
    """Whether a domain takes mail: it names a mail server (MX), or has at least an address of its own (A, AAAA)."""
    try:
        servers = _answers(domain, "MX", asking)
        if servers:
            named = [str(server.exchange) for server in servers]
            return DomainVerdict.REFUSES if named == ["."] else DomainVerdict.TAKES_MAIL
        has_address = _answers(domain, "A", asking) or _answers(domain, "AAAA", asking)
    except dns.resolver.NXDOMAIN:
        return DomainVerdict.NO_DOMAIN
    except (dns.exception.DNSException, OSError):
        return DomainVerdict.UNANSWERED
    return DomainVerdict.TAKES_MAIL if has_address else DomainVerdict.NO_HOST


def _answers(domain: str, kind: str, asking: Resolver) -> Answer | None:
    """The answer, or None where the name has no record of this kind. Raises DNSException."""
    try:
        return asking.resolve(f"{domain}.", kind, search=False)
    except dns.resolver.NoAnswer:
        return None


def dns_records(name: str, kind: str, asking: Resolver) -> list[str]:
    """What DNS has of a kind under a name, as text; nothing where it has none. Raises DnsSilent."""
    try:
        found = _answers(name, kind, asking)
    except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN):
        return []
    except (dns.exception.DNSException, OSError) as error:
        how = "vérifiez celui de la machine, ou nommez-en un dans OUTREACH_CHECK_DOMAINS"
        raise DnsSilent(f"Aucun serveur DNS ne répond pour {name} ({kind}) : {how}.") from error
    parts = [getattr(record, "strings", None) for record in found or ()]  # TXT has pieces, which are one text
    return [
        b"".join(pieces).decode("ascii", "replace") if pieces else str(record).rstrip(".")
        for pieces, record in zip(parts, found or (), strict=True)
    ]


def names_of(address: str, asking: Resolver) -> list[str]:
    """The names that DNS gives to an IP address (PTR). Raises DnsSilent."""
    return dns_records(dns.reversename.from_address(address).to_text(omit_final_dot=True), "PTR", asking)
