"""A corpus drawn from a seed: each mail goes to whom it is for or to nobody, without what it quotes."""

import pytest

from tests.delivery.received import drawn
from tests.delivery.received.test_attaching import letters, take

assert letters  # a fixture


@pytest.fixture
def backend():
    return "sqlite"


@pytest.mark.long
def test_of_300_mails_none_goes_astray_and_their_quotations_are_cut(database, letters):
    cases = list(drawn.of(letters, 55))
    found = [(case, take(database, case.content)) for case in cases]
    astray = [(case.name, one.fase) for case, one in found if one.fase not in {None, case.fase}]
    right = [(case.verdict, case.fase, case.by) == (one.verdict, one.fase, one.by) for case, one in found]
    missed = [(case.name, one) for (case, one), is_right in zip(found, right, strict=True) if not is_right]
    uncut = [(case.name, one.text, case.said) for case, one in found if case.said is not None and one.text != case.said]
    print(*missed, *uncut, sep="\n")
    assert len(cases) >= 300
    assert not astray
    assert len(missed) <= len(cases) * 0.02
    assert len(uncut) <= len(cases) * 0.02
