"""What the editor's chips say of merge fields: a short French name, an example, and the value for one recipient."""

from collections.abc import Mapping
from typing import NamedTuple

from outreach.campaigns.letter.facts import Facts
from outreach.campaigns.letter.merge_fields import FIELDS, reader
from outreach.mail.letters.marks import FieldKind, Slot

LONGEST = 60  # characters of a value on a chip
SPOKEN = {FieldKind.WORDS, FieldKind.NUMBER, FieldKind.DAY}


class Chip(NamedTuple):
    """What a chip shows of a field; `kind` is its FieldKind, and an example is '' where there is none."""

    label: str
    kind: str
    example: str


_NAMED: Mapping[str, tuple[str, str]] = {
    "nom_po": ("nom du PO", "Administration communale de Charleroi"),
    "fase_po": ("numéro FASE du PO", "9003"),
    "réseau": ("réseau du PO", "Officiel subventionné communal"),
    "fédération": ("sigle de la fédération", "CPEONS"),
    "commune": ("commune du PO", "Charleroi"),
    "écoles": ("noms des écoles", "Lycée communal de Charleroi et 130 autres"),
    "écoles_éligibles": ("nombre d’écoles éligibles", "147"),
    "écoles_adhérentes": ("nombre d’écoles adhérentes", "14"),
    "écoles_restantes": ("nombre d’écoles du courriel", "133"),
    "écoles_écrites": ("nombre d’écoles qui reçoivent aussi ce courriel", "147"),
    "tableau_écoles": ("tableau des écoles", ""),
    "liste_écoles": ("liste des écoles", ""),
    "une_école": ("une école", ""),
    "plusieurs_écoles": ("plusieurs écoles", ""),
    "rappel": ("relance", ""),
    "sur_papier": ("lettre sur papier", ""),
    "date_limite": ("date limite", "17 décembre 2026"),
    "volet": ("volet", "volet 1"),
    "circulaire": ("numéro de la circulaire", "7831"),
    "contact": ("personne de contact", "Nadia Lambert, nadia.lambert@fwb.example"),
    "boutons_réponse": ("boutons de réponse", ""),
    "lien_réponse": ("lien pour répondre", "répondre en ligne"),
    "lien_déjà_fait": ("lien pour dire que c’est fait", "Dites-le-nous"),
    "lien_navigateur": ("lien vers le courriel en ligne", "lire en ligne"),
    "lien_désinscription": ("lien de désinscription", "ne plus recevoir ces courriels"),
    "bloc_fédération": ("paragraphe sur la fédération", ""),
}
CHIPS: Mapping[str, Chip] = {
    name: Chip(_NAMED[name][0], field.kind.value, _NAMED[name][1]) for name, field in FIELDS.items()
}


def exemplified(name: str, samples: Mapping[str, str] | None) -> Chip:
    """The chip of a field with what it says to one recipient as its example; None: there is no recipient yet."""
    chip = CHIPS[name]
    return chip if samples is None or FIELDS[name].kind not in SPOKEN else chip._replace(example=samples.get(name, ""))


def samples(facts: Facts) -> dict[str, str]:
    """The value of each field of words, numbers and days for a recipient, cut where it is long."""
    values = {name: reader(Slot(name))(facts).text for name, field in FIELDS.items() if field.kind in SPOKEN}
    return {name: f"{text[: LONGEST - 1]}…" if len(text) > LONGEST else text for name, text in values.items() if text}
