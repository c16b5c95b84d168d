"""Finds the compiled patterns of the package, how they are called, and texts that each of them may find hard.

A text is hard when a pattern nearly matches it, again and again. So texts are made from the pattern itself: what it
matches before a repetition, what the repetition takes many times over, then something that no pattern takes.
"""

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from re import _constants as op
from re import _parser as parser

import outreach

ROOT = Path(outreach.__file__).parent
METHODS = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
CALLED = re.compile(rf"\.({'|'.join(sorted({*METHODS, 'compile'}))})\b")
PUMPS = [
    *"a@<> -\n.0A=/(){}[]%\"'«\\&;,:5éE\t\r",
    "a@",
    "a.",
    "a ",
    '="',
    "((",
    "(%",
    "[](",
    "\r\n",
    "<a ",
    "5.1",
    "\n ",
    "a\n",
]
STOP = "\ufffd\x00"
CLASSES = {
    op.CATEGORY_DIGIT: "0",
    op.CATEGORY_NOT_DIGIT: "a",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_WORD: "a",
    op.CATEGORY_NOT_WORD: " ",
}


def modules() -> Iterator[object]:
    """Every module of the package, imported."""
    for found in pkgutil.walk_packages([str(ROOT)], "outreach."):
        if not found.name.endswith("__main__") and ".migrations." not in found.name:
            yield importlib.import_module(found.name)


def patterns() -> dict[str, re.Pattern]:
    """Every pattern that a module holds, once, by the first module and name that hold it."""
    named: dict[re.Pattern, str] = {}
    for module in modules():
        for name, pattern in _held(module.__name__, vars(module), 0):
            named.setdefault(pattern, name)
    return {name: pattern for pattern, name in named.items()}


def _held(name: str, value: object, depth: int) -> Iterator[tuple[str, re.Pattern]]:
    if isinstance(value, re.Pattern):
        yield name, value
    elif depth > 3:
        return
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, str) and not key.startswith("__"):
                yield from _held(f"{name}.{key}", item, depth + 1)
    elif isinstance(value, tuple | list):
        for place, item in enumerate(value):
            yield from _held(f"{name}[{place}]", item, depth + 1)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _held(f"{name}.{field.name}", getattr(value, field.name), depth + 1)


@cache
def trees() -> list[tuple[Path, ast.Module]]:
    """Every file of the package that may call or make a pattern, parsed."""
    texts = ((path, path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py")))
    return [(path, ast.parse(text)) for path, text in texts if CALLED.search(text)]


def made_in_functions() -> list[str]:
    """The places where a function compiles a pattern, or has `re` do it: no test would find such a pattern."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr in METHODS | {"compile"}
        if isinstance(node.value, ast.Name) and node.value.id == "re"
    ]


@cache
def calls() -> dict[str, set[str]]:
    """The methods that are called on each name, anywhere in the package."""
    called = defaultdict(set)
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                holder = node.value
                name = holder.id if isinstance(holder, ast.Name) else getattr(holder, "attr", "")
                called[name].add(node.attr)
    return called


def hard_texts(pattern: re.Pattern) -> list[tuple[str, str, str]]:
    """Beginnings, what is repeated after them, and ends, all of them texts."""
    tree = list(
        parser.parse(
            pattern.pattern, pattern.flags & ~re.DEBUG & ~(re.UNICODE if isinstance(pattern.pattern, bytes) else 0)
        )
    )
    whole = _sample(tree)
    made = [("", pump, end) for pump in PUMPS for end in ("", STOP)]
    made += [("", whole[:length], STOP) for length in range(1, min(len(whole), 40) + 1)]
    for before, inside in _repeated(tree, ""):
        for pump in {inside, inside[:1]} - {""}:
            made += [(before, pump, STOP), (before, pump, ""), ("", before + pump, STOP)]
            made += [("", pump + before, STOP), (whole, pump, STOP)]
    return list(dict.fromkeys(made))


def _repeated(tree: Iterable, before: str) -> Iterator[tuple[str, str]]:
    """What comes before each repetition, and what it repeats."""
    for kind, details in tree:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            yield before, _sample(details[2])
            yield from _repeated(details[2], before)
        elif kind is op.SUBPATTERN:
            yield from _repeated(details[3], before)
        elif kind is op.ATOMIC_GROUP:
            yield from _repeated(details, before)
        elif kind is op.BRANCH:
            for branch in details[1]:
                yield from _repeated(branch, before)
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            yield from _repeated(details[1], before)
        before += _sample([(kind, details)])


def _sample(tree: Iterable) -> str:
    """A short text that a part of a pattern takes, by itself."""
    return "".join(_taken(kind, details) for kind, details in tree)


def _taken(kind: object, details: object) -> str:
    match kind:
        case op.LITERAL:
            taken = chr(details)
        case op.NOT_LITERAL:
            taken = "b" if details == ord("a") else "a"
        case op.ANY:
            taken = "a"
        case op.IN:
            taken = _one_of(details)
        case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
            taken = _sample(details[2]) * min(max(details[0], 1), 100)
        case op.SUBPATTERN:
            taken = _sample(details[3])
        case op.ATOMIC_GROUP:
            taken = _sample(details)
        case op.BRANCH:
            taken = _sample(details[1][0])
        case _:  # an anchor, or what looks ahead or behind
            taken = ""
    return taken


def _one_of(members: list) -> str:
    refused = members[0][0] is op.NEGATE
    for character in ["a", *(chr(code) for code in range(32, 127)), "\n", "é", "\u2026", "\ue000", "\ufffb"]:
        if refused != any(_is_in(character, member) for member in members):
            return character
    kind, details = members[-1]
    return chr(details if kind is op.LITERAL else details[0]) if kind in (op.LITERAL, op.RANGE) else ""


def _is_in(character: str, member: tuple) -> bool:
    kind, details = member
    if kind is op.LITERAL:
        return ord(character) == details
    if kind is op.RANGE:
        return details[0] <= ord(character) <= details[1]
    if kind is op.CATEGORY:
        return character == CLASSES[details]
    return False
