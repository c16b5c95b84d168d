"""No module, page or style knows a single kind of answer by name: they read the facts of its row."""

import ast
import re

import pytest

from outreach.adherence.models import Status
from outreach.core.settings import ROOT
from outreach.engagement.replies import Answer, Tray

TABLE = "engagement/replies/_kinds.py"
NAMING = {"operations/demo/story.py": "the demonstration tells who answers what"}
OWN_WORDS = {*Answer, *(answer.label for answer in Answer)} - {
    *Status,
    *(status.label for status in Status),
    *Tray,
    *(tray.label for tray in Tray),
}
PAGES = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "outreach" / "web" / "static").glob("*.*s")]
COMPARED = re.compile(rf"""(?:\banswer(?:', *'equalto', *| *[!=]= *|-)|choice=)['"]?(?:{"|".join(Answer)})\b""")


def names_of(source):
    """The kinds of answers that a module names: `Answer.HELP`, or its value or label as a text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Answer":
            if node.attr in Answer.__members__:
                yield node.attr
        elif isinstance(node, ast.Constant) and node.value in OWN_WORDS:
            yield node.value


def test_only_the_table_and_the_story_name_a_kind_of_answer():
    naming = {}
    for path in (ROOT / "outreach").rglob("*.py"):
        if "versions" in path.parts:
            continue
        if names := {*names_of(path.read_text(encoding="utf-8"))}:
            naming[str(path.relative_to(ROOT / "outreach"))] = names
    assert naming.pop(TABLE)
    assert naming.keys() == NAMING.keys(), naming


def test_no_page_or_style_names_a_kind_of_answer():
    found = {path.name: COMPARED.findall(path.read_text(encoding="utf-8")) for path in PAGES}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "line",
    ["row.answer == 'help'", "main:has(#answer-help:checked)", "?choice=help", "('answer', 'equalto', 'joined')"],
)
def test_a_page_that_names_one_is_found(line):
    assert COMPARED.search(line)


@pytest.mark.parametrize("answer", Answer)
def test_every_kind_of_answer_is_documented(answer):
    guide = (ROOT / "docs" / "guide" / "reponses.md").read_text(encoding="utf-8")
    assert answer.label in guide.replace("\u00a0", " ").replace("\u202f", " ")
    assert f"`{answer}`" in (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
