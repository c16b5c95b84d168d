"""How wide words are in Source Sans 3, so that labels find their place before any browser draws them."""

from collections.abc import Iterable

# Advances of the semibold, which is a little wider than the regular, in thousandths of the size of the type.
_ADVANCES = {
    200: " \u00a0\u202f",
    280: "',.:;IÎÏ’·ijl|îï",
    330: "!()-[]{}f/\\",
    370: "°tr",
    440: "s*?z",
    480: 'cç«»"x–',
    510: "JLY_vy0123456789#$+<=>F^e~éèêë×",
    550: "agkàâäESVXZÉÈÊËT`oôöbdhnpquùûüAÀÂ",
    600: "CPÇRBK",
    650: "DG&HNUÙÛ",
    680: "OQÔ",
    750: "Mwæ",
    800: "W—",
    850: "m%œŒ@",
    960: "…",
}
_WIDTHS = {character: advance / 1000 for advance, characters in _ADVANCES.items() for character in characters}
_OTHER = 0.7
LINE = 1.3  # heights of type from one line to the next


def width_of(text: str, size: float) -> float:
    """The width of a line of words, at most some percent too wide."""
    return size * sum(_WIDTHS.get(character, _OTHER) for character in text)


def widest(texts: Iterable[str], size: float) -> float:
    """The width of the widest of these lines, 0 for none."""
    return max((width_of(text, size) for text in texts), default=0.0)


def wrapped(text: str, width: float, size: float, most: int = 3) -> list[str]:
    """The words on lines no wider than this, broken at blanks; what is more than `most` lines ends in "…"."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and width_of(longer, size) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [cut(each, width, size) for each in lines]


def cut(text: str, width: float, size: float) -> str:
    """The words as far as they fit this width, with "…" at their end where they do not."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(f"{text}…", size) > width:
        text = text[:-1].rstrip()
    return f"{text}…"
