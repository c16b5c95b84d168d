"""Compares a text with what was last approved, word by word, for whoever approves it again."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum

WORDS = re.compile(r"\S+\s*|\s+")
PARAGRAPHS = re.compile(r"[^\n]*\n*")
BREAK = "\n\n"
MOST_PAIRS = 100_000  # of equal words, each with each: comparing takes as long as these are many; a letter has 5,000


class PieceKind(StrEnum):
    """What became of some words since the last approval."""

    SAME = "same"
    ADDED = "added"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class DiffPiece:
    """Some words of a text, and what became of them."""

    kind: PieceKind
    text: str


@dataclass(frozen=True, slots=True)
class Rewording:
    """A text that changed: its French name, and its pieces in order of reading."""

    name: str
    pieces: Sequence[DiffPiece]

    @property
    def shown(self) -> list[DiffPiece]:
        """The pieces, with « … » for what stayed the same further than a paragraph from a change."""
        last = len(self.pieces) - 1
        return [
            replace(piece, text=_near(piece.text, place > 0, place < last)) if piece.kind is PieceKind.SAME else piece
            for place, piece in enumerate(self.pieces)
        ]


def compare_texts(before: str, after: str) -> list[DiffPiece]:
    """Both texts in one: what stayed, what is gone, what was added; by words, or by paragraphs in longer texts."""
    for split in (WORDS, PARAGRAPHS):
        old, new = (split.findall(text) for text in (before, after))
        in_new = Counter(new)
        if sum(in_new[word] for word in old) <= MOST_PAIRS:
            return [piece for piece in _pieces(old, new) if piece.text]
    return [piece for piece in (DiffPiece(PieceKind.GONE, before), DiffPiece(PieceKind.ADDED, after)) if piece.text]


def _pieces(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffPiece]:
    for kind, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield DiffPiece(PieceKind.SAME, "".join(new[start:end]))
        else:
            yield DiffPiece(PieceKind.GONE, "".join(old[first:last]))
            yield DiffPiece(PieceKind.ADDED, "".join(new[start:end]))


def _near(text: str, follows: bool, precedes: bool) -> str:
    """The paragraphs of an unchanged text that stand beside a change."""
    paragraphs = text.split(BREAK)
    beside = BREAK.join((*paragraphs[: int(follows)], "…", *(paragraphs[-1:] if precedes else ())))
    return beside if len(beside) < len(text) else text
