"""The language of letters: text with fields and conditions, parsed into text with marks; no template is run.

A slot is a place for a value, a run is text with marks, a choice has branches of which one is used. Marks are numbered
in the order in which they are created. A letter is stored with its tables of slots and conditions.

The syntax is Jinja's with delimiters of its own; no template is ever run. A source is parsed, its tree is checked
against a short list of allowed nodes, and every field and condition becomes a character of the private use area. Such
characters are refused in the source. The later steps (Markdown, layout, encoding) can thus treat the letter as plain
text.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from outreach.core.text.errors import InputError
from outreach.core.text.links import MARKS
from outreach.core.text.typed import is_forbidden

FIRST_SLOT, FIRST_IF, FIRST_ELIF, ELSE, END = 0xE000, 0xF000, 0xF400, "\uf800", "\uf801"
MARKS_OF_CHOICE = re.compile("[\uf000-\uf8ff]")
MOST_SLOTS, MOST_CONDITIONS = FIRST_IF - FIRST_SLOT, FIRST_ELIF - FIRST_IF

Condition = tuple[Any, ...]
"""("field", name), ("not", condition), ("and" | "or", condition, condition)."""


class FieldKind(StrEnum):
    """The content of a field: words, a number, a day, yes or no, a whole link, or a whole block."""

    WORDS = auto()
    NUMBER = auto()
    DAY = auto()
    FLAG = auto()
    LINK = auto()
    BLOCK = auto()


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value: the field, and the filters it passes, each with its argument or ''."""

    field: str
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """The slot as it is written, without brackets."""
        return "|".join([self.field, *(f'{name}("{given}")' if given else name for name, given in self.filters)])


@dataclass(frozen=True, slots=True)
class Run:
    """A run of text with marks, and the line of the source it begins on."""

    text: str
    line: int

    def line_of(self, words: str) -> int:
        """The line of the source these words stand on."""
        return self.line + self.text.count("\n", 0, max(self.text.find(words), 0))


@dataclass(frozen=True, slots=True)
class Choice:
    """Branches (condition, pieces), in order: the first whose condition holds is used; () always holds."""

    branches: tuple[tuple[Condition, tuple["Piece", ...]], ...]


Piece = Run | Choice
"""A run of text, or a choice between whole runs; each run is rendered by itself."""


@dataclass
class Marks:
    """The characters that stand for slots and conditions; equal ones share a character."""

    slots: list[Slot] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)

    def slot(self, slot: Slot) -> str:
        """The mark of a slot."""
        return chr(FIRST_SLOT + _place(self.slots, slot, MOST_SLOTS))

    def condition(self, condition: Condition, *, first: bool) -> str:
        """The mark that opens a choice, or its next branch; the branch without condition is ELSE."""
        if not condition:
            return ELSE
        return chr((FIRST_IF if first else FIRST_ELIF) + _place(self.conditions, condition, MOST_CONDITIONS))


def _place(known: list[Any], wanted: object, most: int) -> int:
    if wanted not in known:
        if len(known) == most:
            raise InputError("Le courriel a trop de champs ou de conditions différents.")
        known.append(wanted)
    return known.index(wanted)


def holds(condition: Condition, flags: Mapping[str, bool]) -> bool:
    """Whether a condition holds, given the truth of the fields it names; an empty one always does."""
    match condition:
        case ():
            return True
        case ("field", name):
            return flags[name]
        case ("not", inner):
            return not holds(inner, flags)
        case ("and", left, right):
            return holds(left, flags) and holds(right, flags)
        case ("or", left, right):
            return holds(left, flags) or holds(right, flags)
    raise ValueError(f"not a condition: {condition!r}")


def fields_of(condition: Condition) -> Iterator[str]:
    """The fields a condition names."""
    match condition:
        case ("field", name):
            yield name
        case (_, *inner):
            for part in inner:
                yield from fields_of(part)


LONGEST_SOURCE = 64 * 1024
# From each bracket that may begin a link, the reader of Markdown goes through the paragraph in search of its end.
MOST_STEPS = 2_000_000
DEEPEST_BRACKETS, DEEPEST_CONDITIONS, MOST_TAGS = 24, 5, 1000
LONGEST_TAG = 400
LONGEST_DEFAULT = 200
FILTERS = ("défaut", "majuscule", "minuscule", "nombre", "date", "court")
BLANK_LINE = re.compile(r"\n[ \t]*\n")
ENDED = re.compile(r"[ \t]*(?:\n|\Z)")
REST_OF_LINE = re.compile(r"[ \t]*\n")
UNKNOWN_TAG = re.compile(r"unknown tag '(\w+)'")  # as Jinja says it
UNKNOWN_FILTER = re.compile(r"[Nn]o filter named '(\w+)'")  # idem
BRACKET = re.compile(r"[\[({\])}]")
TAG = re.compile(r"\(%[-+]?\s*(if|endif)\b")
VERBATIM = re.compile(r"\(%[-+]?\s*raw\b|\(#")  # would print verbatim, or vanish as a comment
ENDLESS = re.compile(rf"\(\((?:(?!\)\)).){{{LONGEST_TAG}}}|\(%(?:(?!%\)).){{{LONGEST_TAG}}}", re.DOTALL)

