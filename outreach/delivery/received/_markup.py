"""The text of a mail that is HTML alone, without its markup. No I/O.

What is quoted gets the mark of a quotation, so that `quotes` knows it as it knows that of a plain text.
"""

import re
from html.parser import HTMLParser

MOST = 128 * 1024  # characters that are parsed
DEEPEST_QUOTE = 5
SILENT = {"head", "script", "style", "title", "template", "object", "svg", "math", "noscript", "select", "textarea"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all)", re.IGNORECASE)
BLOCKS = {
    *("address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4"),
    *("h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tbody", "td", "th", "tr", "ul"),
}
APART = {"p", "blockquote", "table", "ul", "ol", "h1", "h2", "h3", "h4"}
# Where a program begins what it quotes whole: all that follows is another mail.
WHOLE = {"divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container", "replyforward"}
RULE = "-----Original Message-----"


def text_of(markup: str) -> str:
    """The text of this markup, as a reader sees it, a line a block."""
    reader = _Reader()
    reader.feed(markup[:MOST])
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self.quotes = self.silent = 0
        self.hidden: list[str] = []  # the element that no reader sees, and those of its name in it

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self.silent += 1
            return
        values = dict(attrs)
        is_hidden = tag not in VOID and ("hidden" in values or HIDDEN.search((values.get("style") or "")[:500]))
        if self.hidden or is_hidden:
            self.hidden += [tag] if not self.hidden or tag == self.hidden[0] else []
            return
        if tag == "br":
            self.lines.append(self._mark())
        elif tag in BLOCKS:
            self._break(apart=tag in APART)
        named = (values.get("id") or "").casefold().removeprefix("x_")
        if named in WHOLE:
            self.lines += [RULE, ""]
        elif named == "signature" or "gmail_signature" in (values.get("class") or ""):
            self.lines += ["--", ""]
        if tag == "blockquote":
            self.quotes += 1
            self.lines[-1] = self._mark()
        elif tag == "li":
            self.lines[-1] += "- "

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
            return
        if self.hidden:
            self.hidden = self.hidden[1:] if tag == self.hidden[0] else self.hidden
            return
        if tag == "blockquote":
            self.quotes = max(0, self.quotes - 1)
        if tag in BLOCKS:
            self._break(apart=tag in APART)

    def handle_data(self, data: str) -> None:
        if self.silent or self.hidden:
            return
        words = " ".join(data.replace("\u00a0", " ").split())
        if words:
            first = " " if data[:1].isspace() and self.lines[-1][-1:] not in {"", " "} else ""
            self.lines[-1] += first + words + (" " if data[-1:].isspace() else "")

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)

    def _mark(self) -> str:
        return "> " * min(self.quotes, DEEPEST_QUOTE)

    def _break(self, *, apart: bool) -> None:
        if self.lines[-1].strip("> "):
            self.lines += [self._mark(), self._mark()] if apart else [self._mark()]
        else:
            self.lines[-1] = self._mark()
