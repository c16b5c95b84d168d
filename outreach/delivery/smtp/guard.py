"""The guard: whom an installation may write to. The pool checks every letter, as the last step."""

from dataclasses import dataclass


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
