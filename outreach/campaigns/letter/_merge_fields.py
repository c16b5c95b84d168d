"""The merge fields of letters: their help, their values, and what the editor's chips say of them.

The editor's buttons, the checks and the documentation come from this one table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from outreach.campaigns.letter._field_values import (
    DONE,
    EMPTY,
    Facts,
    already_done,
    buttons,
    federations,
    link,
    listing,
    pixel,
    right_address,
    table,
    unconfirmed,
    written_directly,
)
from outreach.core.text.french import SHORT, WIDE, WITH_WEEKDAY, number, spelt_day, unbroken
from outreach.delivery import letters
from outreach.delivery.letters import FieldKind, Filling, Rows, Slot, Value

NAMED = 3
WRITTEN_DIRECTLY = "écoles_écrites"
DIRECTLY = "mention_écoles"  # how many schools were written to directly, which the layout says after a list of schools
UNCONFIRMED = "mention_à_confirmer"  # that an answer came which nobody confirmed, said after a reminder's first words
OF_THE_BODY = {DIRECTLY, UNCONFIRMED}
RIGHT_ADDRESS = "mention_adresse"  # whether the mailbox is the right one, asked at the foot of a letter once a year
REMINDED = "rappel"
NOTHING = {"", "null", "none", "n/a", "0", "-"}

Raw = str | int | bool | date | Value | Rows
Reader = Callable[[Facts], Filling]


@dataclass(frozen=True, slots=True)
class Field:
    """A merge field: its kind, its help for the letter's author, and its value for one recipient.

    The value of a `common` field is the same in a whole wave.
    """

    kind: FieldKind
    help: str
    value: Callable[[Facts], Raw]
    common: bool = False


def _names(facts: Facts) -> str:
    names = [f"{name} (FASE{WIDE}{fase})" for fase, name, _ in facts.schools[:NAMED]]
    more = len(facts.schools) - len(names)
    if more:
        names.append(f"{more} autre{'s' if more > 1 else ''}")
    *first, last = names or [""]
    return f"{', '.join(first)} et {last}" if first else last


FIELDS: Mapping[str, Field] = {
    "nom_po": Field(FieldKind.WORDS, "Le nom du pouvoir organisateur", lambda facts: facts.name),
    "fase_po": Field(FieldKind.WORDS, "Son numéro FASE", lambda facts: str(facts.fase)),
    "réseau": Field(FieldKind.WORDS, "Son réseau", lambda facts: facts.network),
    "fédération": Field(
        FieldKind.WORDS, "Le sigle de sa fédération", lambda facts: ", ".join(code for code, _ in facts.federations)
    ),
    "commune": Field(FieldKind.WORDS, "Sa commune", lambda facts: facts.municipality),
    "écoles": Field(FieldKind.WORDS, "Les noms des écoles dont parle le courriel (trois au plus)", _names),
    "écoles_éligibles": Field(
        FieldKind.NUMBER, "Le nombre d’écoles auxquelles le volet est ouvert", lambda f: f.eligible
    ),
    "écoles_adhérentes": Field(FieldKind.NUMBER, "Le nombre d’écoles qui ont adhéré", lambda facts: facts.joined),
    "écoles_restantes": Field(
        FieldKind.NUMBER, "Le nombre d’écoles dont parle le courriel", lambda facts: len(facts.schools)
    ),
    "tableau_écoles": Field(FieldKind.BLOCK, "Le tableau des écoles dont parle le courriel", table),
    "liste_écoles": Field(FieldKind.BLOCK, "La liste des écoles dont parle le courriel", listing),
    WRITTEN_DIRECTLY: Field(
        FieldKind.NUMBER,
        "Le nombre d’écoles dont la boîte reçoit aussi ce courriel",
        lambda facts: facts.written_directly,
    ),
    "une_école": Field(FieldKind.FLAG, "Le courriel parle d’une seule école", lambda facts: len(facts.schools) == 1),
    "plusieurs_écoles": Field(FieldKind.FLAG, "Le courriel parle de plusieurs écoles", lambda f: len(f.schools) > 1),
    REMINDED: Field(FieldKind.FLAG, "Un courriel de la campagne a précédé", lambda facts: facts.is_reminded),
    "sur_papier": Field(
        FieldKind.FLAG, "Cette lettre part sur papier, et non par courriel", lambda facts: facts.on_paper
    ),
    "date_limite": Field(FieldKind.DAY, "La date limite de la vague", lambda facts: facts.shared.deadline, common=True),
    "volet": Field(
        FieldKind.WORDS,
        "Le volet, avec son programme s’il y en a plusieurs",
        lambda facts: facts.shared.about,
        common=True,
    ),
    "circulaire": Field(
        FieldKind.WORDS, "Le numéro de la circulaire", lambda facts: facts.shared.circular, common=True
    ),
    "contact": Field(
        FieldKind.WORDS, "La personne de contact, en toutes lettres", lambda facts: facts.shared.contact, common=True
    ),
    "boutons_réponse": Field(FieldKind.BLOCK, "Des boutons pour répondre en un clic", buttons),
    "lien_réponse": Field(
        FieldKind.LINK,
        "Un lien vers la page de réponse",
        lambda facts: link(facts.links.answer, "répondre en ligne"),
    ),
    "lien_déjà_fait": Field(
        FieldKind.LINK,
        f"Un lien « Dites-le-nous » vers la même page, « {DONE.label} » choisi",
        already_done,
    ),
    "lien_navigateur": Field(
        FieldKind.LINK,
        "Un lien vers ce courriel en ligne",
        lambda facts: link(facts.links.view, "lire en ligne"),
    ),
    "lien_désinscription": Field(
        FieldKind.LINK,
        "Un lien pour ne plus recevoir ces courriels",
        lambda facts: link(facts.links.unsubscribe, "ne plus recevoir ces courriels"),
    ),
    "bloc_fédération": Field(FieldKind.BLOCK, "Un paragraphe sur l’organe de représentation", federations),
}
# How the editor and the guide group them; each field is in one group.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Le pouvoir organisateur": ("nom_po", "fase_po", "réseau", "fédération", "commune"),
    "Ses écoles": (
        *("écoles", "écoles_éligibles", "écoles_adhérentes", "écoles_restantes", WRITTEN_DIRECTLY, "tableau_écoles"),
        *("liste_écoles", "une_école", "plusieurs_écoles"),
    ),
    "La campagne": ("date_limite", "volet", "circulaire", "contact", REMINDED, "sur_papier"),
    "Les réponses et les liens": (
        *("boutons_réponse", "lien_réponse", "lien_déjà_fait", "lien_navigateur", "lien_désinscription"),
        "bloc_fédération",
    ),
}
KINDS = {name: field.kind for name, field in FIELDS.items()}
# Values that the layout uses for its own links, mention and pixel. An author cannot write these names.
ADDRESSES: Mapping[str, Callable[[Facts], Raw]] = {
    "adresse_désinscription": lambda facts: facts.links.unsubscribe,
    "adresse_navigateur": lambda facts: facts.links.view,
    "mention_mesure": lambda facts: facts.links.measure.mention,
    "image_mesure": lambda facts: pixel(facts.links.measure.pixel),
    DIRECTLY: written_directly,
    UNCONFIRMED: unconfirmed,
    RIGHT_ADDRESS: right_address,
}
OF_SCHOOLS = "boîte_école"  # the mailbox answers for some schools only
# Conditions that the layout uses; an author cannot write them, either.
CONDITIONS: Mapping[str, Callable[[Facts], Raw]] = {
    OF_SCHOOLS: lambda facts: facts.is_limited,
    "nombreuses_écoles": lambda facts: len(facts.schools) > 5,  # of letters frozen by 0.2.0 and before
}


# The tokens of the ways to unsubscribe: by the link in the text, by the header's link, by the header's address.
BY_LINK, ONE_CLICK, BY_MAIL = "jeton_désinscription", "jeton_un_clic", "jeton_courriel"
MARK = "marque_réponse"  # of the address that answers by mail go to
# The token of a link. The rest of the link's address is part of the letter's fixed text.
TOKENS: Mapping[str, Callable[[Facts], str]] = {
    "jeton_réponse": lambda facts: facts.links.answering,
    "jeton_navigateur": lambda facts: facts.links.viewing,
    BY_LINK: lambda facts: facts.links.unsubscribing,
}
LINKED = {"boutons_réponse", "lien_réponse", "lien_déjà_fait", "lien_navigateur", "lien_désinscription"}
LINKED |= {"adresse_navigateur", "adresse_désinscription"}
OF_MEASURE = {"mention_mesure", "image_mesure", letters.LINK}


def is_common(slot: Slot) -> bool:
    """Whether a slot has the same value in all the letters of a wave that are measured alike."""
    return slot.field in OF_MEASURE or (slot.field in FIELDS and FIELDS[slot.field].common)


def raw_value(name: str, facts: Facts) -> Raw:
    """The value of a field for a recipient, before any filter."""
    return _finder(name)(facts)


def is_empty(raw: Raw) -> bool:
    """Whether a value is empty, or is one of the words that spreadsheets write in an empty cell."""
    if isinstance(raw, str):
        return raw.strip().casefold() in NOTHING
    return raw is None or raw == EMPTY


@lru_cache(maxsize=1024)
def reader(slot: Slot) -> Reader:
    """The function that computes a slot's value from facts. It is cached, as thousands of recipients use it."""
    if slot.field == letters.LINK:
        key, url = int(slot.filters[0][0]), slot.filters[0][1]
        return lambda facts: Value.plain(facts.links.measure.clicks.get(key, url))
    if slot.field in TOKENS and not slot.filters:
        token = TOKENS[slot.field]
        return lambda facts: Value.plain(token(facts))
    find = _finder(slot.field)
    filters = [(_FILTERS[name], given) for name, given in slot.filters]

    def read(facts: Facts) -> Filling:
        raw = find(facts)
        for change, given in filters:
            raw = change(raw, given)
        return raw if isinstance(raw, (Value, Rows)) else Value.plain(_said(raw))

    return read