_syntax = Environment(  # noqa: S701 - it parses; nothing is ever rendered with it
    variable_start_string="((",
    variable_end_string="))",
    block_start_string="(%",
    block_end_string="%)",
    comment_start_string="(#",
    comment_end_string="#)",
    keep_trailing_newline=True,
)


def parse(source: str, fields: Mapping[str, FieldKind], marks: Marks) -> tuple[Piece, ...]:
    """A source as runs of marked text and choices between runs.

    A tag alone on its line encloses whole runs. A tag inside a line closes in the same paragraph and stays in its run,
    as marks. Only text, known fields, known filters and conditions on fields are allowed; raises InputError, with the
    line, on anything else.
    """
    text = _clean(source)
    _refuse_before_parsing(text)
    try:
        return _LanguageReader(fields, marks).pieces(_syntax.parse(text).body)
    except TemplateSyntaxError as error:
        raise InputError(_unreadable(error, text)) from None
    except (RecursionError, ValueError):  # an expression too deep, a number with too many digits
        raise InputError("Le courriel contient un champ ou une condition trop compliqués pour être lus.") from None


def parse_line(source: str, fields: Mapping[str, FieldKind], marks: Marks) -> str:
    """A subject: one run of marked text. Raises InputError as `parse` does, and on a block or link field."""
    pieces = parse(" ".join(source.split()), fields, marks)
    whole = "".join(piece.text for piece in pieces if isinstance(piece, Run))
    blocks = [marks.slots[ord(mark) - FIRST_SLOT] for mark in MARKS.findall(whole) if ord(mark) < FIRST_IF]
    for slot in blocks:
        if fields[slot.field] in {FieldKind.BLOCK, FieldKind.LINK}:
            raise InputError(f"L’objet ne peut pas contenir (({slot.field})).")
    return whole


def line_of(text: str, place: int) -> int:
    """The number of the line a place stands in, from 1."""
    return text.count("\n", 0, place) + 1


def refuse_excess(source: str) -> None:
    """Raises InputError on a source that would take long to read: too large, or with too many brackets together."""
    if len(source.encode("utf-8", "replace")) > LONGEST_SOURCE:
        raise InputError("Le courriel dépasse 64 ko : raccourcissez-le.")
    paragraphs = BLANK_LINE.split(source.replace("\r\n", "\n").replace("\r", "\n"))
    if sum(len(paragraph) * paragraph.count("[") for paragraph in paragraphs) > MOST_STEPS:
        raise InputError("Trop de crochets « [ » se suivent : retirez-en, ou séparez-les par des lignes vides.")


def _clean(source: str) -> str:
    refuse_excess(source)
    text = unicodedata.normalize("NFC", source).replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.isprintable() and any(is_forbidden(character) for character in line):
            raise InputError(f"Ligne {number} : un caractère de commande ou invisible n’est pas permis.")
    return text


def _refuse_before_parsing(text: str) -> None:
    """Deep nesting is refused before parsing, as the parser would recurse to any depth."""
    _refuse_nested(text, TAG, lambda tag: tag[1] == "if", DEEPEST_CONDITIONS, "conditions imbriquées")
    _refuse_nested(text, BRACKET, lambda bracket: bracket[0] in "([{", DEEPEST_BRACKETS, "parenthèses imbriquées")
    verbatim = VERBATIM.search(text)
    if verbatim:
        said = "« (# » et (% raw %) n’existent pas ici ; écrivez « (n° »." if "#" in verbatim[0] else _ONLY
        raise InputError(f"Ligne {line_of(text, verbatim.start())} : {said}")
    endless = ENDLESS.search(text)
    if endless:
        raise InputError(f"Ligne {line_of(text, endless.start())} : {_NOT_CLOSED}")
    target = text.find("](((")
    if target >= 0:
        said = "un champ ne peut pas être l’adresse d’un lien : les champs de lien s’écrivent seuls."
        raise InputError(f"Ligne {line_of(text, target)} : {said}")
    if len(TAG.findall(text)) + text.count("((") > MOST_TAGS:
        raise InputError("Le courriel a trop de champs ou de conditions.")


