"""Record the HTML of every page that tests open, to compare templates with what they were (maintainers only).

Usage: python tools/pages.py FOLDER [arguments of pytest], in each of two clones; then `diff -r` of the two folders.
A file holds the pages of one test in their order, one tag a line, without signed words, moments and spaces that
mean nothing.
"""

import os
import pathlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "mark", "small", "span", "strong", "sub", "sup", "time"}
RAW = {"pre", "textarea"}
CHANCE = (  # what differs from one run to the next
    (re.compile(r"(\?v=)[0-9a-f]{12}"), r"\1…"),
    (re.compile(r"[\w-]{6,}\.[\w-]{6}\.[\w-]{20,}"), "a-signed-word"),
    (re.compile(r"\b\d\d?\s(h|min|s)\b(\s\d\d\b)?"), "some time"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+"), "a-moment"),
)


class Lines(HTMLParser):
    """The tags and texts of a page, one a line, with attributes in the order of their names."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._raw, self._text, self._after_block = "", "", True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._close_text(before_block=tag not in INLINE)
        named = "".join(f' {name}="{" ".join((value or "").split())}"' for name, value in sorted(attrs))
        self.lines.append(f"<{tag}{named}>")
        self._raw, self._after_block = tag if tag in RAW else "", tag not in INLINE

    def handle_endtag(self, tag: str) -> None:
        self._close_text(before_block=tag not in INLINE)
        self.lines.append(f"</{tag}>")
        self._raw, self._after_block = "", tag not in INLINE

    def handle_data(self, data: str) -> None:
        self._text += data

    def close(self) -> None:
        super().close()
        self._close_text(before_block=True)

    def _close_text(self, *, before_block: bool) -> None:
        text, self._text = self._text, ""
        if not self._raw:
            text = re.sub(r"[ \t\r\n]+", " ", text)
            text = text.lstrip(" ") if self._after_block else text
            text = text.rstrip(" ") if before_block else text
        elif text.startswith("\n"):
            text = text[1:]  # the parser of a browser drops it
        if text:
            self.lines.append("| " + text.replace("\n", "⏎"))


def lines_of(html: str) -> str:
    reader = Lines()
    reader.feed(html)
    reader.close()
    text = "\n".join(reader.lines)
    for pattern, word in CHANCE:
        text = pattern.sub(word, text)
    return text


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    opened = FlaskClient.open

    def recorded(self: FlaskClient, *arguments: Any, **named: Any) -> TestResponse:
        response = opened(self, *arguments, **named)
        if response.mimetype == "text/html":
            test = re.sub(r"[^\w.-]+", "-", os.environ.get("PYTEST_CURRENT_TEST", "none").rpartition(" (")[0])[:180]
            with (pathlib.Path(os.environ["PAGES"]) / test).open("a", encoding="utf-8") as file:
                path = re.sub(r"[\w-]{30,}", "a-token", response.request.path)
                file.write(f"==== {response.request.method} {path} {response.status_code}\n{lines_of(response.text)}\n")
        return response

    FlaskClient.open = recorded  # type: ignore[method-assign]


def main() -> None:
    folder, here = pathlib.Path(sys.argv[1]).absolute(), pathlib.Path(__file__).parent
    folder.mkdir(parents=True)
    paths = os.pathsep.join([str(here), str(pathlib.Path.cwd())])
    environment = {**os.environ, "PAGES": str(folder), "PYTHONHASHSEED": "0", "PYTHONPATH": paths}
    tests = [sys.executable, "-m", "pytest", "-p", "pages", *sys.argv[2:]]
    sys.exit(subprocess.run(tests, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
