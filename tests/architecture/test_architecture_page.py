"""The page for developers says what the contract of imports says, and names every room."""

import re
from configparser import ConfigParser

from outreach.settings import ROOT

PAGE = (ROOT / "docs" / "develop.md").read_text(encoding="utf-8")
WIDEST = 120


def test_the_arrow_of_knowledge_is_the_contract_of_imports():
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    layers = contracts["importlinter:contract:direction"]["layers"].replace("(", "").replace(")", "").split()
    drawn = PAGE.partition("knowledge points")[2].partition("```")[0]
    assert re.findall(r"\w+|\|", drawn) == [name for name in layers if name != "__main__"]


def test_every_room_has_its_line():
    rooms = {path.name for path in (ROOT / "outreach").iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert {room for room in rooms if f"`{room}/`" not in PAGE} == set()


def test_no_line_is_wider_than_code():
    assert [line for line in PAGE.splitlines() if len(line) > WIDEST] == []


def test_the_files_that_recipes_name_are_there():
    told = PAGE.partition("## Where things go")[2].partition("\n## Pages")[0]
    told += (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+(?:\.\w+|/))`", told)
    assert len(named) > 10
    there = {name for name in named if (ROOT / name).exists() or (ROOT / "outreach" / name).exists()}
    assert set(named) - there == set()
