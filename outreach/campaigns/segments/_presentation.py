"""Criteria as pages show them: offered with controls, explained for one authority, as networks and levels to tick.

Parts come from the classes of `LEAVES`, so that a new criterion is offered as soon as it has a title here. The criteria
about letters sent before are one offer, LETTERS: its first choice, `what`, picks the criterion that is stored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from sqlalchemy import ColumnElement, case, select

from outreach.campaigns.segments._audience import Audience, audience_rows, reason_of
from outreach.campaigns.segments._context import CriteriaContext
from outreach.campaigns.segments._criteria import (
    LEAVES,
    And,
    Criterion,
    HasLevel,
    InNetwork,
    Leaf,
    Which,
    criterion_leaves,
    listed_authorities,
)
from outreach.campaigns.segments._mailing_criteria import ReachKind, ReactionKind
from outreach.campaigns.segments._stored_lists import MOST_TYPED
from outreach.core.db import Session
from outreach.core.text.errors import InputError
from outreach.core.text.typed import whole_number
from outreach.delivery.models import Reason
from outreach.directory.models import Authority, Level
from outreach.directory.reference import NetworkCode, fold


@dataclass(frozen=True, slots=True)
class Choices:
    """Networks, levels and other conditions. None of a kind means all of it."""

    networks: frozenset[NetworkCode] = frozenset()
    levels: frozenset[Level] = frozenset()
    conditions: tuple[Criterion, ...] = ()

    def criterion(self) -> Criterion:
        """The criterion they mean."""
        networks = tuple(code for code in NetworkCode if code in self.networks)
        levels = tuple(level for level in Level if level in self.levels)
        first = [InNetwork(networks)] if 0 < len(networks) < len(NetworkCode) else []
        second = [HasLevel(levels)] if 0 < len(levels) < len(Level) else []
        return And((*first, *second, *self.conditions))

    @classmethod
    def of(cls, criterion: Criterion) -> "Choices":
        """The choices that mean a criterion: its first networks and levels, and the rest as conditions."""
        parts = criterion.all if isinstance(criterion, And) else (criterion,)
        networks = next((part for part in parts if isinstance(part, InNetwork)), None)
        levels = next((part for part in parts if isinstance(part, HasLevel)), None)
        return cls(
            frozenset(networks.root if networks else ()),
            frozenset(levels.root if levels else ()),
            tuple(part for part in parts if part is not networks and part is not levels),
        )


MOST_FOUND = 24
BETWEEN = re.compile(r"[\s,;]+")
Options = Sequence[tuple[str, str]]
Values = Mapping[str, Sequence[str]]
TITLES = {
    "network": ("Réseau", "officiel libre enseignement"),
    "level": ("Niveau des écoles", "enseignement"),
    "school_status": ("Statut des écoles", "adhésion adhéré volet"),
    "roll_up": ("Adhésion du pouvoir organisateur", "adhéré toutes une partie aucune volet"),
    "never_answered": ("N’a jamais répondu", "sans réponse volet relancer rappeler"),
    "letters": (
        "Réponses et vagues",
        "réaction pas réagi répondu ouvert cliqué adhéré reçu atteint preuve papier courriel campagne envoi relancer",
    ),
    "not_written_since": ("Aucun courriel récent", "envoyé depuis jours sollicité"),
    "unreachable": ("Sans adresse valable", "injoignable échec appels contact"),
    "confirmed_within": ("Adresse confirmée depuis", "boîte bonne adresse confirmation ancienne jours"),
    "federation": ("Fédération", "représenté organe représentation"),
    "zone": ("Zone des écoles", "bassin"),
    "province": ("Province des écoles", "lieu"),
    "municipality": ("Commune des écoles", "ville lieu"),
    "size": ("Nombre d’écoles", "taille grand petit"),
    "authorities": ("Numéros FASE ou liste", "nommés un à un fichier liste"),
}
LABELS = {
    "strand": "Volet",
    "which": "Combien d’écoles",
    "days": "Depuis plus de (jours)",
    "confirmed_within.days": "Depuis moins de (jours)",
    "at_least": "Au moins (écoles)",
    "at_most": "Au plus (écoles)",
    "mailings": "Vagues",
    "with_later": "Avec les vagues suivantes de la même campagne",
    "answers": "Réponses données (pour « a répondu » ; sans choix, toutes)",
    "letters.strand": "Ou tous les courriels qui invitaient à un volet",
    "fase": "Numéros FASE, séparés par des espaces ou des virgules",
    "list": "Liste enregistrée",
}
LETTERS = "letters"
WHAT = {  # the choice, the criterion that it stands for, and the part of it that it sets
    "received": ("Un courriel lui est parti", "received", {}),
    **{f"reached.{kind}": (kind.label, "reached", {"reach": kind.value}) for kind in ReachKind},
    **{f"reacted.{kind}": (kind.label, "reacted", {"reaction": kind.value}) for kind in ReactionKind},
}
OF_LETTERS = tuple(dict.fromkeys(word for _, word, _ in WHAT.values()))
RULES = {
    "letters": "choisissez des vagues, ou un volet pour tous ses courriels, pas les deux ; les réponses vont avec « a "
    "répondu ».",
    "authorities": f"indiquez {MOST_TYPED} numéros FASE au plus, ou une liste enregistrée, pas les deux. Pour "
    "davantage de numéros, créez une liste : Campagnes, « Segments et listes », onglet « Listes ».",
    "size": "indiquez le plus petit nombre d’écoles dans « Au moins », le plus grand dans « Au plus ».",
}  # how to mend a condition whose value is of the right kind and not permitted
WHICH: Mapping[StrEnum, str] = {Which.ANY: "Au moins une école", Which.ALL: "Toutes ses écoles"}
ONLY_KNOWN = {"mailings"}  # parts of which a database has to know some


class Shape(StrEnum):
    """A control: several boxes, one choice of some, a number, words, or yes."""

    MANY = "many"
    ONE = "one"
    NUMBER = "number"
    WORDS = "words"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a criterion as a control; `options` are pairs of value and label. An optional one may be left out."""

    name: str
    label: str
    shape: Shape
    options: tuple[tuple[str, str], ...] = ()
    is_optional: bool = False


