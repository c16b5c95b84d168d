"""The stage of a campaign says what is: one whose first wave has left is under way, whatever is still planned."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from outreach.campaigns import planning
from outreach.campaigns.models import Campaign
from outreach.campaigns.models import WaveState as W
from outreach.campaigns.planning import Stage
from outreach.delivery.models import Message, MessageState
from tests.campaigns.conftest import approved, launch, move, settle
from tests.conftest import NOW
from tests.factories import APPROVER

FENCED = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}


def standing(database, number):
    """Where a campaign stands, by each function that tells it; they must agree."""
    with database.reading() as session:
        campaign = session.get_one(Campaign, number)
        told = planning.standing_of(session, campaign)
        assert [(row.campaign, row.standing) for row in planning.list_campaigns(session).every()] == [(campaign, told)]
        assert [row.standing for row in planning.list_campaigns(session, told.stage).page(1)] == [told]
        assert planning.count_stages(session)[told.stage] == 1
        return told.stage, told.label


def end_waves(database, *states):
    """Give the first waves these states, as if their letters had left."""
    with database.writing() as session:
        session.execute(update(Message).values(state=MessageState.ACCEPTED, **FENCED))
        waves = session.get_one(Campaign, 1).waves
        for wave, state in zip(waves, states, strict=False):
            wave.state = state


def test_a_campaign_is_under_way_from_its_first_wave_to_its_last(database, people, strand):
    settle(database, 1)
    launch(database, approved(database, reminders=(14, 24)))
    for states, stage, label in (
        ((W.PLANNED,), Stage.PLANNED, "Planifiée"),
        ((W.MISSED,), Stage.PLANNED, "Planifiée"),
        ((W.RUNNING,), Stage.RUNNING, "En cours"),
        ((W.FINISHED,), Stage.RUNNING, "En cours\u00a0: 1\u00a0vague sur 3 partie"),
        ((W.FINISHED, W.RUNNING), Stage.RUNNING, "En cours\u00a0: 1\u00a0vague sur 3 partie"),
        ((W.FINISHED, W.PAUSED), Stage.PAUSED, "En pause\u00a0: 1\u00a0vague sur 3 partie"),
        ((W.FINISHED, W.FINISHED), Stage.RUNNING, "En cours\u00a0: 2\u00a0vagues sur 3 parties"),
        ((W.FINISHED, W.CANCELLED), Stage.RUNNING, "En cours\u00a0: 1\u00a0vague sur 2 partie"),
        ((W.FINISHED, W.FINISHED, W.FINISHED), Stage.OVER, "Terminée"),
        ((W.FINISHED, W.CANCELLED, W.CANCELLED), Stage.OVER, "Terminée"),
    ):
        end_waves(database, *states, *[W.PLANNED] * (3 - len(states)))
        assert standing(database, 1) == (stage, label), states


@pytest.mark.long
@pytest.mark.parametrize(("has_left", "stage"), [(True, Stage.RUNNING), (False, Stage.PLANNED)])
def test_what_a_cancelled_wave_sent_counts_as_begun(database, people, strand, has_left, stage):
    settle(database, 1)
    number = approved(database)
    launch(database, number)
    end_waves(database, W.RUNNING)
    if not has_left:
        with database.writing() as session:
            session.execute(update(Message).values(state=MessageState.QUEUED, fence_id=None, worker_id=None))
    move(database, number, planning.cancel_campaign)
    move(database, number, planning.restore_campaign)
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    move(database, number, planning.schedule_campaign, NOW + timedelta(days=3))
    assert standing(database, number)[0] is stage
