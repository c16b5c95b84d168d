"""The conditions of an audience as lines of a form: read, changed in place, added, taken away.

A line is a field `line` ("3:zone"), whose parts are fields named after its number ("3.root", "3.not"). One that has no
controls, as an `or` of several, keeps its JSON in "3.json".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from werkzeug.datastructures import MultiDict

from outreach.campaigns import planning, segments
from outreach.campaigns.segments import (
    LEAVES,
    AmongAuthorities,
    Choices,
    CriteriaContext,
    Criterion,
    Not,
    Offer,
    Options,
    Values,
    from_json,
    refuse_more,
    to_json,
)
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.core.text.typed import whole_number
from outreach.directory import authorities
from outreach.directory.reference import PROVINCES


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """A condition as a line: the word of its criterion, what its controls show, whether it is to leave out.

    `criterion` is None as long as the line is not complete, and `fault` then says so in French. `stated` is the JSON of
    a condition without controls, whose word is ''. `is_new`: it was added last, and nothing else was pressed since.
    """

    number: int
    word: str
    values: Values = field(default_factory=dict)
    is_denied: bool = False
    criterion: Criterion | None = None
    fault: str = ""
    stated: str = ""
    is_new: bool = False


def lines_of(choices: Choices) -> list[ConditionLine]:
    """The conditions of an audience as lines."""
    return [_line_of(number, condition) for number, condition in enumerate(choices.conditions, 1)]


def read(given: MultiDict[str, str], offered: Mapping[str, Offer]) -> list[ConditionLine]:
    """The lines of a form, without the one that it takes away, and with the one that it adds.

    Raises InputError on a line that no form of ours has, TooMany for more lines than an audience may have conditions:
    a page shows each with all its options, complete or not.
    """
    removed, every = given.get("remove", ""), given.getlist("line")
    refuse_more(len(every) - (removed != ""))
    lines: list[ConditionLine] = []
    for stated in every:
        number, _, word = stated.partition(":")
        if number != removed:
            line = _read(given, number, word, len(lines) + 1)
            lines.append(replace(line, is_new=given.get("new") == number))
    word, _, preset = given.get("add", "").partition("|")
    if word in offered:
        part, _, value = preset.partition("|")
        lines.append(_added(offered[word], len(lines) + 1, part, value))
    return lines


def fields_of(lines: Sequence[ConditionLine]) -> list[tuple[str, str]]:
    """The fields by which a form states these lines, which `read` reads."""
    fields = []
    for line in lines:
        fields.append(("line", f"{line.number}:{line.word}"))
        fields += [(f"{line.number}.{name}", value) for name, values in line.values.items() for value in values]
        fields += [(f"{line.number}.json", line.stated)] if line.stated else []
        fields += [(f"{line.number}.not", "1")] if line.is_denied else []
        fields += [("new", str(line.number))] if line.is_new else []
    return fields


def known(session: Session, context: CriteriaContext) -> dict[str, Options]:
    """The options of controls that only the database knows."""
    zones, municipalities = authorities.list_zones(session), authorities.list_municipalities(session)
    return {
        "zone.root": [(zone, zone) for zone in zones],
        "province.root": [(province, province) for province in PROVINCES],
        "municipality.root": [(name, name) for name in municipalities],
        "strand": [(str(number), f"Volet {number}") for number in context.strands],
        "mailings": [
            (str(wave.mailing_id), f"{wave.campaign.title}, {wave.name}") for wave in planning.waves_that_left(session)
        ],
        "list": [
            (str(made.id), f"{made.name} ({count} PO)")
            for made, count in segments.all_lists(session, most=planning.MOST_OFFERED)
        ],
    }


def fault_of(lines: Sequence[ConditionLine]) -> str:
    """Why these lines would not be saved, in French, or ''. A line that was just added is not held against anybody."""
    return next((line.fault for line in lines if line.fault and not line.is_new), "")


def without_strangers(session: Session, lines: Sequence[ConditionLine]) -> list[ConditionLine]:
    """The same lines; one with FASE numbers of no authority has a fault that names them. At most one statement."""
    stated = {line.number: _numbers_of(line) for line in lines}
    every = {number for numbers in stated.values() for number in numbers}
    if not every:
        return list(lines)
    known_numbers = segments.known_fases(session, every)
    return [_judged(line, [one for one in stated[line.number] if one not in known_numbers]) for line in lines]


def changed(lines: Sequence[ConditionLine], change: Callable[[Criterion], Criterion]) -> list[ConditionLine]:
    """The same lines, of which those that are complete say what a change makes of them."""
    return [line if line.criterion is None else _line_of(line.number, change(line.criterion)) for line in lines]


def _numbers_of(line: ConditionLine) -> tuple[int, ...]:
    inner = line.criterion.negated if isinstance(line.criterion, Not) else line.criterion
    return inner.fase or () if isinstance(inner, AmongAuthorities) else ()


def _judged(line: ConditionLine, unknown: Sequence[int]) -> ConditionLine:
    if not unknown:
        return line
    counted = french.plural(len(unknown), "numéro n’est d’aucun PO connu", "numéros ne sont d’aucun PO connu")
    return replace(line, fault=f"{counted} : {', '.join(map(str, unknown))}. Corrigez, ou retirez ces numéros.")


def _line_of(number: int, condition: Criterion) -> ConditionLine:
    inner = condition.negated if isinstance(condition, Not) else condition
    if inner.word not in LEAVES:
        return ConditionLine(number, "", criterion=condition, stated=to_json(condition))
    word, values = segments.values_of(inner)  # type: ignore[arg-type]
    return ConditionLine(number, word, values, inner is not condition, condition)


def _read(given: MultiDict[str, str], number: str, word: str, place: int) -> ConditionLine:
    if not word:
        stated = from_json(given.get(f"{number}.json", ""))
        return ConditionLine(place, "", criterion=stated, stated=to_json(stated))
    names = segments.names_of(word)
    if not names or whole_number(number, digits=4) is None:
        raise InputError("Un de ces choix n’existe pas.")
    word, values = segments.offered_as(word, {name: given.getlist(f"{number}.{name}") for name in names})
    is_denied = f"{number}.not" in given
    try:
        criterion: Criterion = segments.make_leaf(word, values)
    except InputError as error:
        return ConditionLine(place, word, values, is_denied, fault=str(error))
    return ConditionLine(place, word, values, is_denied, Not(criterion) if is_denied else criterion)


def _added(offer: Offer, place: int, part: str, value: str) -> ConditionLine:
    """A new line, with the first option of each choice of one, and the option by which it was found."""
    ones = (part for part in offer.parts if part.shape is segments.Shape.ONE and not part.is_optional)
    values = {part.name: [part.options[0][0]] for part in ones}
    if part:
        values[part] = [value]
    try:
        return ConditionLine(place, offer.word, values, criterion=segments.make_leaf(offer.word, values), is_new=True)
    except InputError as error:
        return ConditionLine(place, offer.word, values, fault=str(error), is_new=True)
