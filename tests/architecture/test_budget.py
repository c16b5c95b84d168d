"""No house grows by the way: what each may have of lines and of doors stands in `design/budget.toml`."""

import ast
import tomllib
from collections import defaultdict

from outreach.core.settings import ROOT

BUDGET = ROOT / "design/budget.toml"


def test_each_house_has_no_more_lines_than_its_budget():
    allowed = tomllib.loads(BUDGET.read_text(encoding="utf-8"))["lines"]
    found = {}
    for path in (ROOT / "outreach").rglob("*"):
        house, *inside = path.relative_to(ROOT / "outreach").parts
        if path.suffix == ".py" and inside and inside[0] != "migrations":
            found[house] = found.get(house, 0) + len(path.read_text(encoding="utf-8").splitlines())
    assert set(found) == set(allowed), "each house, and no other, has a line in design/budget.toml"
    grown = [f"{house}: {lines}, not {allowed[house]}" for house, lines in found.items() if lines > allowed[house]]
    assert grown == [], "take something away, or change design/budget.toml and say why"


def test_each_house_is_entered_by_no_more_doors_than_its_budget():
    allowed = tomllib.loads(BUDGET.read_text(encoding="utf-8"))["doors"]
    code = {path: path.relative_to(ROOT).with_suffix("").parts for path in (ROOT / "outreach").rglob("*.py")}
    modules = {".".join(parts).removesuffix(".__init__") for parts in code.values()}
    doors = defaultdict(set)
    for path, parts in code.items():
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("outreach."):
                for name in node.names:
                    inner = f"{node.module}.{name.name}"
                    door = inner if inner in modules else node.module
                    if door.split(".")[1] != parts[1] and door.count(".") > 1:
                        doors[door.split(".")[1]].add(door)
    found = {house: len(these) for house, these in doors.items()}
    assert sum(found.values()) > 100
    grown = {house: sorted(doors[house]) for house in found if found[house] > allowed.get(house, 0)}
    assert grown == {}, "let these go through the door of a room, or change design/budget.toml and say why"
