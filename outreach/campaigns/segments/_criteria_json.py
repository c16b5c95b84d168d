"""Criteria as JSON, in files and in URLs: each object has one key, the criterion's name.

`{"and": [{"network": ["WBE"]}, {"not": {"school_status": {"strand": 1, "statuses": ["joined"], "which": "all"}}}]}`
"""

import json
import re
from typing import Any, NoReturn

from pydantic import ValidationError

from outreach.campaigns.segments._context import Fields
from outreach.campaigns.segments._criteria import LEAVES, And, Criterion, Not, Or, count_leaves
from outreach.core.text.errors import InputError

DEEPEST, LONGEST, MOST = 8, 16 * 1024, 200
MOST_LEAVES = 40  # each may read the whole register: 190 held the only writer of SQLite for 18 s
STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
PARAMETER = "criteria"  # their name in a query string


class TooMany(InputError):
    """A criterion is too large to be asked of the database."""


def from_json(text: str) -> Criterion:
    """A criterion from its JSON, as somebody states it. Raises InputError, naming what is wrong."""
    if len(text) > LONGEST:
        raise InputError("Ces critères sont trop longs.")
    return within_limits(from_store(text))


def within_limits(criterion: Criterion) -> Criterion:
    """The criterion itself. Raises TooMany when it is larger than anybody may store or ask.

    Wherever a criterion comes in, it passes here: in JSON, in a file, as ticked boxes.
    """
    refuse_more(count_leaves(criterion))
    if len(to_json(criterion)) > LONGEST:
        raise TooMany("Ce public est trop long à écrire : retirez des choix, par exemple des zones.")
    return criterion


def refuse_more(count: int) -> None:
    """Raise TooMany when there are more conditions than anybody may store or ask, complete or not."""
    if count > MOST_LEAVES:
        raise TooMany(
            f"Ce public compte {count} conditions ; {MOST_LEAVES} au plus sont permises. "
            "Retirez-en, ou répartissez ce public entre plusieurs campagnes."
        )


def from_store(text: str) -> Criterion:
    """A criterion from the JSON that a campaign keeps, which may be older than the limits."""
    _refuse_depth(text)
    try:
        stated = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_no_number)
    except (json.JSONDecodeError, RecursionError, ValueError):
        raise InputError("Ces critères ne sont pas du JSON lisible.") from None
    return _from_plain(stated)


def to_json(criterion: Criterion) -> str:
    """The JSON of a criterion; equal criteria have equal JSON."""
    return json.dumps(to_plain(criterion), ensure_ascii=False, separators=(",", ":"))


def from_plain(stated: object) -> Criterion:
    """A criterion from dictionaries and lists, as a file states it. Raises InputError."""
    return within_limits(_from_plain(stated))


def _from_plain(stated: object, depth: int = 1) -> Criterion:
    if depth > DEEPEST:
        raise InputError(f"Ces critères sont imbriqués à plus de {DEEPEST} niveaux.")
    if not isinstance(stated, dict) or len(stated) != 1:
        raise InputError('Un critère s’écrit avec un seul nom, par exemple {"network": ["WBE"]}.')
    ((word, given),) = stated.items()
    match word:
        case "and" | "or":
            inside = tuple(_from_plain(part, depth + 1) for part in _several(word, given))
            return And(inside) if word == "and" else Or(inside)
        case "not":
            return Not(_from_plain(given, depth + 1))
        case str() if word in LEAVES:
            try:
                return LEAVES[word].model_validate(given)
            except ValidationError as error:
                raise InputError(_fault(word, error)) from None
    known = ", ".join([*LEAVES, "and", "or", "not"])
    raise InputError(f"Le critère « {str(word)[:40]} » n’existe pas. Il y a : {known}.")


def to_plain(criterion: Criterion) -> dict[str, Any]:
    """A criterion as dictionaries and lists."""
    match criterion:
        case And():
            return {"and": [to_plain(part) for part in criterion.all]}
        case Or():
            return {"or": [to_plain(part) for part in criterion.any]}
        case Not():
            return {"not": to_plain(criterion.negated)}
        case _:
            return {criterion.word: criterion.model_dump(mode="json", exclude_none=True)}


def _refuse_depth(text: str) -> None:
    depth = deepest = 0
    for character in STRINGS.sub("", text):
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if deepest > 2 * DEEPEST + 2:
        raise InputError(f"Ces critères sont imbriqués à plus de {DEEPEST} niveaux.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"Le nom « {twice[:40]} » est écrit deux fois dans les critères.")
    return dict(pairs)


def _no_number(text: str) -> NoReturn:
    raise InputError(f"« {text[:40]} » n’est pas un nombre permis dans les critères.")


def _several(word: str, given: object) -> list[object]:
    if not isinstance(given, list) or len(given) > MOST or (word == "or" and not given):
        raise InputError(f"Le critère « {word} » prend une liste de critères.")
    return given


def _fault(word: str, error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join([word, *map(str, first["loc"])])
    if first["type"] == "extra_forbidden":
        known = ", ".join(LEAVES[word].model_fields) if issubclass(LEAVES[word], Fields) else ""
        return f"Critère « {place} » : ce nom n’existe pas{f' (il y a : {known})' if known else ''}."
    if first["type"] == "missing":
        return f"Critère « {place} » : il manque."
    return f"Critère « {place} » : cette valeur n’est pas permise."
