"""The guide of the people who work here: its Markdown as pages in HTML, its pictures, and a search in its sections."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from struct import Struct

from markdown_it import MarkdownIt
from markdown_it.token import Token

from outreach.core.settings import ROOT
from outreach.core.text.errors import NotFound
from outreach.core.text.french import typeset
from outreach.core.text.typed import folded

FOLDER = ROOT / "docs" / "guide"
START = "README"
EXCERPT = 220  # characters of a section that a search shows
NOT_OF_AN_ANCHOR = re.compile(r"[^\w\- ]")
SIZE = Struct(">II")  # width and height, after the first 16 bytes of a PNG (its header is the first chunk)
_reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 40}).enable("table")


@dataclass(frozen=True, slots=True)
class GuideSection:
    """A part of a page under one heading, as plain text. The part before any other heading has no anchor."""

    page: str
    anchor: str
    title: str
    text: str

    @property
    def excerpt(self) -> str:
        """The beginning of the text."""
        return self.text if len(self.text) <= EXCERPT else f"{self.text[:EXCERPT].rsplit(' ', 1)[0]}…"


@dataclass(frozen=True, slots=True)
class GuidePage:
    """A page: its name in addresses, its title, its HTML without the title, and its sections in order."""

    name: str
    title: str
    html: str
    sections: Sequence[GuideSection]


@cache
def pages(base: str) -> Mapping[str, GuidePage]:
    """All pages by name, made once. `base` is the path under which they and their files are served."""
    return {path.stem: _page(path, base) for path in sorted(FOLDER.glob("*.md"))}


def guide_page(name: str, base: str) -> GuidePage:
    """One page. Raises NotFound."""
    found = pages(base).get(name)
    if found is None:
        raise NotFound("Cette page n’est pas dans le guide.")
    return found


@cache
def guide_files() -> Mapping[str, Path]:
    """The pictures and documents that pages show or link to, by the end of their address."""
    kept = [*FOLDER.glob("images/*.png"), *FOLDER.parent.glob("images/*.png"), *FOLDER.glob("*.pdf")]
    return {path.name: path for path in kept}


def search_guide(words: str, base: str) -> list[GuideSection]:
    """The sections that have all these words, in any case, with accents or without; none for no word."""
    asked = folded(words).split()
    if not asked:
        return []
    sections = (section for each in pages(base).values() for section in each.sections)
    told = ((section, folded(f"{section.title} {section.text}")) for section in sections)
    return [section for section, text in told if all(word in text for word in asked)]


def _page(path: Path, base: str) -> GuidePage:
    tokens = _reader.parse(path.read_text(encoding="utf-8"))
    _anchor(tokens)
    for token in tokens:
        for child in token.children or ():
            _adapt(child, base)
    title = tokens[1].content
    html = str(_reader.renderer.render(tokens[3:], _reader.options, {}))
    return GuidePage(path.stem, typeset(title), html, tuple(_sections(path.stem, tokens)))


def _anchor(tokens: Sequence[Token]) -> None:
    """Give headings the anchors that links in the guide name; the second of a name ends in -1, as on GitHub."""
    named = Counter[str]()
    for token, words in pairwise(tokens):
        if token.type == "heading_open":
            anchor = NOT_OF_AN_ANCHOR.sub("", words.content.lower()).replace(" ", "-")
            token.attrSet("id", f"{anchor}-{named[anchor]}" if named[anchor] else anchor)
            named[anchor] += 1


def _adapt(token: Token, base: str) -> None:
    """Typeset words, and lead links and pictures to where the service has them. What leaves the guide is words only."""
    if token.type == "text":
        token.content = typeset(token.content)
    elif token.type == "image":
        picture = guide_files()[Path(str(token.attrGet("src"))).name]
        width, height = SIZE.unpack(picture.read_bytes()[16:24])
        # With its size known, a picture that comes late moves nothing: a link to a section stays there.
        shown = {"src": f"{base}/files/{picture.name}", "width": width, "height": height, "loading": "lazy"}
        token.attrs = {**token.attrs, **shown}
        for child in token.children or ():
            _adapt(child, base)
    elif token.type == "link_open":
        leads = _address(str(token.attrGet("href")), base)
        token.attrs = {"class": "ds-link", "href": leads} if leads else {}


def _address(link: str, base: str) -> str:
    """Where a link of the guide leads in the service; '' where the service has no such page."""
    path, sign, anchor = link.partition("#")
    if not path:
        return link
    if path in guide_files():
        return f"{base}/files/{path}"
    if "/" in path or not path.endswith(".md"):
        return ""
    name = path.removesuffix(".md")
    return f"{base}{'' if name == START else f'/{name}'}{sign}{anchor}"


def _sections(name: str, tokens: Sequence[Token]) -> Iterator[GuideSection]:
    page_title, title, anchor, told = typeset(tokens[1].content), "", "", list[str]()
    for place, token in enumerate(tokens[3:], 3):
        if token.type == "heading_open":
            yield GuideSection(name, anchor, title or page_title, " ".join(told))
            anchor, told = str(token.attrGet("id")), []
            title = f"{page_title} › {_words(tokens[place + 1])}"
        elif token.type == "inline" and tokens[place - 1].type != "heading_open":
            told.append(_words(token))
        elif token.type == "fence":
            told.append(token.content)
    yield GuideSection(name, anchor, title or page_title, " ".join(told))


def _words(token: Token) -> str:
    shown = (child for child in token.children or () if child.type != "image")
    return "".join(" " if child.type == "softbreak" else child.content for child in shown)
