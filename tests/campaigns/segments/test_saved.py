"""Saved segments: a name of its own, versions that stay, and whom they mean is asked anew."""

import pytest

from outreach.campaigns import segments
from outreach.campaigns.segments import And, InNetwork, Unreachable
from outreach.core.text.errors import InputError, Refused
from tests.conftest import NOW

WBE, BOTH = InNetwork(("WBE",)), And((InNetwork(("WBE",)), Unreachable()))


def test_each_change_is_a_version_that_stays(database):
    with database.writing() as session:
        first = segments.save_segment(session, " Les WBE ", And((WBE,)), now=NOW, actor="nadia")
        segment, number = first.segment, first.segment.id
        assert segments.revise_segment(session, segment, WBE, now=NOW, actor="marc") is first, (
            "the same criteria make none"
        )
        segments.revise_segment(session, segment, BOTH, now=NOW, actor="marc")
        segments.save_segment(session, "Autre", BOTH, now=NOW, actor="nadia")
    with database.reading() as session:
        rows = [(one.name, version.number, version.criterion) for one, version in segments.all_segments(session)]
        assert rows == [("Autre", 1, BOTH), ("Les WBE", 2, BOTH)]
        stored = segments.segment_numbered(session, number)
        assert [(one.number, one.made_by, one.criterion) for one in stored.versions] == [
            (2, "marc", BOTH),
            (1, "nadia", WBE),
        ]


def test_the_name_of_a_segment_in_use_is_its_own(database):
    with database.writing() as session:
        segment = segments.save_segment(session, "Les WBE", WBE, now=NOW, actor="nadia").segment
        other = segments.save_segment(session, "Autre", WBE, now=NOW, actor="nadia").segment
        with pytest.raises(InputError, match="s’appelle déjà « Les WBE »"):
            segments.save_segment(session, "lès wbe", BOTH, now=NOW, actor="nadia")
        with pytest.raises(InputError):
            segments.rename_segment(session, other, "Les WBE", now=NOW, actor="nadia")
        segments.rename_segment(session, segment, "Les WBE", now=NOW, actor="nadia")
        segments.retire_segment(session, segment, now=NOW, actor="nadia")
        segments.rename_segment(session, other, "Les WBE", now=NOW, actor="nadia")
        assert [one.name for one, _ in segments.all_segments(session)] == ["Les WBE"]
        for change in (
            lambda: segments.revise_segment(session, segment, BOTH, now=NOW, actor="x"),
            lambda: segments.retire_segment(session, segment, now=NOW, actor="x"),
        ):
            with pytest.raises(Refused, match="retiré"):
                change()


def test_a_segment_needs_a_name(database):
    with database.reading() as session, pytest.raises(InputError):
        segments.save_segment(session, "  ", WBE, now=NOW, actor="nadia")
