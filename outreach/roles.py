"""The roles of staff, apart from accounts, so that importing them loads nothing for signing in."""

from enum import StrEnum


class RoleName(StrEnum):
    """A role of a member of staff; a person may hold several. Those `SCOPED` stand alone, each with a code."""

    READER = "reader"
    AUTHOR = "author"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"
    FEDERATION = "federation"
    NETWORK = "network"

    @property
    def label(self) -> str:
        """The French label."""
        return _LABELS[self]

    @property
    def permits(self) -> str:
        """What its holder may do, as the French end of a sentence."""
        return _PERMITTED[self]


_LABELS = {
    RoleName.READER: "lecture",
    RoleName.AUTHOR: "rédaction",
    RoleName.APPROVER: "validation",
    RoleName.ADMINISTRATOR: "administration",
    RoleName.FEDERATION: "fédération",
    RoleName.NETWORK: "réseau",
}
_PERMITTED = {
    RoleName.READER: "lit tout : l’annuaire, les campagnes, les résultats",
    RoleName.AUTHOR: "importe registre et listes, corrige les adresses, écrit les campagnes, traite les réponses",
    RoleName.APPROVER: "valide ce qu’une autre personne a écrit, avant que rien ne parte",
    RoleName.ADMINISTRATOR: "gère les comptes, les programmes et les fermetures",
    RoleName.FEDERATION: "voit les membres d’une fédération, et propose des corrections",
    RoleName.NETWORK: "voit les pouvoirs organisateurs d’un réseau, et propose des corrections",
}
SCOPED = frozenset({RoleName.FEDERATION, RoleName.NETWORK})  # they see what is in scope, and no more
OF_STAFF = tuple(role for role in RoleName if role not in SCOPED)
