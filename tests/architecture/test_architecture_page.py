"""The page about architecture says what the contract of imports says, and what it names is there."""

import re
from configparser import ConfigParser

from outreach.core.settings import ROOT
from outreach.operations.extension_points import EXTENSION_POINTS

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
WIDEST = 120


def test_the_arrow_of_knowledge_is_the_contract_of_imports():
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    layers = contracts["importlinter:contract:houses"]["layers"].replace("(", "").replace(")", "").strip().splitlines()
    drawn = PAGE.partition("```\n")[2].partition("```")[0].splitlines()
    assert [re.split(r"  +", line)[0] for line in drawn] == [line for line in layers if line != "__main__"]


def test_no_line_is_wider_than_code():
    assert [line for line in PAGE.splitlines() if len(line) > WIDEST] == []


def test_the_files_that_recipes_name_are_there():
    recipes = (ROOT / "docs" / "develop.md").read_text(encoding="utf-8").partition("\n## Pages")[0]
    text = PAGE + recipes + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+/[\w/]+(?:\.\w+|/))`", text)
    assert len(named) > 10
    there = {name for name in named if (ROOT / name).exists() or (ROOT / "outreach" / name).exists()}
    assert set(named) - there == set()


def test_the_table_of_where_things_go_names_every_extension_point():
    rows = dict(re.findall(r"^\| (an? [^|]+|how [^|]+) \| ([^|]+) \|", PAGE, re.MULTILINE))
    unnamed = {
        name for name, declared in EXTENSION_POINTS.items() if f"`{declared.__name__}`" not in rows.get(name, "")
    }
    assert unnamed == set()
    others = {"a table", "a command"}  # each room has its own
    assert set(rows) - set(EXTENSION_POINTS) == others
