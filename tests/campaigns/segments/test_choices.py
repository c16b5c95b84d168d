"""The page's networks, levels and conditions, and the criteria they mean: each gives the other back."""

from hypothesis import given
from hypothesis import strategies as st

from outreach.adherence.models import Status
from outreach.campaigns.segments import (
    LEAVES,
    And,
    Choices,
    HasLevel,
    InNetwork,
    InZone,
    Not,
    SchoolStatus,
    Unreachable,
    from_json,
    sentence_of,
    to_json,
)
from outreach.campaigns.segments import _presentation as presentation
from outreach.campaigns.segments._criteria import NotWrittenSince, Or
from outreach.directory.models import Level
from outreach.directory.reference import NetworkCode

conditions = st.one_of(
    st.lists(st.sampled_from(["Namur", "Huy-Waremme"]), min_size=1, unique=True).map(
        lambda names: InZone(tuple(names))
    ),
    st.integers(1, 400).map(lambda days: NotWrittenSince(days=days)),
    st.just(Not(InNetwork(("WBE",)))),
    st.just(Or((InNetwork(("WBE",)), Unreachable()))),
    st.lists(st.sampled_from(Status), min_size=1, unique=True).map(
        lambda statuses: SchoolStatus(strand=2, statuses=tuple(statuses), which="all")
    ),
)
choices = st.builds(
    Choices,
    networks=st.frozensets(st.sampled_from(NetworkCode)),
    levels=st.frozensets(st.sampled_from(Level)),
    conditions=st.lists(conditions, max_size=3).map(tuple),
)


@given(choices)
def test_any_choice_comes_back(made):
    asked = made.criterion()
    back = Choices.of(asked)
    assert back.criterion() == asked
    assert (back.networks or {*NetworkCode}, back.levels or {*Level}) == (
        made.networks or {*NetworkCode},
        made.levels or {*Level},
    )
    assert back.conditions == made.conditions
    assert Choices.of(from_json(to_json(asked))) == back


@given(conditions)
def test_what_the_controls_of_a_condition_show_is_that_condition(condition):
    inner = condition.negated if isinstance(condition, Not) else condition
    if inner.word in LEAVES:
        assert presentation.make_leaf(*presentation.values_of(inner)) == inner


def test_all_of_a_kind_is_no_condition():
    asked = Choices(frozenset({NetworkCode.COCOF, NetworkCode.WBE}), frozenset({Level.SECONDARY})).criterion()
    assert asked == And((InNetwork(("WBE", "COCOF")), HasLevel((Level.SECONDARY,))))
    assert Choices(frozenset(NetworkCode), frozenset(Level)).criterion() == And()
    assert sentence_of(Choices().criterion()) == "Tous les pouvoirs organisateurs."


def test_networks_that_contradict_each_other_do_not_become_everybody():
    nobody = And((InNetwork(("WBE",)), InNetwork(("COCOF",))))
    assert Choices.of(nobody).criterion() == nobody


def test_every_criterion_has_a_title_to_be_offered_by():
    offered = {presentation.LETTERS if word in presentation.OF_LETTERS else word for word in LEAVES}
    assert offered <= presentation.TITLES.keys()
