"""Reference data outside the register: networks, federations, provinces; text folding for search."""

import re

from sqlalchemy import select

from outreach.db import Session
from outreach.directory.models import Federation, Level, Network
from outreach.text import whole_number, without_accents

WORD = re.compile(r"\w+")
# The register's value → the official name shown on pages.
NETWORKS = {
    "WBE": "WBE",
    "Subventionné communal": "Officiel subventionné communal",
    "Subventionné provincial": "Officiel subventionné provincial",
    "COCOF": "Officiel subventionné COCOF",
    "Libre confessionnel": "Libre confessionnel",
    "Libre non confessionnel": "Libre non confessionnel",
}

FEDERATIONS = {
    "SeGEC": "Secrétariat général de l’enseignement catholique",
    "CECP": "Conseil de l’enseignement des communes et des provinces",
    "CPEONS": "Conseil des pouvoirs organisateurs de l’enseignement officiel neutre subventionné",
    "FELSI": "Fédération des établissements libres subventionnés indépendants",
}

_OFFICIAL = {Level.NURSERY: "CECP", Level.PRIMARY: "CECP", Level.SECONDARY: "CPEONS"}
_REPRESENTED = {
    "Subventionné communal": _OFFICIAL,
    "Subventionné provincial": _OFFICIAL,
    "COCOF": _OFFICIAL,
    "Libre confessionnel": dict.fromkeys(Level, "SeGEC"),
    "Libre non confessionnel": dict.fromkeys(Level, "FELSI"),
}

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
    return _REPRESENTED.get(network, {}).get(level)


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
