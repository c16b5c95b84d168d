"""Renders the Markdown of letters as HTML and as text, their links numbered.

It knows paragraphs, headings, lists, quotations, emphasis and links, but neither raw HTML nor images. Marks of fields
pass through like letters of the alphabet. Both outputs come from one parse (CommonMark, by markdown-it-py).

The address behind a mark may depend on the recipient.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from html import unescape
from itertools import takewhile

from markdown_it import MarkdownIt
from markdown_it.token import Token

from outreach.core.text.errors import InputError
from outreach.core.text.links import MARKS, fault_of_link
from outreach.delivery.letters._language import ELSE, END, FIRST_ELIF, FIRST_IF, Marks, Run, Slot, refuse_excess

# Outlook for Windows (Word) lets no cell or heading inherit a font, and pads cells only.
FONT = "font-family:Calibri,Arial,sans-serif"
LIST = "margin:0 0 16px 24px;padding:0"
STYLES = {
    "p": "margin:0 0 16px",
    "h2": f"margin:24px 0 12px;{FONT};font-size:20px;line-height:1.3",
    "h3": f"margin:20px 0 8px;{FONT};font-size:17px;line-height:1.3",
    "h4": f"margin:20px 0 8px;{FONT};font-size:16px;line-height:1.3",
    "ul": LIST,
    "ol": LIST,
    "li": "margin:0 0 6px",
    "blockquote": "margin:0 0 16px",
    "a": "color:#303675",
}
LEVELS = {"h1": "h2", "h5": "h4", "h6": "h4"}  # the layout holds the only h1
_QUOTE = f'<blockquote style="{STYLES["blockquote"]}">'
_QUOTE_IN_A_CELL = (
    f'{_QUOTE}<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td class="quote" '
    f'bgcolor="#ffffff" style="padding:0 0 0 16px;border-left:3px solid #babbc1;{FONT};font-size:16px;line-height:1.5">'
)
_QUOTE_ENDS, _CELL_ENDS = "</blockquote>", "</td></tr></table></blockquote>"
ELEMENT = re.compile(r"<(/?)([a-z][a-z0-9]*+)[^<>]*+>")  # markdown-it escapes < and > in attributes
ELEMENT_OR_MARK = re.compile(f"{ELEMENT.pattern}|{MARKS.pattern}")
VOID = {"br", "hr"}
DEEPEST = 16  # levels of blocks in blocks: eight lists; markdown-it itself stops, silently, far beyond
_reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "xhtmlOut": False, "maxNesting": 100}).disable(
    ["code", "fence", "html_block", "lheading", "reference", "autolink", "backticks", "entity", "html_inline", "image"]
)
# Links are judged by `fault_of_link`, from what was written, not from what a browser would make of it.
_reader.normalizeLink = lambda url: url  # type: ignore[method-assign]
_reader.validateLink = lambda url: url is not None  # type: ignore[method-assign]


def render_run(
    run: Run, blocks: Mapping[str, str], anchors: Collection[str], schemes: Collection[str]
) -> tuple[str, str]:
    """The HTML and the text of one run of marked Markdown, each block of text ended by an empty line.

    `blocks` maps the marks of block fields, which must be alone on their line, to the fields' names. `anchors` are the
    marks of link fields, which write the whole link. Raises InputError, with the line, on a block field in the middle
    of a line, a refused link, a condition across other markup, or nesting that is too deep.
    """
    html, text = [], []
    tokens = _reader.parse(_apart(run.text, blocks))
    if max((token.level for token in tokens), default=0) > DEEPEST:
        raise InputError(f"Ligne {run.line} : trop de listes ou de citations imbriquées.")
    for group in _groups(tokens):
        content = group[1].content if len(group) > 1 else ""
        if content in blocks:
            html.append(content)
            text.append(f"{content}\n\n")
            continue
        _judge(run, group, blocks, anchors, schemes)
        text.append(_text(group))
        html.append(_html(group))
        if crosses(html[-1]):
            raise InputError(f"Ligne {run.line_of(_first_mark(content))} : {_CROSSED}")
    return "\n".join(html), "".join(text)


def list_links(source: str) -> list[tuple[str, str]]:
    """The addresses that a source links to, each with its words; none of what is too long to be a letter."""
    try:
        refuse_excess(source)
    except InputError:
        return []
    return [(str(link.attrGet("href") or ""), words) for link, words in _links(_reader.parse(source))]


def crosses(html: str) -> bool:
    """Whether a condition begins inside one element and ends inside another."""
    elements: list[str] = []
    starts: list[int] = []
    for match in ELEMENT_OR_MARK.finditer(html):
        mark = match[0]
        if mark in {END, ELSE} or FIRST_ELIF <= ord(mark[0]) < ord(ELSE):
            if not starts or starts[-1] != len(elements):
                return True
            if mark == END:
                starts.pop()
        elif FIRST_IF <= ord(mark[0]) < FIRST_ELIF:
            starts.append(len(elements))
        elif match[1]:
            elements.pop()
            if starts and len(elements) < starts[-1]:
                return True
        elif match[2] and match[2] not in VOID:
            elements.append(match[2])
    return bool(starts)


_CROSSED = (
    "une condition commence dans une mise en forme (gras, lien, liste…) et finit dans une autre : rapprochez-les."
)


def _apart(source: str, blocks: Collection[str]) -> str:
    """A block field alone on its line is a paragraph, whether or not empty lines stand around it."""
    lines = [f"\n{line.strip()}\n" if line.strip() in blocks else line for line in source.split("\n")]
    return "\n".join(lines)


def _groups(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Tokens by the outermost block they belong to."""
    group: list[Token] = []
    for token in tokens:
        group.append(token)
        if token.level == 0 and token.nesting != 1:
            yield group
            group = []


