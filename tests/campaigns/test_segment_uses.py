"""A campaign takes its audience from a saved segment, keeps its own copy, and says what has changed since."""

import pytest

from outreach.campaigns import planning, segments
from outreach.campaigns.models import CampaignState
from outreach.campaigns.planning import _segment_uses as segment_uses
from outreach.campaigns.segments import InNetwork, Unreachable, to_json
from outreach.core.text.errors import Refused
from tests.campaigns.conftest import APPROVER, AUTHOR, draft, move
from tests.conftest import NOW

WBE, OTHERS = InNetwork(("WBE",)), Unreachable()
BY = {"now": NOW, "actor": AUTHOR}


@pytest.fixture
def taken(database, people, strand):
    """An approved campaign whose audience is the first version of segment 1."""
    number = draft(database)
    with database.writing() as session:
        segment = segments.save_segment(session, "Les WBE", WBE, **BY).segment
        segment_uses.take_segment(session, planning.in_turn(session, number), segment, **BY)
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    return number


def use(session, number):
    return segment_uses.use_of(session, planning.campaign_numbered(session, number))


def test_an_approved_campaign_keeps_its_copy_when_the_segment_changes(database, taken):
    with database.writing() as session:
        assert not use(session, taken).has_changed
        segments.revise_segment(session, segments.segment_numbered(session, 1), OTHERS, **BY)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, taken)
        assert (campaign.state, campaign.criteria) == (CampaignState.APPROVED, to_json(WBE))
        told = use(session, taken)
        assert (told.version.number, told.latest.number, told.has_changed, told.is_same) == (1, 2, True, True)
        ((used_by, version),) = segment_uses.list_uses(session, told.segment)
        assert (used_by.id, version.number) == (taken, 1)
        assert segment_uses.count_uses(session) == {1: 1}


def test_taking_the_segment_again_asks_for_another_approval(database, taken):
    with database.writing() as session:
        segment = segments.segment_numbered(session, 1)
        segments.revise_segment(session, segment, OTHERS, **BY)
        segment_uses.take_segment(session, planning.in_turn(session, taken), segment, **BY)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, taken)
        assert (campaign.state, campaign.criteria) == (CampaignState.DRAFT, to_json(OTHERS))
        assert not use(session, taken).has_changed


def test_an_audience_changed_in_the_campaign_is_told_and_may_become_the_next_version(database, taken):
    with database.writing() as session:
        campaign = planning.in_turn(session, taken)
        planning.revise_campaign(session, campaign, {"criteria": to_json(OTHERS)}, **BY)
        assert not use(session, taken).is_same
        segment_uses.keep_in(session, campaign, segments.segment_numbered(session, 1), **BY)
        told = use(session, taken)
        assert (told.version.number, told.is_same, told.has_changed) == (2, True, False)
        segment_uses.keep_as(session, campaign, "Injoignables", **BY)
        assert use(session, taken).segment.name == "Injoignables"


def test_a_retired_segment_is_taken_no_more(database, taken):
    with database.writing() as session:
        segment = segments.segment_numbered(session, 1)
        segments.retire_segment(session, segment, **BY)
        with pytest.raises(Refused, match="retiré"):
            segment_uses.take_segment(session, planning.in_turn(session, taken), segment, **BY)
        assert use(session, taken) is not None
