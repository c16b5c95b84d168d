"""Reference data outside the register: networks, federations, provinces; text folding for search.

The codes by which accounts of federations and networks say whose members they see.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sqlalchemy import func, select

from outreach.access.scopes import AccessScope, ScopeKind
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.core.text.french import all_of
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number, without_accents
from outreach.directory.models import Federation, Level, Network

WORD = re.compile(r"\w+")
FEDERATIONS = {
    "SeGEC": "Secrétariat général de l’enseignement catholique",
    "CECP": "Conseil de l’enseignement des communes et des provinces",
    "CPEONS": "Conseil des pouvoirs organisateurs de l’enseignement officiel neutre subventionné",
    "FELSI": "Fédération des établissements libres subventionnés indépendants",
}

_OFFICIAL = {Level.NURSERY: "CECP", Level.PRIMARY: "CECP", Level.SECONDARY: "CPEONS"}
_OF_COMMUNES = re.compile(r"\b(?:communes?|communa(?:le?s?|ux)|(?<!la )ville d[eu]?|bourgmestres?|echevins)\b")
_OF_ASSOCIATIONS = re.compile(r"\b(?:libres?|catholiques?|paroissiale?s?|diocesaine?s?)\b")


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """The facts of a network: its official name, and the federation that represents its authorities for each level.

    `administrations` are the public bodies that run its schools, and work in school breaks: « les communes »; '' where
    others run them, who are closed then. `of` are its words after « écoles » where it has shorter ones than « du réseau
    … », as questions name it. `own_words` are words, folded, that only names of its organisations have.
    """

    label: str
    federations: Mapping[Level, str]
    administrations: str = ""
    of: str = ""
    own_words: re.Pattern[str] | None = None

    @property
    def is_administration(self) -> bool:
        """Whether public bodies run its schools, which work in school breaks."""
        return bool(self.administrations)


NO_FACTS = NetworkFacts("", {})  # a look-up by value, `NetworkCode("WBE")`, reads to a type checker like a call without


class NetworkCode(StrEnum):
    """A network, by the register's value, in the order of pages."""

    WBE = "WBE", NetworkFacts("WBE", {}, of="de WBE")
    MUNICIPAL = (
        "Subventionné communal",
        NetworkFacts(
            "Officiel subventionné communal", _OFFICIAL, administrations="les communes", own_words=_OF_COMMUNES
        ),
    )
    PROVINCIAL = (
        "Subventionné provincial",
        NetworkFacts("Officiel subventionné provincial", _OFFICIAL, administrations="les provinces"),
    )
    COCOF = (
        "COCOF",
        NetworkFacts("Officiel subventionné COCOF", _OFFICIAL, administrations="la COCOF", of="de la COCOF"),
    )
    DENOMINATIONAL = (
        "Libre confessionnel",
        NetworkFacts("Libre confessionnel", dict.fromkeys(Level, "SeGEC"), own_words=_OF_ASSOCIATIONS),
    )
    NON_DENOMINATIONAL = (
        "Libre non confessionnel",
        NetworkFacts("Libre non confessionnel", dict.fromkeys(Level, "FELSI"), own_words=_OF_ASSOCIATIONS),
    )

    facts: NetworkFacts

    def __new__(cls, value: str, facts: NetworkFacts = NO_FACTS) -> Self:
        """The stored value, and its facts."""
        network = str.__new__(cls, value)
        network._value_, network.facts = value, facts
        return network

    @property
    def label(self) -> str:
        """The official name, for the middle of a sentence."""
        name = self.facts.label
        return name if name.isupper() else name[0].lower() + name[1:]


NETWORKS = {network.value: network.facts.label for network in NetworkCode}
"""The official name of each network, as pages show it, by the register's value."""

PUBLIC_BODIES = all_of([each for network in NetworkCode if (each := network.facts.administrations)])
"""The public bodies that run schools, which work in school breaks, as sentences name them."""

