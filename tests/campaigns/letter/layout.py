"""Judges the HTML of a mail as mail programs read it: Outlook for Windows, whose engine is Word's, and all others.

`css_support.toml` says which CSS they support. Word reads comments that begin with `[if mso]`, the others what stands
between `[if !mso]` and its end, so a mail is judged twice.
"""

import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

SUPPORT = tomllib.loads(Path(__file__).with_name("css_support.toml").read_text(encoding="utf-8"))
FOR_WORD = re.compile(r"<!--\[if mso\]>(.*?)<!\[endif\]-->", re.DOTALL)
FOR_OTHERS = re.compile(r"<!--\[if !mso\]><!-->(.*?)<!--<!\[endif\]-->", re.DOTALL)
SHEET = re.compile(r"<style>(.*?)</style>", re.DOTALL)
SIDES = re.compile(r"^(border|margin|padding)-(top|right|bottom|left|color)$")
VOID = {"br", "hr", "img", "meta"}
CELLS = {"td", "th"}
LANDMARKS = {"header", "main", "footer", "nav", "aside"}
FONTS = "Calibri,Arial,"
LONGEST = 100_000


class Element(NamedTuple):
    """An element: its name, its attributes, its inline style, and the names of those around it, outermost first."""

    tag: str
    attributes: dict[str, str]
    style: dict[str, str]
    around: tuple[str, ...]


def for_word(html: str) -> str:
    """A mail as Word reads it."""
    return FOR_OTHERS.sub("", FOR_WORD.sub(r"\1", html))


def for_others(html: str) -> str:
    """A mail as every other program reads it."""
    return FOR_OTHERS.sub(r"\1", FOR_WORD.sub("", html))


def without_sheet(html: str) -> str:
    """A mail as a program reads it that drops `<style>`."""
    return SHEET.sub("", html)


def faults(html: str) -> list[str]:
    """Every rule that this mail breaks."""
    word, others = _elements(for_word(html)), _elements(for_others(html))
    return [
        *_words(html),
        *_sheets(html),
        *(f"in Word, {fault}" for fault in [*_everywhere(word), *_only_in_word(word)]),
        *(f"elsewhere, {fault}" for fault in _everywhere(others)),
        *_buttons(word, others),
    ]


def used(html: str) -> set[str]:
    """The entries of the table that a mail uses."""
    inline = {_entry(name) for part in (for_word, for_others) for one in _elements(part(html)) for name in one.style}
    return inline | {entry for entry, _ in _of_sheet(html)}


def _words(html: str) -> Iterator[str]:
    if len(html.encode()) > LONGEST:
        yield "it is longer than 100 kB"
    if "<!--" in for_word(html) or "<!--" in for_others(html):
        yield "a comment is no condition that Word knows"
    if "<style" in html.partition("</head>")[2]:
        yield "a style sheet stands outside the head"


def _sheets(html: str) -> Iterator[str]:
    for entry, said in _of_sheet(html):
        if entry not in SUPPORT:
            yield f"{said} in the style sheet is not in the table"


def _of_sheet(html: str) -> Iterator[tuple[str, str]]:
    for sheet in SHEET.findall(html):
        for feature in re.findall(r"@media \(([a-z-]+)", sheet):
            yield f"@media ({feature})", f"@media ({feature})"
        for block in re.findall(r"{([^{}]*)}", sheet):
            for name, value in _declarations(block):
                yield _entry(name), name
                if "!important" in value:
                    yield "!important", "!important"


def _everywhere(elements: list[Element]) -> Iterator[str]:
    yield from _properties(elements)
    yield from _tables(elements)
    yield from _cells(elements)
    yield from _headings(elements)
    for one in elements:
        if one.tag == "!":
            yield one.attributes["fault"]
        if one.tag in LANDMARKS or one.attributes.get("role", "presentation") != "presentation":
            yield f"{one.tag} is a landmark, which would be the mail program's own"
        if one.tag == "img" and not ("alt" in one.attributes and one.attributes.get("width", "").isdigit()):
            yield "img has no width or no alt"


def _properties(elements: list[Element]) -> Iterator[str]:
    for one in elements:
        for name, value in one.style.items():
            if _entry(name) not in SUPPORT:
                yield f"{name} on {one.tag} is not in the table"
            elif "!important" in value:
                yield f"{name} on {one.tag} is !important, which Word does not know in an attribute"
        if any(value != "0" for value in _lengths(one, "padding")) and one.tag not in CELLS:
            yield f"{one.tag} has padding and is no cell"
        if any(value == "auto" or value.startswith("-") for value in _lengths(one, "margin")):
            yield f"{one.tag} has a margin that is no length from 0"


