"""The merge fields of letters: what each says to who writes, and its value for one recipient.

The editor's buttons, the checks and the documentation come from this one table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from babel.numbers import format_decimal

from outreach.adherence.models import Status
from outreach.campaigns.addresses import Links
from outreach.mail import links
from outreach.mail.letters import Value, one_line
from outreach.mail.marks import Kind, Slot
from outreach.mail.typography import LOCALE, NARROW, WIDE, WITH_WEEKDAY, spelt_day

LISTED, NAMED = 25, 3
NOTHING = {"", "null", "none", "n/a", "0", "-"}
LINK = '<a href="{}" style="color:#303675">{}</a>'

PIXEL = '<img src="{}" width="1" height="1" alt="" style="display:block;border:0">'

Raw = str | int | bool | date | Value


@dataclass(frozen=True, slots=True)
class Shared:
    """What is the same for all the letters of a wave."""

    circular: str
    deadline: date
    contact: str
    is_reminder: bool


class Facts(NamedTuple):
    """What is known of one recipient when its letter is composed.

    `schools` are those the letter is about: (FASE, name, status) by name. `eligible` and `joined` count the authority's
    schools in the strand; `federations` are (code, name).
    """

    fase: int
    name: str
    network: str
    municipality: str
    schools: Sequence[tuple[int, str, Status]]
    eligible: int
    joined: int
    federations: Sequence[tuple[str, str]]
    links: Links
    shared: Shared


@dataclass(frozen=True, slots=True)
class Field:
    """A merge field: its kind, what it says to who writes, its value for one recipient; `common` to a whole wave."""

    kind: Kind
    help: str
    value: Callable[[Facts], Raw]
    common: bool = False


def contact_of(name: str, service: str, email: str, phone: str) -> str:
    """The agent who can inform, on one line."""
    return ", ".join(part for part in (name, service, email, phone) if part)


def _link(address: str, words: str) -> Value:
    plain = Value.plain(address)
    return Value(LINK.format(plain.html, words), f"{words}{WIDE}: {address}") if address else Value("", "")


def _pixel(address: str) -> Value:
    return Value(PIXEL.format(Value.plain(address).html), "") if address else Value("", "")


def _names(facts: Facts) -> str:
    names = [f"{name} (FASE{WIDE}{fase})" for fase, name, _ in facts.schools[:NAMED]]
    more = len(facts.schools) - len(names)
    if more:
        names.append(f"{more} autre{'s' if more > 1 else ''}")
    *first, last = names or [""]
    return f"{', '.join(first)} et {last}" if first else last


def _more(facts: Facts) -> Value:
    more = len(facts.schools) - LISTED
    if more <= 0:
        return Value("", "")
    words = f"et {more} autre{'s' if more > 1 else ''}{WIDE}: "
    seen = _link(facts.links.answer, "voir la liste")
    return Value(f'\n<p style="margin:0 0 16px">{words}{seen.html}</p>', f"\n{words}{facts.links.answer}")


CELL = '<td class="cell" style="padding:6px 8px;border-bottom:1px solid #babbc1;text-align:left;{}">{}</td>'
ROW = CELL.format("", "{}") + 2 * CELL.format("white-space:nowrap", "{}")
HEAD = ROW.replace("<td", '<th scope="col"').replace("</td", "</th").format("École", "FASE", "Situation")


def _table(facts: Facts) -> Value:
    lines, texts = [HEAD], []
    for fase, name, status in facts.schools[:LISTED]:
        school = Value.plain(name)
        lines.append(ROW.format(school.html, fase, status.label))
        texts.append(f"- {one_line(school.text)} (FASE{WIDE}{fase}){WIDE}: {status.label.lower()}")
    rows, more = "\n".join(f"<tr>{line}</tr>" for line in lines), _more(facts)
    style = "border-collapse:collapse;margin:0 0 16px"
    html = f'<table width="100%" cellpadding="0" cellspacing="0" border="0" style="{style}">\n{rows}\n</table>'
    return Value(html + more.html, "\n".join(texts) + more.text)


def _list(facts: Facts) -> Value:
    named = [(Value.plain(name), fase) for fase, name, _ in facts.schools[:LISTED]]
    items = "\n".join(f'<li style="margin:0 0 6px">{name.html} (FASE{WIDE}{fase})</li>' for name, fase in named)
    texts = "\n".join(f"- {one_line(name.text)} (FASE{WIDE}{fase})" for name, fase in named)
    more = _more(facts)
    return Value(f'<ul style="margin:0 0 16px;padding:0 0 0 24px">\n{items}\n</ul>{more.html}', texts + more.text)


ANSWERS = (("joined", "Nous adhérons"), ("in_preparation", "En préparation"), ("help", "Besoin d’aide"))


def _buttons(facts: Facts) -> Value:
    style = "display:inline-block;margin:0 8px 8px 0;padding:10px 18px;border:1px solid #303675;border-radius:4px;"
    style += "text-decoration:none;font-weight:bold;"
    first, others = "background:#303675;color:#ffffff", "color:#303675"
    links, texts = [], []
    for place, (choice, words) in enumerate(ANSWERS):
        address = f"{facts.links.answer}?choice={choice}"
        look = style + (others if place else first)
        links.append(f'<a class="button" href="{address}" style="{look}">{words}</a>')
        texts.append(f"- {words}{WIDE}: {address}")
    other = LINK.format(facts.links.answer, "Toutes les réponses possibles")
    texts.append(f"- Toutes les réponses possibles{WIDE}: {facts.links.answer}")
    html = "\n".join(links)
    return Value(f'<p style="margin:0 0 8px">{html}</p>\n<p style="margin:0 0 16px">{other}</p>', "\n".join(texts))


def _federations(facts: Facts) -> Value:
    if not facts.federations:
        return Value("", "")
    names = ", ".join(f"{name} ({code})" for code, name in facts.federations)
    said = Value.plain(f"Votre organe de représentation et de coordination peut aussi vous conseiller{WIDE}: {names}.")
    return Value(f'<p style="margin:0 0 16px">{said.html}</p>', said.text)


FIELDS: Mapping[str, Field] = {
    "nom_po": Field(Kind.WORDS, "Le nom du pouvoir organisateur", lambda facts: facts.name),
    "fase_po": Field(Kind.WORDS, "Son numéro FASE", lambda facts: str(facts.fase)),
    "réseau": Field(Kind.WORDS, "Son réseau", lambda facts: facts.network),
    "fédération": Field(
        Kind.WORDS, "Le sigle de sa fédération", lambda facts: ", ".join(code for code, _ in facts.federations)
    ),
    "commune": Field(Kind.WORDS, "Sa commune", lambda facts: facts.municipality),
    "écoles": Field(Kind.WORDS, "Les noms des écoles dont parle le courriel (trois au plus)", _names),
    "écoles_éligibles": Field(Kind.NUMBER, "Le nombre d’écoles auxquelles le volet est ouvert", lambda f: f.eligible),
    "écoles_adhérentes": Field(Kind.NUMBER, "Le nombre d’écoles qui ont adhéré", lambda facts: facts.joined),
    "écoles_restantes": Field(
        Kind.NUMBER, "Le nombre d’écoles dont parle le courriel", lambda facts: len(facts.schools)
    ),
    "tableau_écoles": Field(Kind.BLOCK, "Le tableau des écoles dont parle le courriel", _table),
    "liste_écoles": Field(Kind.BLOCK, "La liste des écoles dont parle le courriel", _list),
    "une_école": Field(Kind.FLAG, "Le courriel parle d’une seule école", lambda facts: len(facts.schools) == 1),
    "plusieurs_écoles": Field(Kind.FLAG, "Le courriel parle de plusieurs écoles", lambda f: len(f.schools) > 1),
    "rappel": Field(Kind.FLAG, "Cette vague est un rappel", lambda facts: facts.shared.is_reminder, common=True),
    "date_limite": Field(Kind.DAY, "La date limite de la vague", lambda facts: facts.shared.deadline, common=True),
    "circulaire": Field(Kind.WORDS, "Le numéro de la circulaire", lambda facts: facts.shared.circular, common=True),
    "contact": Field(
        Kind.WORDS, "La personne de contact, en toutes lettres", lambda facts: facts.shared.contact, common=True
    ),
    "boutons_réponse": Field(Kind.BLOCK, "Des boutons pour répondre en un clic", _buttons),
    "lien_réponse": Field(
        Kind.LINK, "Un lien vers la page de réponse", lambda facts: _link(facts.links.answer, "répondre en ligne")
    ),
    "lien_navigateur": Field(
        Kind.LINK, "Un lien vers ce courriel en ligne", lambda facts: _link(facts.links.view, "lire en ligne")
    ),
    "lien_désinscription": Field(
        Kind.LINK,
        "Un lien pour ne plus recevoir ces courriels",
        lambda facts: _link(facts.links.unsubscribe, "ne plus recevoir ces courriels"),
    ),
    "bloc_fédération": Field(Kind.BLOCK, "Un paragraphe sur l’organe de représentation", _federations),
}
KINDS = {name: field.kind for name, field in FIELDS.items()}
# The addresses alone, for the layout's own links; nobody writes them.
ADDRESSES: Mapping[str, Callable[[Facts], Raw]] = {
    "adresse_désinscription": lambda facts: facts.links.unsubscribe,
    "adresse_navigateur": lambda facts: facts.links.view,
    "mention_mesure": lambda facts: facts.links.measure.mention,
    "image_mesure": lambda facts: _pixel(facts.links.measure.pixel),
}


BY_LINK, BY_MAIL = "jeton_désinscription", "jeton_courriel"  # the two ways to unsubscribe that a letter's headers offer
# What is left of a link whose address stands in the letter's fixed text.
TOKENS: Mapping[str, Callable[[Facts], Raw]] = {
    "jeton_réponse": lambda facts: facts.links.answering,
    "jeton_navigateur": lambda facts: facts.links.viewing,
    BY_LINK: lambda facts: facts.links.unsubscribing,
}
LINKED = {"boutons_réponse", "lien_réponse", "lien_navigateur", "lien_désinscription"}
LINKED |= {"adresse_navigateur", "adresse_désinscription"}
OF_MEASURE = {"mention_mesure", "image_mesure", links.LINK}


def is_common(slot: Slot) -> bool:
    """Whether a slot says the same in all the letters of a wave that are measured alike."""
    return slot.field in OF_MEASURE or (slot.field in FIELDS and FIELDS[slot.field].common)


def raw_value(name: str, facts: Facts) -> Raw:
    """What a field holds for a recipient, before any filter."""
    return _UNWRITTEN[name](facts) if name in _UNWRITTEN else FIELDS[name].value(facts)


def is_empty(raw: Raw) -> bool:
    """Whether a value says nothing: empty, or one of the words that spreadsheets leave for nothing."""
    if isinstance(raw, str):
        return raw.strip().casefold() in NOTHING
    return raw is None or raw == Value("", "")


def value_of(slot: Slot, facts: Facts) -> Value:
    """What stands in a slot for a recipient."""
    if slot.field == links.LINK:
        number, url = slot.filters[0]
        return Value.plain(facts.links.measure.clicks.get(int(number), url))
    raw = raw_value(slot.field, facts)
    for name, given in slot.filters:
        raw = _FILTERS[name](raw, given)
    return raw if isinstance(raw, Value) else Value.plain(_said(raw))


def is_true(name: str, facts: Facts) -> bool:
    """The truth of a field in a condition."""
    raw = raw_value(name, facts)
    return raw if isinstance(raw, bool) else not is_empty(raw) and raw != 0


def _said(raw: Raw) -> str:
    if isinstance(raw, date):
        return spelt_day(raw)
    return "" if is_empty(raw) else str(raw)


def _capital(raw: Raw, _given: str) -> Raw:
    said = _said(raw)
    return said[:1].upper() + said[1:]


def _grouped(raw: Raw, _given: str) -> Raw:
    return _spelt_number(raw) if isinstance(raw, int) else raw


@lru_cache(maxsize=256)
def _spelt_number(number: int) -> str:
    return str(format_decimal(number, locale=LOCALE)).replace(WIDE, NARROW)


_UNWRITTEN = {**ADDRESSES, **TOKENS}
_FILTERS: Mapping[str, Callable[[Raw, str], Raw]] = {
    "défaut": lambda raw, given: given if is_empty(raw) else raw,
    "majuscule": _capital,
    "minuscule": lambda raw, _given: _said(raw).lower(),
    "nombre": _grouped,
    "date": lambda raw, _given: spelt_day(raw, WITH_WEEKDAY) if isinstance(raw, date) else raw,
}
