"""The documentation against itself and the program: links, pictures, and every name that people look up in it."""

import json
import re
import zlib

import pytest

from outreach.campaigns.letter import FIELDS
from outreach.campaigns.results._verification import RULES
from outreach.core.settings import ROOT
from outreach.core.text.french import within_quotes
from outreach.delivery.letters import FieldKind
from outreach.delivery.letters._language import FILTERS
from outreach.reports.notes._gathering import COUNTED

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "licences" / "README.md"])
MOST_LINES_A_VERSION, LONGEST_LINE, HALF_A_PAGE = 10, 200, 400  # the last in words
REFERENCE = (DOCS / "guide" / "courriel.md").read_text(encoding="utf-8")
OPERATIONS = (DOCS / "operate.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_PAGE = re.compile(r"(?<![\w./])(docs/[\w/-]+\.md)(?:#([\w-]+))?")
MADE = ("docs/modules.md", "")  # by its tool, for whoever reads the code
SPACES = {0xA0: " ", 0x202F: " "}
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)

PARTS = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name.isidentifier() and path.name != "var"]
FILES = {path.name for folder in (ROOT / part for part in PARTS) for path in folder.rglob("*") if path.is_file()}
FILES |= {path.name for path in ROOT.iterdir() if path.is_file()}
ROOMS = [path.stem for path in (ROOT / "outreach").iterdir() if path.name.removesuffix(".py").isidentifier()]
PATH = re.compile(rf"(?<![\w/.:@<>-])(?:{'|'.join([*PARTS, *ROOMS])})/[\w./-]*\w")
FILE = re.compile(r"(?<![\w/.<>*-])\w[\w-]*\.(?:py|html|toml|css|md|yml|service)\b")
SPAN = re.compile(r"`[^`\n]+`")


def paths(page):
    """The files and folders of the project that a page names: by their path anywhere, by a mere name as code."""
    text = page.read_text(encoding="utf-8")
    spans = " ".join(SPAN.findall(text))
    outside = {path for path in PATH.findall(text) if path.partition("/")[0] in PARTS}
    return outside | set(PATH.findall(spans)) | set(FILE.findall(spans))


def is_there(name, page):
    """Whether a path leads to something, from where a reader would begin; a path may end with a name in a module."""
    if "/" not in name:
        return name in FILES
    module, _, word = name.rpartition(".")
    for place in (ROOT, ROOT / "outreach", ROOT / "templates", ROOT / "tests", page.parent):
        if (place / name).exists():
            return True
        if (source := place / f"{module}.py").exists() and re.search(
            rf"\b{word}\b", source.read_text(encoding="utf-8")
        ):
            return True
    return False


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


@pytest.mark.long
def test_every_page_that_code_names_is_there():
    """What a sentence of the program, a unit or a rule of alerts leads to."""
    texts = (
        path.read_text(encoding="utf-8")
        for part in PARTS
        for path in (ROOT / part).rglob("*")
        if path.suffix in {".html", ".py", ".service", ".sql", ".timer", ".toml", ".yml"}
    )
    named = {found for text in texts for found in NAMED_PAGE.findall(text) if found != MADE}
    assert len(named) > 5
    for path, anchor in named:
        assert (ROOT / path).exists(), path
        assert not anchor or anchor in headings(ROOT / path), f"{path}#{anchor}"


def test_no_table_is_cut_by_an_empty_line():
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
            second = table.split("\n")[1]
            assert re.fullmatch(r"\|[ :|-]+\|", second), f"{page.name}: {table[:80]}"


def test_every_path_that_is_named_is_there():
    named = [(page.name, path) for page in PAGES for path in paths(page) if not is_there(path, page)]
    assert named == []
    assert {"delivery/smtp/_protocol.py", "_outcomes.py"} <= paths(DOCS / "letters.md")


def test_every_picture_is_shown():
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    pictures = set(DOCS.rglob("*.png"))
    assert pictures
    assert pictures - shown == set()


def test_the_answers_quoted_of_the_question_of_2021_are_those_of_its_note():
    guide = DOCS / "guide"
    attached = re.findall(rb"stream\r?\n(.*?)endstream", (guide / "la-question-de-2021.pdf").read_bytes(), re.DOTALL)
    (figures,) = (json.loads(each)["figures"] for each in map(unpacked, attached) if each.startswith(b'{"figures"'))
    lines = [f"{hand['label']} : {hand['value']}" for hand in figures["hand_figures"]]
    lines += [action["sentence"] for action in figures["actions"]]
    for strand in figures["answers"]:
        lines += [strand["sentence"], *(network["sentence"] for network in strand["networks"])]
    page = (guide / "question-de-2021.md").read_text(encoding="utf-8")
    quotes = re.findall("« (.*?) »", page.partition("## Ce que la note répond")[2].partition("\n\n\n")[0])
    quotes = [quote for quote in quotes if re.search("[0-9]", quote)]
    assert len(quotes) == 4
    plain = within_quotes(" ".join(lines).translate(SPACES))
    assert [quote for quote in quotes if quote not in plain] == []
    shown = [[column["name"] for column in table["columns"]][1:] for table in figures["tables"]]
    assert shown == [[column.name for column in COUNTED]] * len(shown), "made by another version of the program"


def unpacked(stream):
    """A stream of a PDF without its compression, where it has one."""
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def test_every_page_of_the_guide_is_in_its_table_of_contents():
    contents = DOCS / "guide" / "README.md"
    listed = {(contents.parent / link).resolve() for link in links(contents)}
    assert {page for page in contents.parent.glob("*.md") if page != contents} - listed == set()


def test_a_version_of_the_changelog_has_ten_lines_and_a_table_of_200_characters_at_most():
    versions = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## [")[1:]
    lines_of = {version.partition("]")[0]: list(filter(None, version.splitlines()[2:])) for version in versions}
    assert len(lines_of) > 3
    besides = {version: sum(not line.startswith("|") for line in lines) for version, lines in lines_of.items()}
    assert {version: lines for version, lines in besides.items() if lines > MOST_LINES_A_VERSION} == {}
    assert [line for lines in lines_of.values() for line in lines if len(line) > LONGEST_LINE] == []


def test_every_decision_is_listed_by_its_title_and_fits_half_a_page():
    listed = (DOCS / "develop.md").read_text(encoding="utf-8").partition("## Decisions")[2]
    for page in sorted((DOCS / "decisions").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        title = text.partition("\n")[0].removeprefix("# ")
        assert f"- [{title}](decisions/{page.name})" in listed
        assert title.partition(" ")[0] == page.name.partition("-")[0]
        assert len(text.split()) <= HALF_A_PAGE, page.name


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
