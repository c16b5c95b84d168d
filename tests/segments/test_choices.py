"""The page's boxes and the criteria they mean: each gives the other back, or says that it cannot."""

from hypothesis import given
from hypothesis import strategies as st

from outreach.adherence.models import RollUp, Status
from outreach.directory.models import Level
from outreach.segments.choices import EVERY_CELL, Choices
from outreach.segments.criteria import And, HasLevel, InNetwork, InZone, Not, Or, SchoolStatus, Which, sentence
from outreach.segments.criteria_json import from_json, to_json

several = lambda values: st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)  # noqa: E731
choices = st.builds(
    Choices,
    strand=st.just(1),
    cells=st.frozensets(st.sampled_from(sorted(EVERY_CELL))),
    statuses=several(list(Status)),
    which=st.sampled_from(Which),
    roll_ups=several(list(RollUp)),
    zones=several(["Namur", "Huy-Waremme"]),
    never_answered=st.booleans(),
    quiet_days=st.integers(0, 400),
    unreachable=st.booleans(),
)


@given(choices)
def test_boxes_come_back_ticked(made):
    asked = made.criterion()
    back = Choices.of(asked, 1)
    assert back is not None
    assert back.criterion() == asked
    assert (back.cells or EVERY_CELL) == (made.cells or EVERY_CELL)
    assert Choices.of(from_json(to_json(asked)), 1) == back


def test_a_rectangle_of_cells_reads_as_two_conditions():
    cells = frozenset({("WBE", Level.SECONDARY), ("COCOF", Level.SECONDARY)})
    asked = Choices(strand=1, cells=cells).criterion()
    assert asked == And((InNetwork(("WBE", "COCOF")), HasLevel((Level.SECONDARY,))))
    assert Choices(strand=1, cells=EVERY_CELL).criterion() == And()
    assert sentence(Choices(strand=1).criterion()) == "Tous les pouvoirs organisateurs."


def test_what_boxes_cannot_say_is_told():
    status = SchoolStatus(strand=2, statuses=("joined",))
    assert Choices.of(Not(InNetwork(("WBE",))), 1) is None
    assert Choices.of(Or((InNetwork(("WBE",)), status)), 1) is None
    assert Choices.of(And((status,)), 1) is None  # another strand than the campaign's
    assert Choices.of(And((InZone(("Namur",)), InZone(("Huy-Waremme",)))), 1) is None
    assert Choices.of(HasLevel((Level.SECONDARY,)), 1) is not None
