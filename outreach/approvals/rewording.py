"""Compares a text with what was last approved, word by word, for whoever approves it again."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

WORDS = re.compile(r"\s+|[^\s]+")
MOST_WORDS = 6_000  # of both texts: comparing takes as long as their product; longer ones are compared by paragraphs
BREAK = "\n\n"
PARAGRAPHS = re.compile(r"[^\n]*\n*")


class Fate(StrEnum):
    """What became of some words since the last approval."""

    SAME = "same"
    ADDED = "added"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a text, and what became of them."""

    fate: Fate
    text: str


@dataclass(frozen=True, slots=True)
class Rewording:
    """A text that changed: its French name, and its pieces in order of reading."""

    name: str
    pieces: Sequence[Piece]

    @property
    def shown(self) -> list[Piece]:
        """The pieces, with « … » for what stayed the same further than a paragraph from a change."""
        last = len(self.pieces) - 1
        return [
            piece if piece.fate is not Fate.SAME else Piece(Fate.SAME, _near(piece.text, place > 0, place < last))
            for place, piece in enumerate(self.pieces)
        ]


def compared(before: str, after: str) -> list[Piece]:
    """Both texts in one: what stayed, what is gone, what was added."""
    split = WORDS if len(before) + len(after) < MOST_WORDS * 6 else PARAGRAPHS
    old, new = (split.findall(text) for text in (before, after))
    return [piece for piece in _pieces(old, new) if piece.text]


def _pieces(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    for kind, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Piece(Fate.SAME, "".join(new[start:end]))
        else:
            yield Piece(Fate.GONE, "".join(old[first:last]))
            yield Piece(Fate.ADDED, "".join(new[start:end]))


def _near(text: str, follows: bool, precedes: bool) -> str:
    """The paragraphs of an unchanged text that stand beside a change."""
    paragraphs = text.split(BREAK)
    beside = BREAK.join((*paragraphs[: int(follows)], "…", *(paragraphs[-1:] if precedes else ())))
    return beside if len(beside) < len(text) else text
