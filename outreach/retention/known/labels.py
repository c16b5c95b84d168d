"""The French words of `labels.toml`: titles of tables, labels of columns, and what choices and subjects are called."""

import enum
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_STATED: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("labels.toml").read_text(encoding="utf-8"))
TITLES: Mapping[str, str] = _STATED["tables"]  # by the name of a table, in the order of reading
PLACES: Mapping[str, int] = {name: place for place, name in enumerate(TITLES)}
LABELS: Mapping[str, str] = _STATED["colonnes"]
LABELS_OF: Mapping[str, Mapping[str, str]] = _STATED["colonnes_de"]
TECHNICAL = frozenset(_STATED["techniques"])  # columns that nobody reads; the data have them
SUBJECTS: Mapping[str, str] = _STATED["sujets"]
_CHOICES: Mapping[str, Mapping[str, str]] = _STATED["valeurs"]


def title(table: str) -> str:
    """What a table is called."""
    return TITLES.get(table, table)


def place(table: str) -> int:
    """Where a table stands in the order of reading."""
    return PLACES.get(table, len(PLACES))


def label(table: str, column: str) -> str:
    """What a column is called in its table; '' where nobody reads it. An unknown one is called as the program does."""
    own = LABELS_OF.get(table, {}).get(column)
    if own is None and column in TECHNICAL:
        return ""
    return own or LABELS.get(column, column)


def choice(member: enum.Enum) -> str:
    """What a choice is called: as the file says, or the program's label, or its value."""
    named = _CHOICES.get(type(member).__name__, {})
    return named.get(member.value) or str(getattr(member, "label", member.value))


def subject(written: str) -> str:
    """What the audit and decisions are about: « campaign:7 » is « campagne 7 ». Anything else stays as it is."""
    kind, _, key = written.partition(":")
    return f"{SUBJECTS[kind]} {key}".strip() if kind in SUBJECTS else written
