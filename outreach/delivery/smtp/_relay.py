"""A relay as its URL names it, and the guard: whom an installation may write to, whatever else is wrong."""

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay, as its URL says: `smtp://user:password@host:port?starttls=off` or `smtps://host`.

    With `smtp`, STARTTLS is required of any relay that is not on this machine, unless it is turned off by name. One
    worker uses at most `connections` connections and sends at most `rate` letters a second (0 = no limit).
    """

    host: str
    port: int
    helo: str
    encrypted: bool = False
    starttls: bool = False
    user: str = ""
    password: str = ""
    connections: int = 8
    rate: int = 0

    @property
    def name(self) -> str:
        """The name shown to people, never with the password."""
        return f"{self.host}:{self.port}"

    @property
    def is_near(self) -> bool:
        """Whether it is on this machine, so that nobody can intercept the connection."""
        return _is_near(self.host)

    @classmethod
    def at(cls, url: str, helo: str, *, connections: int = 8, rate: int = 0) -> "Relay":
        """The relay at a URL. `helo` is the name in our EHLO: the sending domain, not the machine's name.

        The URL may state its own `connections` and `rate`.
        """
        parts = urlsplit(url)
        host, encrypted = parts.hostname or "", parts.scheme == "smtps"
        wishes = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return cls(
            host=host,
            port=parts.port or (465 if encrypted else 25),
            helo=helo,
            encrypted=encrypted,
            starttls=not encrypted and wishes.get("starttls", "off" if _is_near(host) else "on") != "off",
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            connections=int(wishes.get("connections", connections)),
            rate=int(wishes.get("rate", rate)),
        )


def _is_near(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


@dataclass(frozen=True, slots=True)
class Guard:
    """The recipients that may be written to from here: `anybody`, or the `allowed` addresses and @domains only.

    The `protected` domains and their subdomains are never written to. `allowed` is in lower case, not folded: “ß” and
    “ss” are two domains.
    """

    anybody: bool
    allowed: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()

    def stops(self, recipient: str) -> bool:
        """Whether a letter to this address must not leave."""
        return bool(self.reason(recipient))

    def reason(self, recipient: str) -> str:
        """Why a letter to this address must not leave, in a French sentence, or ''."""
        domain = recipient.casefold().rpartition("@")[2]
        for protected in self.protected:
            if domain == protected or domain.endswith(f".{protected}"):
                return f"Le domaine {protected} est protégé : hors production, rien n’y part."
        address = recipient.lower()
        if not self.anybody and self.allowed.isdisjoint({address, f"@{address.rpartition('@')[2]}"}):
            return "Rien ne part d’ici hors de la liste de test (OUTREACH_ALLOWED_RECIPIENTS)."
        return ""
