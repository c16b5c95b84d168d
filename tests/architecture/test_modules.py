"""Every module says what is in it, and the page of modules can be made of that."""

import ast
import re
import runpy
from collections import defaultdict
from pathlib import PurePosixPath

import pytest

from outreach.core.settings import ROOT

LONGEST, MOST_LINES = 120, 600
CODE = PurePosixPath("../outreach")
SCRIPT = runpy.run_path(str(ROOT / "tools" / "modules.py"))


@pytest.fixture(scope="module")
def sentences():
    return SCRIPT["sentences"]()


def test_the_page_tells_every_module_and_leads_to_it(sentences):
    page = SCRIPT["page"]()
    untold = [path for path in sentences if f"]({(CODE / path).as_posix()}): {sentences[path]}" not in page]
    assert [path for path in untold if path.name != "__init__.py"] == []
    assert {led for led in re.findall(r"\]\((\.\./[^)]+)\)", page) if not (ROOT / "docs" / led).exists()} == set()


def test_every_module_has_a_sentence_that_fits_a_line(sentences):
    assert len(sentences) > 200
    assert {path: len(line) for path, line in sentences.items() if not 0 < len(line) <= LONGEST} == {}


def test_no_sentence_is_cut_off_at_the_end_of_its_line(sentences):
    history = "operations/migrations/versions"  # their first lines are titles
    lines = {path: line for path, line in sentences.items() if not path.is_relative_to(history)}
    assert {path: line for path, line in lines.items() if not line.endswith(".")} == {}


def test_no_module_is_longer_than_one_reads_at_once():
    modules = [path for path in (ROOT / "outreach").rglob("*.py") if "versions" not in path.parts]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_a_module_that_is_run_runs_once_all_of_it_is_there():
    """What stands below the last line that is executed would be missing while it runs."""
    for path in (ROOT / "outreach").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if '__name__ == "__main__"' in source:
            last = ast.parse(source).body[-1]
            assert isinstance(last, ast.If), path
            assert ast.unparse(last.test) == "__name__ == '__main__'", path


def test_no_two_classes_have_the_same_name():
    """A name read far from its module says one thing."""
    places = defaultdict(list)
    for path in (ROOT / "outreach").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and "versions" not in path.parts:
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert len(places) > 600
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