def _judge(
    run: Run, group: Sequence[Token], blocks: Mapping[str, str], anchors: Collection[str], schemes: Collection[str]
) -> None:
    for mark in sorted({mark for token in group for mark in token.content if mark in blocks}):
        raise InputError(f"Ligne {run.line_of(mark)} : (({blocks[mark]})) se met seul sur sa ligne.")
    for link, words in _links(group):
        url = str(link.attrGet("href") or "")
        fault = fault_of_link(url, schemes)
        if not words.strip():
            fault = f"lien sans texte vers « {MARKS.sub('…', url)[:60]} » : dites où il mène."
        if any(mark in anchors for mark in words):
            fault = "ce champ écrit son lien lui-même : ne l’entourez pas d’un autre."
        if fault:
            raise InputError(f"Ligne {run.line_of(url)} : {fault}")


def _links(tokens: Sequence[Token]) -> Iterator[tuple[Token, str]]:
    """Each link, with its words."""
    for children in (token.children or [] for token in tokens):
        for place, child in enumerate(children):
            if child.type == "link_open":
                inside = takewhile(lambda inner: inner.type != "link_close", children[place:])
                yield child, "".join(inner.content for inner in inside)


def _first_mark(text: str) -> str:
    match = MARKS.search(text)
    return match[0] if match else ""


def _html(group: list[Token]) -> str:
    for token in (each for outer in group for each in (outer, *(outer.children or ()))):
        token.tag = LEVELS.get(token.tag, token.tag)
        if token.nesting == 1 and token.tag in STYLES:
            token.attrSet("style", STYLES[token.tag])
    rendered: str = _reader.renderer.render(group, _reader.options, {})
    return rendered.strip("\n").replace(_QUOTE, _QUOTE_IN_A_CELL).replace(_QUOTE_ENDS, _CELL_ENDS)


def _text(group: Sequence[Token]) -> str:
    lines: list[str] = []
    notes: list[str] = []
    lists: list[int | None] = []
    for token in group:
        if token.type.endswith("_list_open"):
            lists.append(int(str(token.attrs.get("start", 1))) if token.type == "ordered_list_open" else None)
        elif token.type.endswith("_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            lines.append(_bullet(lists))
        elif token.type == "hr":
            lines.append("* * *")
        elif token.type == "inline":
            said = _inline(token.children or (), notes)
            if lines and lines[-1].endswith(("- ", ". ")):
                lines[-1] += said.replace("\n", "\n" + " " * len(lines[-1]))
            else:
                lines.append(said)
    separator = "\n" if any(line.lstrip().startswith(("- ", *"0123456789")) for line in lines) else "\n\n"
    return separator.join(lines) + "".join(f"\n{note}" for note in notes) + "\n\n"


def _bullet(lists: list[int | None]) -> str:
    number = lists[-1]
    if number is not None:
        lists[-1] = number + 1
    return "  " * (len(lists) - 1) + ("- " if number is None else f"{number}. ")


def _inline(children: Sequence[Token], notes: list[str]) -> str:
    """The words of a line. A link's address is a note under the paragraph, or follows the link inside a condition."""
    text, depth, address = "", 0, ""
    for token in children:
        if token.type in {"softbreak", "hardbreak"}:
            text += "\n"
        elif token.type == "link_open":
            address = str(token.attrGet("href"))
        elif token.type == "link_close":
            text += f" ({address})" if depth else f" [{len(notes) + 1}]"
            if not depth:
                notes.append(f"[{len(notes) + 1}] {address}")
        else:
            text += token.content
            depth += sum(FIRST_IF <= ord(character) < FIRST_ELIF for character in token.content) - token.content.count(
                END
            )
    return text


LINK = "adresse_lien"
MOST = 255  # a token names a link by one byte; any further link stays as it was written
ADDRESS = re.compile(r'(?<=<a href=")https?://[^"]*(?=")')


def mark_links(html: str, marks: Marks) -> str:
    """The HTML with a mark in place of each linked address; equal addresses share a mark."""
    urls = list(dict.fromkeys(unescape(address) for address in ADDRESS.findall(html)))[:MOST]
    slots = {url: marks.slot(Slot(LINK, ((str(number), url),))) for number, url in enumerate(urls, 1)}
    return ADDRESS.sub(lambda match: slots.get(unescape(match[0]), match[0]), html)


def addresses_of_links(slots: tuple[Slot, ...]) -> dict[int, str]:
    """The addresses of a letter's links, by number."""
    return {int(number): url for slot in slots if slot.field == LINK for number, url in slot.filters}
