"""The roles of staff, apart from accounts, so that importing them loads nothing for signing in."""

from enum import StrEnum


class RoleName(StrEnum):
    """A role of a member of staff; a person may hold several."""

    READER = "reader"
    AUTHOR = "author"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

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
}
_PERMITTED = {
    RoleName.READER: "lit tout : l’annuaire, les campagnes, les résultats",
    RoleName.AUTHOR: "importe registre et listes, corrige les adresses, écrit les campagnes, traite les réponses",
    RoleName.APPROVER: "valide ce qu’une autre personne a écrit, avant que rien ne parte",
    RoleName.ADMINISTRATOR: "gère les comptes, les programmes et les fermetures",
}
