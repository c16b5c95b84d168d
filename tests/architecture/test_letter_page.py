"""The page of a letter's life names the states that letters have, and every move between them once."""

import re

from outreach.core.settings import ROOT
from outreach.delivery.models import MessageState

PAGE = (ROOT / "docs" / "letters.md").read_text(encoding="utf-8")
DIAGRAM = PAGE.partition("stateDiagram-v2\n")[2].partition("```")[0]
MOVES = [
    tuple("" if state == "[*]" else state for state in move)
    for move in re.findall(r"^ *(\S+) --> ([^\s:]+)", DIAGRAM, re.MULTILINE)
]


def test_the_diagram_names_exactly_the_states_of_a_letter():
    assert {state for move in MOVES for state in move if state} == {state.value for state in MessageState}


def test_the_table_explains_every_move_of_the_diagram():
    rows = re.findall(r"^\| (?:–|`(\w+)`) \| `(\w+)` \| .+ \| `.+` \|$", PAGE, re.MULTILINE)
    assert rows == [move for move in MOVES if move[1]]
