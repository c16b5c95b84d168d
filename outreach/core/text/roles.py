"""The roles of staff, apart from accounts, so that importing them loads nothing for signing in."""

from outreach.core.text.labelled import Labelled


class RoleName(Labelled):
    """A role of a member of staff; a person may hold several. Those `SCOPED` stand alone, each with a code."""

    READER = "reader", "lecture", "lit tout : l’annuaire, les campagnes, les résultats"
    AUTHOR = (
        "author",
        "rédaction",
        "importe registre et listes, corrige les adresses, écrit les campagnes, traite les réponses",
    )
    APPROVER = "approver", "validation", "valide ce qu’une autre personne a écrit, avant que rien ne parte"
    ADMINISTRATOR = "administrator", "administration", "gère les comptes, les programmes et les fermetures"
    FEDERATION = "federation", "fédération", "voit les membres d’une fédération, et propose des corrections"
    NETWORK = "network", "réseau", "voit les pouvoirs organisateurs d’un réseau, et propose des corrections"

    @property
    def permits(self) -> str:
        """What its holder may do, as the French end of a sentence."""
        return self.words


SCOPED = frozenset({RoleName.FEDERATION, RoleName.NETWORK})  # they see what is in scope, and no more
