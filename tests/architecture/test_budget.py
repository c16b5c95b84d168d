"""No house grows by the way: what each may have of lines stands in `design/budget.toml`."""

import tomllib

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
