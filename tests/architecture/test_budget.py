"""No folder grows by the way: what each may have of lines stands in `design/budget.toml`."""

import tomllib

from outreach.settings import ROOT

BUDGET = ROOT / "design/budget.toml"


def test_each_folder_of_the_program_has_no_more_lines_than_its_budget():
    allowed = tomllib.loads(BUDGET.read_text(encoding="utf-8"))["lines"]
    found = {}
    for path in (ROOT / "outreach").rglob("*"):
        folder = path.relative_to(ROOT / "outreach").parts[0]
        if path.suffix == ".py" and folder != "migrations" and path.parent != ROOT / "outreach":
            found[folder] = found.get(folder, 0) + len(path.read_text(encoding="utf-8").splitlines())
    assert set(found) == set(allowed), "each folder of the program, and no other, has a line in design/budget.toml"
    grown = [f"{folder}: {lines}, not {allowed[folder]}" for folder, lines in found.items() if lines > allowed[folder]]
    assert grown == [], "take something away, or change design/budget.toml and say why"