ACRONYMS = {name.upper() for name in (*FEDERATIONS, *NetworkCode) if not name[1:].islower() and " " not in name}
"""What letters may write in capitals."""

# First and last postcode → province; 9600 (a school outside the territory) has none.
_PROVINCES = (
    (1000, 1299, "Bruxelles"),
    (1300, 1499, "Brabant wallon"),
    (4000, 4999, "Liège"),
    (5000, 5999, "Namur"),
    (6000, 6599, "Hainaut"),
    (6600, 6999, "Luxembourg"),
    (7000, 7999, "Hainaut"),
)
PROVINCES = sorted({name for _, _, name in _PROVINCES})


def ensure_reference(session: Session) -> None:
    """Insert the missing rows of networks and federations."""
    networks = set(session.scalars(select(Network.code)))
    session.add_all(
        Network(code=code, label=label, position=position)
        for position, (code, label) in enumerate(NETWORKS.items())
        if code not in networks
    )
    federations = set(session.scalars(select(Federation.code)))
    session.add_all(Federation(code=code, name=name) for code, name in FEDERATIONS.items() if code not in federations)


def federation_of(network: str, level: Level) -> str | None:
    """The code of the federation that represents an authority of this network for this level; WBE has none."""
    return NetworkCode(network).facts.federations.get(level)


def province_of(postcode: str) -> str | None:
    """The province (or Bruxelles) of a Belgian postcode, None where there is none."""
    number = whole_number(postcode) or 0
    return next((name for first, last, name in _PROVINCES if first <= number <= last), None)


def searched(name: str, fase: int, locality: str, municipality: str, corrected: str | None = None) -> str:
    """The text to search in, folded: the register's name, by which lists are sorted, and a corrected one at last."""
    return fold(f"{name} {fase} {locality} {municipality} {corrected or ''}")


def fold(text: str) -> str:
    """Text without accents, case or punctuation, for searching: "Athénée d’Uccle" → "athenee d uccle"."""
    spelt = text.casefold().replace("œ", "oe").replace("æ", "ae")
    return " ".join(WORD.findall(without_accents(spelt)))


_OF = {RoleName.FEDERATION: Federation.code, RoleName.NETWORK: Network.code}


def known_code(session: Session, roles: Collection[RoleName], typed: str) -> str:
    """The code that was typed, in any case, of the federation or network that these roles are about.

    What was typed, where they are about neither. Raises InputError, with the codes there are, for any other code.
    """
    kind = next((_OF[role] for role in roles if role in _OF), None)
    if kind is None or not typed.strip():
        return typed.strip()
    every = session.scalars(select(kind).order_by(kind)).all()
    found = next((code for code in every if code.casefold() == typed.strip().casefold()), None)
    if found is None:
        raise InputError(f"« {typed.strip()[:60]} » n’est pas un code connu : indiquez {', '.join(every)}.")
    return found


def offered(session: Session) -> list[tuple[str, str]]:
    """The codes that a form offers, with their names: federations, then networks."""
    federations = session.execute(select(Federation.code, Federation.name).order_by(func.lower(Federation.code)))
    networks = session.execute(select(Network.code, Network.label).order_by(Network.position))
    named = [(code, f"fédération {code} : {name}") for code, name in federations]
    return [*named, *((code, f"réseau {label}") for code, label in networks)]


def reason(session: Session, scope: AccessScope, levels: Sequence[str]) -> str:
    """Why an authority is in this scope, as one French sentence; `levels` are those of its membership, in words."""
    if scope.kind is ScopeKind.NETWORK:
        label = session.scalar(select(Network.label).where(Network.code == scope.code)) or scope.code
        return f"Vous voyez ce PO parce qu’il est du réseau {label}."
    represented = f" pour ses écoles de niveau {french.all_of(levels)}" if levels else ""
    return f"Vous voyez ce PO parce que {scope.code} le représente aujourd’hui{represented}."