WHAT_PART = Part("what", "Ce qui compte", Shape.ONE, tuple((key, label) for key, (label, _, _) in WHAT.items()))


@dataclass(frozen=True, slots=True)
class Offer:
    """A criterion to choose: its word, its title in French, other words to find it by, its parts.

    `is_possible` is false while the database knows nothing that it could be about, as before any sending.
    """

    word: str
    title: str
    keywords: str
    parts: tuple[Part, ...]
    is_possible: bool = True


@dataclass(frozen=True, slots=True)
class CriterionSuggestion:
    """A result of a search: a criterion, with one of its options chosen or none; `label` is French."""

    word: str
    label: str
    part: str = ""
    value: str = ""


def list_offers(known: Mapping[str, Options]) -> dict[str, Offer]:
    """All criteria by word, in the order in which they are offered.

    `known` has options that only a database knows, by part, or by word and part ("zone.root").
    """
    words = {LETTERS if word in OF_LETTERS else word: None for word in LEAVES}
    made_offers = {}
    for word in sorted(words, key=lambda word: list(TITLES).index(word) if word in TITLES else len(TITLES)):
        parts = tuple(_part(word, name, annotation, known) for name, annotation in _fields(word).items())
        parts = (WHAT_PART, *parts) if word == LETTERS else parts
        is_possible = all(part.options for part in parts if part.name in ONLY_KNOWN)
        title, keywords = TITLES.get(word, (word, ""))
        made_offers[word] = Offer(word, title, keywords, parts, is_possible)
    return made_offers


