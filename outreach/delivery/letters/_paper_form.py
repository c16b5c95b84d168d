"""A mail's HTML as blocks for a letter on paper: the same words in the same order, by construction.

It reads the HTML of the mail's own part, which only `markdown`, `blocks` and the layout write. Buttons become one
mark, « answer », where the QR code stands. A link of the service keeps its words; any other link also says where it
leads, as nobody can press it.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

ANSWER = "a"  # the path of the page of answers
BY_CODE = "par le code de cette lettre"
BODY = "page"  # the class of the cell that holds the letter, between the layout's head and foot
HEADINGS = {"h2": 2, "h3": 3, "h4": 4}
LISTS = {"ul": False, "ol": True}


@dataclass
class _Open:
    """A block that is being read: what it will be, and its pieces so far."""

    kind: str
    level: int = 0
    pieces: list[dict[str, Any]] = field(default_factory=list)
    has_button: bool = False
    only_link: bool = True


def blocks_of(html: str, service: str) -> list[dict[str, Any]]:
    """The blocks of a mail's HTML, for `paper.typ`. `service` is the address with which the service's own links begin.

    Kinds: heading and paragraph (`pieces`), item (with `depth`, `mark`), quote, table (`head`, `rows`), rule, answer.
    """
    reader = _PaperReader(service)
    reader.feed(html)
    reader.close()
    return reader.blocks


class _PaperReader(HTMLParser):
    """Walks the letter's cell: one level of tables is the schools', or a quotation's frame."""

    def __init__(self, service: str) -> None:
        super().__init__(convert_charrefs=True)
        self.service, self.blocks = service, list[dict[str, Any]]()
        self.depth = 0  # of cells and tables within the letter's own cell; 0 is outside of it
        self.open: _Open | None = None
        self.strong = self.emphasis = self.quoted = 0
        self.lists: list[int | None] = []
        self.table: dict[str, Any] | None = None
        self.row: list[str] | None = None
        self.link, self.is_button, self.after_buttons = "", False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin what the tag begins."""
        given = {name: value or "" for name, value in attrs}
        if not self.depth:
            self.depth = int(tag == "td" and given.get("class") == BODY)
            return
        if tag == "td" and given.get("class") == "quote":
            self.quoted += 1
        if tag in {"td", "th"}:
            self.depth += 1
        self._begin(tag, given)

    def handle_endtag(self, tag: str) -> None:
        """End what the tag ends."""
        if not self.depth:
            return
        if tag in {"td", "th"}:
            self._end_cell()
            self.depth -= 1
        elif tag in {"p", "li", "blockquote", *HEADINGS, *LISTS}:
            self._end_block(tag)
        elif tag in {"strong", "em"}:
            self._weigh(tag, -1)
        elif tag in _ENDS:
            _ENDS[tag](self)

    def _end_block(self, tag: str) -> None:
        self._flush()
        if tag == "blockquote":
            self.quoted = 0
        elif tag in LISTS:
            self.lists.pop()

    def handle_data(self, data: str) -> None:
        """Take words."""
        if not self.depth or self.is_button:
            return
        if self.table is not None:
            if self.row:
                self.row[-1] += data
            return
        self._take(data.replace("\n", " "))

    def _take(self, words: str) -> None:
        if self.open is None:
            if not words.strip():
                return
            self.open = _Open("paragraph")
        if self.open.pieces and self.open.pieces[-1]["text"] == "\n":
            words = words.lstrip(" ")
        if words.strip() and not self.link:
            self.open.only_link = False
        self._add(words)

    def _begin(self, tag: str, given: dict[str, str]) -> None:
        if tag in {"p", "ul", "ol", "li", "hr", *HEADINGS}:
            self._begin_block(tag, given)
        elif tag in {"table", "tr", "td", "th"}:
            self._begin_table(tag, given)
        elif tag == "br":
            self._add("\n")
        elif tag in {"strong", "em"}:
            self._weigh(tag, 1)
        elif tag == "a":
            self._begin_link(given)

    def _begin_block(self, tag: str, given: dict[str, str]) -> None:
        if tag == "p" and self.lists and self.open is not None:
            return
        self._flush()
        if tag in LISTS:
            self.lists.append(int(given.get("start", "1")) if LISTS[tag] else None)
        elif tag == "hr":
            self.blocks.append({"kind": "rule"})
        else:
            kind = {"p": "paragraph", "li": "item"}.get(tag, "heading")
            self.open = _Open(kind, HEADINGS.get(tag, 0))

    def _begin_table(self, tag: str, given: dict[str, str]) -> None:
        if tag == "table" and given.get("role") != "presentation":
            self._flush()
            self.table = {"kind": "table", "head": [], "rows": []}
        elif tag == "tr" and self.table is not None:
            self.row = []
        elif tag in {"td", "th"} and self.row is not None:
            self.row.append("")

    def _begin_link(self, given: dict[str, str]) -> None:
        self.link, self.is_button = given.get("href", ""), given.get("class") == "button"
        if self.is_button and self.open is not None:
            self.open.has_button = True

    def _weigh(self, tag: str, by: int) -> None:
        if tag == "strong":
            self.strong += by
        else:
            self.emphasis += by

    def _end_link(self) -> None:
        if self.open is not None and not self.is_button and (leads := self._leads()):
            self.open.pieces.append({"text": f" ({leads})", "strong": False, "emphasis": False, "target": True})
        self.link, self.is_button = "", False

    def _leads(self) -> str:
        """Where the link leads whose words were just read, as paper says it; '' where it has nothing to say."""
        if self.link.startswith(f"{self.service}/{ANSWER}/"):
            return BY_CODE
        said = "".join(piece["text"] for piece in self.open.pieces) if self.open else ""
        is_own = self.link.startswith((f"{self.service}/", "mailto:", "tel:"))
        return "" if is_own or said.endswith(self.link) else self.link

    def _add(self, words: str) -> None:
        if self.open is not None:
            self.open.pieces.append({"text": words, "strong": self.strong > 0, "emphasis": self.emphasis > 0})

    def _end_cell(self) -> None:
        if self.row is not None and self.row:
            self.row[-1] = " ".join(self.row[-1].split())

    def _end_row(self) -> None:
        if self.table is not None and self.row:
            if self.table["head"]:
                self.table["rows"].append(self.row)
            else:
                self.table["head"] = self.row
        self.row = None

    def _end_table(self) -> None:
        if self.table is not None:
            self.blocks.append(self.table)
        self.table = None

    def _flush(self) -> None:
        block, self.open = self.open, None
        if block is None:
            return
        if block.has_button:
            self.after_buttons = True
            if not any(one["kind"] == "answer" for one in self.blocks):
                self.blocks.append({"kind": "answer"})
            return
        is_rest_of_buttons, self.after_buttons = self.after_buttons and block.only_link, False
        if is_rest_of_buttons or not any(piece["text"].strip() for piece in block.pieces):
            return
        self.blocks.append(self._made(block))

    def _made(self, block: _Open) -> dict[str, Any]:
        made: dict[str, Any] = {"kind": block.kind, "pieces": block.pieces}
        if block.kind == "heading":
            made["level"] = block.level
        elif block.kind == "item":
            number = self.lists[-1] if self.lists else None
            made |= {"mark": "–" if number is None else f"{number}.", "depth": len(self.lists)}
            if number is not None:
                self.lists[-1] = number + 1
        elif self.quoted:
            made["kind"] = "quote"
        return made


_ENDS = {"tr": _PaperReader._end_row, "table": _PaperReader._end_table, "a": _PaperReader._end_link}  # noqa: SLF001 - its own
