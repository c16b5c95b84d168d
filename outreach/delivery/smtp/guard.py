"""Whom an installation may write to; the door asks for every letter, last of all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may be written to from here. `allowed` holds addresses and @domains; with `anybody` it is not asked."""

    anybody: bool
    allowed: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()

    def stops(self, recipient: str) -> bool:
        """Whether a letter to this address stays in."""
        address = recipient.casefold()
        domain = address.rpartition("@")[2]
        if any(domain == protected or domain.endswith(f".{protected}") for protected in self.protected):
            return True
        return not self.anybody and address not in self.allowed and f"@{domain}" not in self.allowed
