"""Parses HTML as html5lib does, with the same errors, in less time.

Most of what html5lib takes for a page it spends on reading tags letter by letter. A tag that is written plainly is read
here by one pattern; anything else is left to html5lib.
"""

import re
from functools import lru_cache

from html5lib import HTMLParser
from html5lib._tokenizer import HTMLTokenizer
from html5lib.constants import tokenTypes

VALUE = r'"((?:[^"&\0]|&(?:amp|lt|gt|\#34|\#39);)*)"'
ATTRIBUTE = re.compile(rf"[ \n]+([a-z][a-z0-9-]*)(?:={VALUE})?")
START = re.compile(rf"<([a-z][a-z0-9]*)((?:[ \n]+[a-z][a-z0-9-]*(?:={VALUE})?)*)[ \n]*(/?)>")
END = re.compile(r"</([a-z][a-z0-9]*)>")
ENTITY = re.compile(r"&([a-z#0-9]+);")
MEANT = {"amp": "&", "lt": "<", "gt": ">", "#34": '"', "#39": "'"}


class _Tokenizer(HTMLTokenizer):
    def dataState(self):  # noqa: N802 - html5lib's name
        stream = self.stream
        start = stream.chunkOffset
        end = stream.chunk.find(">", start) + 1
        tag = _read(stream.chunk[start:end]) if end and stream.chunk[start] == "<" else None
        if tag is None:
            return super().dataState()
        stream.chunkOffset = end
        kind, name, attributes, closes = tag
        token = {"type": kind, "name": name, "data": attributes.copy(), "selfClosing": closes}
        self.currentToken = token | {"selfClosingAcknowledged": False}
        self.tokenQueue.append(self.currentToken)
        return True


@lru_cache(maxsize=20_000)  # most tags of a page are on others, too
def _read(tag):
    """The kind, name and attributes of a plainly written tag, and whether it closes itself; otherwise None."""
    if found := END.fullmatch(tag):
        return tokenTypes["EndTag"], found[1], {}, False
    if not (found := START.fullmatch(tag)):
        return None
    given = [(name, ENTITY.sub(_meant, value)) for name, value in ATTRIBUTE.findall(found[2])]
    attributes = dict(given)
    return (tokenTypes["StartTag"], found[1], attributes, bool(found[4])) if len(given) == len(attributes) else None


class Parser(HTMLParser):
    """html5lib's parser, with names as they are written."""

    def __init__(self, *, strict=False):
        super().__init__(strict=strict, namespaceHTMLElements=False)

    def _parse(self, stream, innerHTML=False, container="div", scripting=False, **named):  # noqa: N803
        self.innerHTMLMode, self.container, self.scripting = innerHTML, container, scripting
        self.tokenizer = _Tokenizer(stream, parser=self, **named)
        self.reset()
        self.mainLoop()


def _meant(entity):
    return MEANT[entity[1]]