def _refuse_nested(
    text: str, marks: re.Pattern[str], opens: Callable[[re.Match[str]], bool], deepest: int, what: str
) -> None:
    depth = 0
    for match in marks.finditer(text):
        depth = depth + 1 if opens(match) else max(depth - 1, 0)
        if depth > deepest:
            raise InputError(f"Ligne {line_of(text, match.start())} : trop de {what}.")


_NOT_CLOSED = "un champ ou une condition n’est pas refermé."
_ONLY = "seuls existent ((champ)) et (% if champ %)."


def _unreadable(error: TemplateSyntaxError, text: str) -> str:
    said, at = error.message or "", f"Ligne {error.lineno} : "
    unknown = UNKNOWN_TAG.search(said)
    if unknown and unknown[1] in {"elif", "else", "endif"}:
        return f"{at}(% {unknown[1]} %) ne suit aucun (% if champ %)."
    if unknown:
        near = difflib.get_close_matches(unknown[1], ("if", "elif", "else", "endif"), n=1)
        hint = f" Vouliez-vous écrire (% {near[0]} %) ?" if near else " Seules existent (% if %) et (% endif %)."
        return f"{at}la balise (% {unknown[1][:40]} %) n’existe pas.{hint}"
    if "unexpected end of template" in said.lower() or said.startswith("Missing end"):
        opened = max(text.rfind("(("), text.rfind("(%"))
        return f"Ligne {line_of(text, max(opened, 0))} : {_NOT_CLOSED}"
    filtered = UNKNOWN_FILTER.search(said)
    if filtered:
        return at + _no_filter(filtered[1])
    return f"{at}ce champ ou cette condition ne peut pas être lu : écrivez ((champ)), ou (% if champ %) … (% endif %)."


def _no_filter(name: str) -> str:
    near = difflib.get_close_matches(name, FILTERS, n=1)
    known = f"Vouliez-vous écrire {near[0]} ?" if near else f"Les filtres sont : {', '.join(FILTERS)}."
    return f"le filtre « {name[:40]} » n’existe pas. {known}"


REFUSED = {
    nodes.Call: "pas d’appel entre parenthèses",
    nodes.Getattr: "pas de point ni d’attribut",
    nodes.Getitem: "pas d’élément entre crochets",
    nodes.BinExpr: "pas de calcul",
    nodes.UnaryExpr: "pas de calcul",
    nodes.Concat: "pas de calcul",
    nodes.Compare: "pas de comparaison",
    nodes.Test: "pas de test",
    nodes.CondExpr: "pas de condition dans un champ",
    nodes.Literal: "pas de valeur écrite en dur",
    nodes.For: "pas de boucle",
    nodes.Macro: "pas de macro",
    nodes.CallBlock: "pas d’appel",
    nodes.FilterBlock: "pas de filtre de bloc",
    nodes.Include: "pas d’inclusion",
    nodes.Import: "pas d’importation",
    nodes.FromImport: "pas d’importation",
    nodes.Extends: "pas d’héritage",
    nodes.Block: "pas de bloc",
    nodes.Assign: "pas d’affectation",
    nodes.AssignBlock: "pas d’affectation",
    nodes.With: "pas d’affectation",
}


