"""The documentation against itself and the program: links, pictures, and every name that people look up in it."""

import re

import pytest

from outreach.campaigns.letter.merge_fields import FIELDS
from outreach.campaigns.verification import RULES
from outreach.mail.language import FILTERS
from outreach.mail.marks import FieldKind
from outreach.settings import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "licences" / "README.md"])
REFERENCE = (DOCS / "guide" / "courriel.md").read_text(encoding="utf-8")
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links(page):
    """What a page links to or shows, within the project."""
    found = LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    return [one for one in found if not one.startswith(("https://", "http://", "mailto:"))]


def headings(page):
    """The anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_is_there(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


def test_every_picture_is_shown():
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    pictures = set(DOCS.rglob("*.png"))
    assert pictures
    assert pictures - shown == set()


def test_every_page_of_the_guide_is_in_its_table_of_contents():
    contents = DOCS / "guide" / "README.md"
    listed = {(contents.parent / link).resolve() for link in links(contents)}
    assert {page for page in contents.parent.glob("*.md") if page != contents} - listed == set()


@pytest.mark.parametrize("name", FIELDS)
def test_every_merge_field_is_documented(name):
    written = f"(% if {name} %)" if FIELDS[name].kind is FieldKind.FLAG else f"(({name}))"
    assert f"| `{written}` |" in REFERENCE


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_is_documented(name):
    assert re.search(rf"^\| `{name}\b", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("word", ["if", "elif", "else", "endif", "and", "or", "not"])
def test_every_word_of_a_condition_is_documented(word):
    assert re.search(rf"`\(% [^`]*\b{word}\b", REFERENCE)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_of_verify_is_documented(rule):
    assert f"| `{rule}` |" in OPERATIONS
