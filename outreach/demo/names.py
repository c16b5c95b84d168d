"""Names for a fictitious directory: the patterns of the real one, without any real person."""

from collections.abc import Iterator
from itertools import cycle, product
from random import Random

SAINTS = (
    "Saint-Joseph",
    "Notre-Dame",
    "Saint-Michel",
    "Sainte-Marie",
    "Saint-Jean-Baptiste",
    "Sainte-Anne",
    "Saint-Pierre",
    "Sacré-Cœur",
    "Saint-Martin",
    "Sainte-Thérèse",
    "Saint-Louis",
    "Sainte-Union",
    "Saint-Luc",
    "Saint-Nicolas",
    "Sainte-Famille",
    "Saint-Laurent",
    "Saint-Paul",
    "Sainte-Véronique",
    "Saint-Hubert",
    "Saint-Charles",
)
PLACES = (
    "du Centre",
    "des Tilleuls",
    "du Parc",
    "des Marronniers",
    "de la Gare",
    "du Moulin",
    "des Bruyères",
    "du Verger",
    "des Érables",
    "de la Fontaine",
    "du Vallon",
    "des Prés",
    "du Tivoli",
    "de la Place",
    "des Remparts",
    "du Pré vert",
    "des Étangs",
    "du Haut",
    "du Bas",
    "des Aubépines",
    "de la Barrière",
    "du Canal",
    "des Coteaux",
    "du Château",
    "de la Chapelle",
    "du Grand Chemin",
    "de la Sapinière",
    "des Carrières",
    "du Rivage",
    "de la Source",
)
STREETS = (
    "Rue de l’École",
    "Rue du Moulin",
    "Rue de l’Église",
    "Place communale",
    "Avenue des Tilleuls",
    "Rue de la Gare",
    "Chaussée de Bruxelles",
    "Rue Haute",
    "Rue des Combattants",
    "Rue du Château",
    "Avenue du Parc",
    "Rue Neuve",
)
LONGEST_NAME = (
    "Comité organisateur de l’Institut Saint-Berthuin et des Écoles associées du Vallon, Enseignement secondaire, "
    "Section normale, École primaire"
)


def of(place: str) -> str:
    """ "de" before a place, as French wants it: "d’Anderlecht", "du Rœulx", "des Bons Villers", "de Huy"."""
    if place.startswith("Le "):
        return f"du {place[3:]}"
    if place.startswith("Les "):
        return f"des {place[4:]}"
    return f"d’{place}" if place[0] in "AEÉIOUYŒ" else f"de {place}"


def schools(network: str, family: str, place: str, chance: Random) -> Iterator[str]:
    """An endless iterator of names for the schools of one family in one place, the plainest first."""
    saints = chance.sample(SAINTS, len(SAINTS))
    places = chance.sample(PLACES, len(PLACES))
    if network == "Libre confessionnel":
        kinds = {
            "secondary": ("Institut", "Collège", "Centre scolaire", "Centre éducatif", "Institut technique"),
            "special": ("École d’enseignement spécialisé", "Institut médico-pédagogique", "École spécialisée"),
            "basic": ("École fondamentale libre", "École libre", "École primaire libre", "École Saint-Rémy et"),
        }[family]
        return _unending(f"{kind} {saint}" for kind, saint in product(kinds, saints))
    kinds = _OFFICIAL[network][family]
    named = [f"{kind} {of(place)}" for kind in kinds]
    return _unending([*named, *(f"{kind} {where} à {place}" for kind, where in product(kinds, places))])


def authority(network: str, place: str, province: str, number: int, chance: Random) -> str:
    """The name of an authority; `number` is its rank within the network.

    Raises ValueError for a network whose names are not known here.
    """
    match network:
        case "WBE":
            return "Wallonie-Bruxelles Enseignement"
        case "COCOF":
            return "Commission communautaire française"
        case "Subventionné communal":
            return f"Administration communale {of(place)}" if number % 3 else f"Collège communal {of(place)}"
        case "Subventionné provincial":
            return f"Province {'du' if province == 'Brabant wallon' else 'de'} {province}"
        case "Libre non confessionnel":
            return (
                f"ASBL {chance.choice(('École', 'Centre scolaire', 'Enseignement'))} {chance.choice(PLACES)} à {place}"
            )
        case "Libre confessionnel":
            saint = chance.choice(SAINTS)
            return chance.choice(
                (
                    f"ASBL Comité scolaire {saint} {of(place)}",
                    f"Pouvoir organisateur des écoles {saint} {of(place)}",
                    f"ASBL Enseignement catholique {of(place)}",
                    f"ASBL Institut {saint} – {place}",
                )
            )
        case _:
            raise ValueError(f"no names for {network}")


def street(chance: Random) -> str:
    """A street and a number."""
    return f"{chance.choice(STREETS)} {chance.randint(1, 180)}"


def _unending(names: Iterator[str] | list[str]) -> Iterator[str]:
    return cycle(list(names))


_OFFICIAL = {
    "WBE": {
        "secondary": ("Athénée royal", "Institut technique de la Communauté française", "Athénée royal et lycée"),
        "special": ("Établissement d’enseignement spécialisé de la Communauté française", "École spécialisée"),
        "basic": ("École fondamentale autonome", "École fondamentale annexée à l’athénée royal"),
    },
    "Subventionné communal": {
        "secondary": ("Athénée communal", "Institut communal d’enseignement technique", "Lycée communal"),
        "special": ("École communale d’enseignement spécialisé",),
        "basic": ("École fondamentale communale", "École communale"),
    },
    "Subventionné provincial": {
        "secondary": ("Institut provincial d’enseignement secondaire", "Académie provinciale des métiers"),
        "special": ("Institut provincial d’enseignement spécialisé",),
        "basic": ("École fondamentale provinciale",),
    },
    "COCOF": {
        "secondary": ("Institut technique", "Lycée technique"),
        "special": ("Institut d’enseignement spécialisé",),
        "basic": ("École fondamentale",),
    },
    "Libre non confessionnel": {
        "secondary": ("École secondaire plurielle", "Lycée libre", "Athénée libre"),
        "special": ("École spécialisée libre", "Centre scolaire spécialisé"),
        "basic": ("École active", "École en couleurs"),
    },
}
