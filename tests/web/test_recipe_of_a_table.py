"""A toy that follows the recipe of a page with a table, a filter and an export has all that it promises."""

import re
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, FileSystemLoader

from outreach.core.settings import ROOT
from tests import toys
from tests.application import Standing
from tests.pages import elements, links, text_of
from tests.toys import federations
from tests.toys.pages import pages

TOYS = Path(toys.__file__).parent
STEPS = {  # what each step of the recipe names → the file of the toy that follows it
    "outreach/<house>/<list>.py": "federations.py",
    "outreach/web/pages/<list>.py": "pages.py",
    "templates/pages/<list>/index.html": "templates/pages/toys/index.html",
}


@pytest.fixture(scope="module")
def standing(templates):
    """An application that has the toy's blueprint, too."""
    made = Standing(templates.data)
    made.app.register_blueprint(pages)
    made.app.jinja_loader = ChoiceLoader([made.app.jinja_loader, FileSystemLoader(TOYS / "templates")])
    return made


def rows(page):
    return [[text_of(cell) for cell in elements(row, "*")] for row in elements(page, "tbody/tr")]


def test_the_recipe_names_the_files_of_the_toy_in_order():
    text = (ROOT / "docs" / "develop.md").read_text("utf-8")
    recipe = text.partition("### A page with a table, a filter and an export")[2].partition("\n#")[0]
    named = re.findall(r"^\d\. `([^`]+)`", recipe, re.MULTILINE)
    assert [step for step in named if step in STEPS] == list(STEPS)
    assert all((TOYS / file).exists() for file in STEPS.values())


@pytest.mark.long
def test_the_page_is_filtered_and_sorted_and_its_files_hold_what_it_shows(author):
    every = rows(author.get("/toys"))
    assert len(every) > 2
    assert [text_of(header) for header in elements(author.get("/toys"), "thead/tr/th")] == ["Sigle", "Fédération"]
    assert rows(author.get("/toys?sort=-code")) == every[::-1]
    word = every[1][0]
    found = author.get(f"/toys?q={word}")
    assert 0 < len(rows(found)) < len(every)
    (file,) = (address for address, text in links(found) if text == "CSV")
    lines = author.get(file).data.decode("utf-8-sig").splitlines()
    assert lines[0] == "Sigle;Fédération"
    assert len(lines) == 1 + len(rows(found))
    assert "Voir toutes les fédérations" in text_of(author.get("/toys?q=zzz"))
    assert author.get("/toys?sort=none").status_code == 400


def test_a_column_more_stands_on_the_page_and_in_the_file(author, monkeypatch):
    one = federations.Column("length", "Longueur", lambda one: len(one.name), federations.Kind.NUMBER)
    monkeypatch.setattr(federations, "COLUMNS", (*federations.COLUMNS, one))
    assert "Longueur" in text_of(author.get("/toys"))
    assert author.get("/toys/export.csv").data.decode("utf-8-sig").startswith("Sigle;Fédération;Longueur")
