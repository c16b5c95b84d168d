"""Asks DNS whether domains take mail (RFC 5321 §5.1, RFC 7505). It knows no database; only the clock calls it."""

import threading
from collections.abc import Iterable

import dns.exception
import dns.resolver

from outreach.reachability.models import MailVerdict

GIVES_UP = 3  # names in a row that nobody answered for: then the resolver is away, and the rest waits
Answer = dns.resolver.Answer


def resolver(server: tuple[str, int] | None, seconds: float) -> dns.resolver.Resolver:
    """A resolver that asks the server at this IP address and port, or the system's, for so long about a name."""
    asking = dns.resolver.Resolver(configure=server is None)
    if server is not None:
        asking.port = server[1]
        asking.nameservers = [server[0]]
    asking.lifetime = asking.timeout = seconds
    return asking


def look_up(domains: Iterable[str], asking: dns.resolver.Resolver, stop: threading.Event) -> dict[str, MailVerdict]:
    """What DNS says of each domain, asked one by one.

    It ends early when `stop` is set, or when three domains in a row were not answered for.
    """
    verdicts: dict[str, MailVerdict] = {}
    silent = 0
    for domain in domains:
        if stop.is_set() or silent == GIVES_UP:
            break
        verdicts[domain] = verdict_of(domain, asking)
        silent = silent + 1 if verdicts[domain] is MailVerdict.UNANSWERED else 0
    return verdicts


def verdict_of(domain: str, asking: dns.resolver.Resolver) -> MailVerdict:
    """Whether a domain takes mail: it names a mail server (MX), or has at least an address of its own (A, AAAA)."""
    try:
        servers = _answers(domain, "MX", asking)
        if servers:
            named = [str(server.exchange) for server in servers]
            return MailVerdict.REFUSES if named == ["."] else MailVerdict.TAKES_MAIL
        has_address = _answers(domain, "A", asking) or _answers(domain, "AAAA", asking)
    except dns.resolver.NXDOMAIN:
        return MailVerdict.NO_DOMAIN
    except (dns.exception.DNSException, OSError):
        return MailVerdict.UNANSWERED
    return MailVerdict.TAKES_MAIL if has_address else MailVerdict.NO_HOST


def _answers(domain: str, kind: str, asking: dns.resolver.Resolver) -> Answer | None:
    """The answer, or None where the name has no record of this kind. Raises DNSException."""
    try:
        return asking.resolve(f"{domain}.", kind, search=False)
    except dns.resolver.NoAnswer:
        return None
