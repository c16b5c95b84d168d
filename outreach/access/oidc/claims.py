"""The roles that claims give by the installation's rules, and why a sign-in is refused."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from outreach.core.text.errors import OutreachError

Rule = tuple[str, str, str]  # a claim, a value and the role that it gives


def roles_given(claims: Mapping[str, Any], rules: Iterable[Rule]) -> set[str]:
    """The roles of each rule whose value the claim has: alone, or in its list. Values are compared letter by letter."""
    return {role for claim, value, role in rules if value in _values(held(claims, claim))}


def held(claims: Mapping[str, Any], name: str) -> object:
    """What stands under a name: a claim's, or a path with dots into it (`realm_access.roles`); None for nothing."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _values(claim: object) -> list[str]:
    given = claim if isinstance(claim, list) else [claim]
    return [value for value in given if isinstance(value, str)]


AGAIN = "Recommencez depuis la page de connexion."
TELL = f"{AGAIN} Si cela se répète, dites-le à l’administration du service."


class Refusal(StrEnum):
    """Why somebody was not let in. The value stands in the trail."""

    AWAY = "l’émetteur ne répond pas"
    STATE = "retour sans connexion commencée"
    DENIED = "l’émetteur n’a pas confirmé"
    CODE = "code refusé par l’émetteur"
    SIGNATURE = "signature"
    ISSUER = "autre émetteur"
    AUDIENCE = "destinée à un autre service"
    EXPIRED = "réponse expirée"
    NONCE = "réponse à une autre demande"
    UNREADABLE = "réponse illisible"
    LEVEL = "niveau d’identification"
    UNKNOWN = "identité inconnue"
    CLOSED = "compte fermé"
    ROLELESS = "sans rôle"
    TAKEN = "identité d’un autre compte"
    OTHER_PERSON = "autre personne connectée"

    @property
    def sentence(self) -> str:
        """What the person reads."""
        return _SENTENCES[self]


_SENTENCES = {
    Refusal.AWAY: (
        "Le service d’identification ne répond pas, ou répond autrement que prévu. Réessayez dans quelques minutes. "
        "En cas d’urgence, l’administration du service se connecte avec le compte de secours et son mot de passe."
    ),
    Refusal.STATE: (
        "Ce retour ne correspond à aucune connexion commencée dans ce navigateur : la vôtre a déjà servi, ou date de "
        f"plus de dix minutes. {AGAIN}"
    ),
    Refusal.DENIED: f"Le service d’identification n’a pas confirmé votre identité. {AGAIN}",
    Refusal.CODE: f"Le service d’identification ne reconnaît plus cette connexion, qui a expiré ou déjà servi. {AGAIN}",
    Refusal.SIGNATURE: f"La réponse du service d’identification ne porte pas sa signature. {TELL}",
    Refusal.ISSUER: f"La réponse vient d’un autre service d’identification que le nôtre. {TELL}",
    Refusal.AUDIENCE: f"La réponse du service d’identification est destinée à un autre service que celui-ci. {TELL}",
    Refusal.EXPIRED: (
        f"La réponse du service d’identification a expiré, ou n’est pas encore valable. {AGAIN} Si cela se répète, "
        "l’horloge de l’une des deux machines est fausse : dites-le à l’administration du service."
    ),
    Refusal.NONCE: f"La réponse du service d’identification répond à une autre demande que la vôtre. {TELL}",
    Refusal.UNREADABLE: f"La réponse du service d’identification ne se comprend pas. {TELL}",
    Refusal.LEVEL: (
        "Cette identification n’est pas assez sûre pour ce service. Recommencez, et choisissez chez le service "
        "d’identification un moyen plus sûr, par exemple la carte d’identité."
    ),
    Refusal.UNKNOWN: (
        "Aucun compte n’est lié à cette identité. Ouvrez le lien de votre invitation et identifiez-vous de là. Si vous "
        "avez un mot de passe ici, connectez-vous avec lui, puis liez votre identité depuis « Mon compte ». Sinon, "
        "demandez une invitation à l’administration du service."
    ),
    Refusal.CLOSED: "Votre compte est fermé. Demandez à l’administration du service de le rouvrir.",
    Refusal.ROLELESS: (
        "Le service d’identification ne vous donne aucun rôle ici. Demandez-en un aux personnes qui gèrent les "
        "accès de votre organisation, puis recommencez."
    ),
    Refusal.TAKEN: (
        "Cette identité est déjà celle d’un autre compte : une personne n’a qu’un compte. Connectez-vous avec l’autre, "
        "ou demandez à l’administration du service lequel garder."
    ),
    Refusal.OTHER_PERSON: (
        "Une autre personne est connectée dans ce navigateur. Déconnectez-la, puis recommencez depuis la page de "
        "connexion."
    ),
}


class SignInRefused(OutreachError):
    """Somebody is not let in. `person` is the address of the account in question, or ''."""

    def __init__(self, cause: Refusal, person: str = "") -> None:
        super().__init__(cause.sentence)
        self.cause, self.person = cause, person