def is_true(name: str, facts: Facts) -> bool:
    """The truth of a field in a condition."""
    raw = raw_value(name, facts)
    return raw if isinstance(raw, bool) else not is_empty(raw) and raw != 0


def _finder(name: str) -> Callable[[Facts], Raw]:
    return _UNWRITTEN[name] if name in _UNWRITTEN else FIELDS[name].value


def _said(raw: Raw) -> str:
    if isinstance(raw, date):
        return unbroken(spelt_day(raw))
    return "" if is_empty(raw) else str(raw)


def _capital(raw: Raw, _given: str) -> Raw:
    said = _said(raw)
    return said[:1].upper() + said[1:]


def _grouped(raw: Raw, _given: str) -> Raw:
    return number(raw) if isinstance(raw, int) else raw


_UNWRITTEN: Mapping[str, Callable[[Facts], Raw]] = {**ADDRESSES, **CONDITIONS, **TOKENS}
_FILTERS: Mapping[str, Callable[[Raw, str], Raw]] = {
    "défaut": lambda raw, given: given if is_empty(raw) else raw,
    "majuscule": _capital,
    "minuscule": lambda raw, _given: _said(raw).lower(),
    "nombre": _grouped,
    "date": lambda raw, _given: unbroken(spelt_day(raw, WITH_WEEKDAY)) if isinstance(raw, date) else raw,
    "court": lambda raw, _given: spelt_day(raw, SHORT).replace(" ", WIDE) if isinstance(raw, date) else raw,
}


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


def field_chip(name: str, samples: Mapping[str, str] | None) -> Chip:
    """The chip of a field with what it says to one recipient as its example; None: there is no recipient yet."""
    chip = CHIPS[name]
    return chip if samples is None or FIELDS[name].kind not in SPOKEN else chip._replace(example=samples.get(name, ""))


def sample_values(facts: Facts) -> dict[str, str]:
    """The value of each field of words, numbers and days for a recipient, cut where it is long."""
    values = {name: reader(Slot(name))(facts).text for name, field in FIELDS.items() if field.kind in SPOKEN}
    return {name: f"{text[: LONGEST - 1]}…" if len(text) > LONGEST else text for name, text in values.items() if text}
