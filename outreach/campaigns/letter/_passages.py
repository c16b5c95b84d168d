"""A letter's source as passages: text for everybody, and text that differs for one school and for several.

The editor shows each passage apart. Joined by ends of lines, the texts and the tags between them are the source.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

ONE, SEVERAL = "une_école", "plusieurs_écoles"
TAG = re.compile(r"\(%([^%\n]*)%\)")
OTHER = {ONE: SEVERAL, SEVERAL: ONE}


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a source: a text for everybody, or two texts, each for the `schools` at its place (ONE, SEVERAL).

    `tags` are the lines around and between two texts. `last` is the place of its last value among those of `values`.
    """

    texts: tuple[str, ...]
    last: int
    tags: tuple[str, ...] = ()
    schools: tuple[str, ...] = ()

    @property
    def values(self) -> list[str]:
        """Its texts and tags in order."""
        if not self.tags:
            return list(self.texts)
        return [self.tags[0], self.texts[0], self.tags[1], self.texts[1], self.tags[2]]


def split_passages(source: str) -> list[Passage]:
    """The passages of a source, in order; a condition of any other form stays within a text.

    The values of all, joined by ends of lines, are the source again.
    """
    lines = source.split("\n")
    found: list[Passage] = []
    begun = at = 0
    while at < len(lines):
        told = _choice(lines, at)
        if told is None:
            at += 1
            continue
        schools, parting, end = told
        _add(found, lines[begun:at])
        texts = "\n".join(lines[at + 1 : parting]), "\n".join(lines[parting + 1 : end])
        tags, last = (lines[at], lines[parting], lines[end]), (found[-1].last if found else -1) + 5
        found.append(Passage(texts, last, tags, (schools, OTHER[schools])))
        begun = at = end + 1
    _add(found, lines[begun:])
    return found


def add_variant(parts: Sequence[str], place: int) -> str:
    """The source of these parts, with a passage that differs after the part at `place`; an unknown place is the end."""
    new = [f"(% if {SEVERAL} %)", "", "(% else %)", "", "(% endif %)"]
    after = place + 1 if 0 <= place < len(parts) else len(parts)
    return "\n".join([*parts[:after], *new, *parts[after:]])


def _add(found: list[Passage], lines: list[str]) -> None:
    if lines:
        found.append(Passage(("\n".join(lines),), (found[-1].last if found else -1) + 1))


def _choice(lines: list[str], at: int) -> tuple[str, int, int] | None:
    """The choice that begins on a line: whom its first text is for, and the lines of its `else` and its `endif`.

    None unless each of the three tags is alone on its line, and both texts have a line at least.
    """
    first = TAG.fullmatch(lines[at].strip())
    word, condition = _said(first) if first else ("", "")
    if word != "if" or condition not in OTHER:
        return None
    depth, parting = 1, 0
    for place in range(at + 1, len(lines)):
        for tag in TAG.finditer(lines[place]):
            word, _ = _said(tag)
            depth += {"if": 1, "endif": -1}.get(word, 0)
            is_alone = lines[place].strip() == tag[0]
            if depth == 0:
                is_whole = is_alone and 0 < parting < place - 1
                return (condition, parting, place) if is_whole else None
            if depth == 1 and word in {"else", "elif"}:
                if word == "elif" or parting or not is_alone or place == at + 1:
                    return None
                parting = place
    return None


def _said(tag: re.Match[str]) -> tuple[str, str]:
    """The first word of a tag, and the rest."""
    word, _, rest = tag[1].strip().partition(" ")
    return word, rest.strip()
