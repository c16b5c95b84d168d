"""Whom an installation may write to; the pool checks every letter, as the last step."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may be written to from here: `anybody`, or the `allowed` addresses and @domains only.

    The `protected` domains and their subdomains are never written to. `allowed` is in lower case, not folded: “ß” and
    “ss” are two domains.
    """

    anybody: bool
    allowed: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()

    def stops(self, recipient: str) -> bool:
        """Whether a letter to this address must not leave."""
        domain = recipient.casefold().rpartition("@")[2]
        if any(domain == protected or domain.endswith(f".{protected}") for protected in self.protected):
            return True
        address = recipient.lower()
        return not self.anybody and self.allowed.isdisjoint({address, f"@{address.rpartition('@')[2]}"})