def title_of(word: str) -> str:
    """The title in French of the criterion with this word."""
    return TITLES.get(word, (word, ""))[0]


def find_offers(offered: Mapping[str, Offer], text: str) -> list[CriterionSuggestion]:
    """The criteria and options that have all the words of a text, criteria first; without words, all criteria."""
    words = fold(text).split()
    possible = [offer for offer in offered.values() if offer.is_possible]
    whole = [
        CriterionSuggestion(offer.word, offer.title)
        for offer in possible
        if all(word in fold(f"{offer.title} {offer.keywords}") for word in words)
    ]
    options = [
        CriterionSuggestion(offer.word, f"{offer.title} : {label}", part.name, value)
        for offer in (possible if words else ())
        for part in offer.parts
        for value, label in part.options
        if part.name != "strand" and all(word in fold(f"{offer.title} {label}") for word in words)
    ]
    return [*whole, *options][:MOST_FOUND]


def offered_as(word: str, values: Values) -> tuple[str, Values]:
    """The word of the offer of a criterion, and these values by its parts: a form may state either."""
    if word not in OF_LETTERS:
        return word, values
    sets = {name for _, criterion, parts in WHAT.values() if criterion == word for name in parts}
    stated = {name: values[name][0] for name in sets if values.get(name)}
    what = next((key for key, (_, of, parts) in WHAT.items() if of == word and parts.items() <= stated.items()), "")
    return LETTERS, {"what": [what], **{name: list(given) for name, given in values.items() if name not in sets}}


def names_of(word: str) -> list[str]:
    """The names of the parts of an offer or of a criterion; none for a word that is neither."""
    if word == LETTERS:
        return ["what", *_fields(LETTERS)]
    return list(LEAVES[word].model_fields) if word in LEAVES else []


def values_of(leaf: Leaf) -> tuple[str, Values]:
    """The word of the offer that a criterion comes from, and the values that its controls show, by part."""
    plain: Any = leaf.model_dump(mode="json", exclude_none=True)
    stated = plain if isinstance(plain, dict) else {"root": plain}
    return offered_as(leaf.word, {name: _shown(value) for name, value in stated.items()})


def make_leaf(word: str, values: Values) -> Leaf:
    """The criterion that was chosen. Raises InputError, in words for whoever chooses."""
    if word != LETTERS:
        return _made(word, word, values)
    what = next(iter(values.get("what", ())), "")
    if what not in WHAT:
        raise _incomplete(title_of(LETTERS))
    _, criterion, sets = WHAT[what]
    if any(values.get("answers", ())) and "answers" not in LEAVES[criterion].model_fields:
        raise InputError(f"Condition « {title_of(LETTERS)} » : {RULES[LETTERS]}")
    return _made(LETTERS, criterion, {**values, **{name: [value] for name, value in sets.items()}})


def _made(offer: str, word: str, values: Values) -> Leaf:
    title = title_of(offer)
    plain: dict[str, Any] = {}
    for name, field in LEAVES[word].model_fields.items():
        given = [value.strip() for value in values.get(name, ()) if value.strip()]
        kind, is_several = _kind(field.annotation)
        if given:
            read = [_read(title, kind, value) for value in (_apart(given) if kind is int and is_several else given)]
            plain[name] = list(dict.fromkeys(read)) if is_several else read[0]
    if "root" in LEAVES[word].model_fields and not plain:
        raise _incomplete(title)
    try:
        return LEAVES[word].model_validate(plain.get("root", plain))
    except ValidationError as error:
        kinds = {fault["type"] for fault in error.errors()}
        if plain and offer in RULES and not kinds & {"missing", "too_short"}:
            raise InputError(f"Condition « {title} » : {RULES[offer]}") from None
        if kinds <= {"missing", "too_short", "value_error"}:
            raise _incomplete(title) from None
        raise InputError(f"Revoyez la condition « {title} » : un de ses choix n’est pas permis.") from None