def _only_in_word(elements: list[Element]) -> Iterator[str]:
    """Where Word ignores a property, although it knows it elsewhere."""
    for one in elements:
        for name, value in one.style.items():
            known = SUPPORT.get(_entry(name), {}).get("elements")
            if known and one.tag not in known and value != "0":
                yield f"{name} is ignored on {one.tag}"
        if one.style.get("display", "none") != "none" and one.tag != "img":
            yield f"{one.tag} has a display that Word does not know"
        if not one.style.get("line-height", "1").replace(".", "").isdigit():
            yield f"{one.tag} has a height of lines that is no plain number"
        if one.tag == "body" and not one.attributes.get("bgcolor"):
            yield "body has no bgcolor"
    tables = [one for one in elements if one.tag == "table"]
    if not any(one.attributes.get("width") == "600" and not one.style for one in tables):
        yield "no table that Word alone reads is 600 px wide"


def _tables(elements: list[Element]) -> Iterator[str]:
    with_headings = {one.attributes["table"] for one in elements if one.tag == "th"}
    for place, one in enumerate(elements):
        if one.tag == "table":
            if not one.attributes.get("width"):
                yield "table has no width"
            is_of_data = f"{place}" in with_headings
            if (one.attributes.get("role") == "presentation") == is_of_data:
                yield "table has headings and is presentation, or has none and is not"
            if "table" not in one.around and "lang" not in one.attributes:
                yield "the outermost table does not name its language"


def _cells(elements: list[Element]) -> Iterator[str]:
    for one in [one for one in elements if one.tag in CELLS]:
        ground = one.attributes.get("bgcolor")
        if not ground:
            yield f"{one.tag} has no bgcolor"
        elif one.style.get("background-color", ground) != ground:
            yield f"{one.tag} has two colours of its ground"
        if not one.style.get("font-family", "").startswith(FONTS):
            yield f"{one.tag} does not name its font, Calibri and Arial first"
        if one.tag == "th" and one.attributes.get("scope") != "col":
            yield "th does not say what it is the heading of"


def _headings(elements: list[Element]) -> Iterator[str]:
    levels = [int(one.tag[1]) for one in elements if re.fullmatch("h[1-6]", one.tag)]
    if levels.count(1) != 1 or levels[0] != 1:
        yield "it has no h1 that comes first, or several"
    for above, level in pairwise(levels):
        if level > above + 1:
            yield f"h{level} follows h{above}"


def _buttons(word: list[Element], others: list[Element]) -> Iterator[str]:
    shapes = [one for one in word if one.tag == "v:roundrect"]
    for shape in shapes:
        if not ({"href", "arcsize", "fillcolor", "strokecolor"} <= shape.attributes.keys()):
            yield "a button of Outlook's lacks its address, its corners or a colour"
        if not {"width", "height", "v-text-anchor"} <= shape.style.keys():
            yield "a button of Outlook's lacks its size"
    links = [one.attributes["href"] for one in others if one.attributes.get("class") == "button"]
    if links != [shape.attributes.get("href") for shape in shapes]:
        yield "Outlook's buttons are not those of the others"
    if any(one.attributes.get("class") == "button" for one in word) or any(":" in one.tag for one in others):
        yield "a program sees both kinds of buttons"


def _elements(html: str) -> list[Element]:
    reader = _Reader()
    reader.feed(SHEET.sub("", html))
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    """Collects the elements. One named "!" is a tag that closes nothing, or never closes. A th knows its table."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []
        self._open: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "th":
            attributes["table"] = next((f"{place}" for name, place in reversed(self._open) if name == "table"), "")
        around = tuple(name for name, _ in self._open)
        self.found.append(Element(tag, attributes, dict(_declarations(attributes.get("style", ""))), around))
        if tag not in VOID:
            self._open.append((tag, len(self.found) - 1))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
        else:
            self._blame(f"</{tag}> closes nothing")

    def close(self) -> None:
        super().close()
        if self._open:
            self._blame(f"<{self._open[-1][0]}> is not closed")

    def _blame(self, fault: str) -> None:
        self.found.append(Element("!", {"fault": fault}, {}, ()))


def _declarations(block: str) -> list[tuple[str, str]]:
    pairs = [one.partition(":") for one in block.split(";") if one.strip()]
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def _entry(name: str) -> str:
    sided = SIDES.match(name)
    return sided[1] if sided else name


def _lengths(one: Element, name: str) -> list[str]:
    return [part for key, value in one.style.items() if _entry(key) == name for part in value.split()]