class _LanguageReader:
    """Walks a parsed letter and refuses every node that is not on the short list."""

    def __init__(self, fields: Mapping[str, FieldKind], marks: Marks) -> None:
        self.fields, self.marks = fields, marks

    def pieces(self, body: Sequence[nodes.Node]) -> tuple[Piece, ...]:
        pieces: list[Piece] = []
        for node in _flat(body):
            last = pieces[-1] if pieces else None
            if isinstance(node, nodes.If) and self._stands_alone(last, node):
                pieces.append(self._choice(node))
                continue
            text = self._inline(node)
            if isinstance(last, Choice) and not ENDED.match(text):
                raise InputError(f"Ligne {node.lineno} : (% endif %) est seul sur sa ligne, comme (% if %).")
            if isinstance(last, Run):
                pieces[-1] = Run(last.text + text, last.line)
            else:
                pieces.append(Run(text, node.lineno))
        return tuple(piece for piece in pieces if isinstance(piece, Choice) or piece.text.strip())

    def _stands_alone(self, before: Piece | None, node: nodes.If) -> bool:
        is_first = not isinstance(before, Run) or not before.text.rpartition("\n")[2].strip()
        return is_first and REST_OF_LINE.match(_first_text(node.body)) is not None

    def _choice(self, node: nodes.If) -> Choice:
        branches = [(self.condition(node.test), self.pieces(node.body))]
        branches += [(self.condition(branch.test), self.pieces(branch.body)) for branch in node.elif_]
        if node.else_:
            branches.append(((), self.pieces(node.else_)))
        return Choice(tuple(branches))

    def _inline(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.TemplateData):
            return node.data
        if isinstance(node, nodes.If):
            return self._inline_choice(node)
        return self._slot(node)

    def _inline_choice(self, node: nodes.If) -> str:
        branches = [(node.test, node.body), *((branch.test, branch.body) for branch in node.elif_)]
        text = ""
        for place, (test, body) in enumerate(branches):
            text += self.marks.condition(self.condition(test), first=not place) + self._run(node, body)
        if node.else_:
            text += ELSE + self._run(node, node.else_)
        return text + END

    def _run(self, node: nodes.If, body: Sequence[nodes.Node]) -> str:
        text = "".join(self._inline(child) for child in _flat(body))
        if BLANK_LINE.search(text):
            raise InputError(
                f"Ligne {node.lineno} : une condition se referme dans le même paragraphe, "
                "ou chacune de ses balises est seule sur sa ligne."
            )
        return text

    def condition(self, node: nodes.Node) -> Condition:
        match node:
            case nodes.Name():
                return ("field", self._known(node))
            case nodes.Not():
                return ("not", self.condition(node.node))
            case nodes.And() | nodes.Or():
                name = "and" if isinstance(node, nodes.And) else "or"
                return (name, self.condition(node.left), self.condition(node.right))
        raise self._refusal(node)

    def _slot(self, node: nodes.Node) -> str:
        filters: list[tuple[str, str]] = []
        inner = node
        while isinstance(inner, nodes.Filter):
            filters.insert(0, self._filter(inner))
            if inner.node is None:
                raise self._refusal(inner)
            inner = inner.node
        if not isinstance(inner, nodes.Name):
            raise self._refusal(inner)
        name = self._known(inner)
        kind = self.fields[name]
        if kind is FieldKind.FLAG:
            raise InputError(f"Ligne {node.lineno} : (({name})) ne s’imprime pas, écrivez (% if {name} %).")
        if filters and kind in {FieldKind.BLOCK, FieldKind.LINK}:
            raise InputError(f"Ligne {node.lineno} : (({name})) ne prend pas de filtre.")
        return self.marks.slot(Slot(name, tuple(filters)))

    def _filter(self, node: nodes.Filter) -> tuple[str, str]:
        if node.name not in FILTERS:
            raise InputError(f"Ligne {node.lineno} : {_no_filter(node.name)}")
        given = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
        takes = 1 if node.name == "défaut" else 0
        extra = node.kwargs or node.dyn_args or node.dyn_kwargs
        if extra or not len(given) == len(node.args) == takes or not all(map(_is_default, given)):
            how = 'défaut("texte")' if takes else node.name
            raise InputError(f"Ligne {node.lineno} : ce filtre s’écrit {how}.")
        return node.name, given[0] if given else ""

    def _known(self, node: nodes.Name) -> str:
        if node.name in self.fields:
            return node.name
        near = difflib.get_close_matches(node.name, self.fields, n=1, cutoff=0.6)
        hint = f" Vouliez-vous écrire (({near[0]})) ?" if near else ""
        raise InputError(f"Ligne {node.lineno} : le champ (({node.name[:40]})) n’existe pas.{hint}")

    def _refusal(self, node: nodes.Node) -> InputError:
        what = next((said for kind, said in REFUSED.items() if isinstance(node, kind)), "rien d’autre")
        line = next((part.lineno for part in (node, *node.find_all(nodes.Node)) if part.lineno), 1)
        return InputError(f"Ligne {line} : {what} dans un courriel, seulement ((champ)) et (% if champ %).")


def _is_default(given: object) -> bool:
    """Whether a default is plain words. A backslash is refused: Jinja would have read it as an escape."""
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_DEFAULT:
        return False
    return '"' not in given and not any(is_forbidden(character) or character == "\\" for character in given)


def _flat(body: Sequence[nodes.Node]) -> Iterator[nodes.Node]:
    for node in body:
        if isinstance(node, nodes.Output):
            yield from node.nodes
        else:
            yield node


def _first_text(body: Sequence[nodes.Node]) -> str:
    first = next(_flat(body), None)
    return first.data if isinstance(first, nodes.TemplateData) else ""