def _fields(word: str) -> dict[str, object]:
    """The types of the parts of a criterion, or of those of LETTERS that no choice of `what` sets."""
    of = OF_LETTERS if word == LETTERS else (word,)
    every = {name: field.annotation for one in of for name, field in LEAVES[one].model_fields.items()}
    return {name: kind for name, kind in every.items() if word != LETTERS or name not in {"reach", "reaction"}}


def _incomplete(title: str) -> InputError:
    return InputError(f"Complétez la condition « {title} », ou retirez-la.")


def _part(word: str, name: str, annotation: object, known: Mapping[str, Options]) -> Part:
    kind, is_several = _kind(annotation)
    options = tuple(known.get(f"{word}.{name}", known.get(name, _members(kind))))
    label = LABELS.get(f"{word}.{name}", LABELS.get(name, "Un de ces choix" if is_several else name))
    if kind is bool:
        return Part(name, label, Shape.YES)
    if options:
        is_optional = NoneType in get_args(annotation)
        return Part(name, label, Shape.MANY if is_several else Shape.ONE, options, is_optional)
    return Part(name, label, Shape.NUMBER if kind is int and not is_several else Shape.WORDS)


def _kind(annotation: object) -> tuple[object, bool]:
    """The type of a part's values, and whether it takes several."""
    bare = _bare(annotation)
    return (_bare(get_args(bare)[0]), True) if get_origin(bare) is tuple else (bare, False)


def _bare(annotation: object) -> object:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return _bare(next(kind for kind in get_args(annotation) if kind is not NoneType))
    return annotation


def _members(kind: object) -> Options:
    if not (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return ()
    labels = [(member.value, str(WHICH.get(member, getattr(member, "label", member.value)))) for member in kind]
    return [(value, label[:1].upper() + label[1:]) for value, label in labels]


def _apart(given: Sequence[str]) -> list[str]:
    return [word for value in given for word in BETWEEN.split(value) if word]


def _read(title: str, kind: object, value: str) -> object:
    if kind is bool:
        return True
    if kind is not int:
        return value
    number = whole_number(value, digits=9)
    if number is None:
        raise InputError(f"Condition « {title} » : « {value[:20]} » n’est pas un nombre.")
    return number


def _shown(value: object) -> list[str]:
    if isinstance(value, bool):
        return ["1"] if value else []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an authority is written to or not: each criterion with whether it holds, whether the whole does, and its
    mailboxes with the reason of each."""

    criteria: Sequence[tuple[Leaf, bool]]
    is_meant: bool
    mailboxes: Sequence[tuple[str, Reason | None]]

    @property
    def is_written(self) -> bool:
        """Whether a letter would leave."""
        return self.is_meant and any(reason is None for _, reason in self.mailboxes)


def explain_authority(
    session: Session, audience: Audience, context: CriteriaContext, authority: Authority
) -> Explanation:
    """Why a letter would leave for an authority, or not."""
    asked, context = criterion_leaves(audience.criterion), replace(context, between=(authority.id, authority.id))
    answers: tuple[int, ...] = ()
    if asked:
        answers = tuple(session.execute(select(*(_truth(leaf, context) for leaf in asked)).where(_is(authority))).one())
    is_meant = session.scalar(listed_authorities(context, audience.criterion)) is not None
    mailbox_rows = audience_rows(audience, context, among=select(Authority.id).where(_is(authority)))
    mailboxes = [
        (address or "", reason_of(rank))
        for address, rank in session.execute(
            select(mailbox_rows.c.address, mailbox_rows.c.rank).order_by(mailbox_rows.c.contact_id)
        )
    ]
    return Explanation([(leaf, bool(held)) for leaf, held in zip(asked, answers, strict=True)], is_meant, mailboxes)


def _truth(leaf: Leaf, context: CriteriaContext) -> ColumnElement[int]:
    return case((leaf.where(context), 1), else_=0)


def _is(authority: Authority) -> ColumnElement[bool]:
    return Authority.id == authority.id
