"""Calls asked for from a list join the campaign's; whoever answered, joined or asked for no more is left out."""

import pytest
from sqlalchemy import select

from outreach.campaigns import channels
from outreach.campaigns.evidence import EscalationStep, StepReason, StepState
from outreach.campaigns.models import Campaign
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import outbox
from outreach.delivery.models import Message, MessageState, SuppressionReason
from tests.campaigns.channels.climbing import climb
from tests.campaigns.channels.test_climbing import became, day, five_on_a_ladder
from tests.campaigns.conftest import AUTHOR
from tests.engagement.replies.test_answers import give

__all__ = ["five_on_a_ladder"]


def ask(database, keys):
    with database.writing() as session:
        return channels.ask_for_calls(session, session.get_one(Campaign, 1), keys, now=day(1), actor=AUTHOR)


def calls(database):
    with database.reading() as session:
        found = channels.list_calls(session, session.get_one(Campaign, 1)).every()
        return {row.authority.id: row.step.reason for row in found}


@pytest.mark.long
@pytest.mark.postgresql
def test_those_of_a_list_join_the_calls_and_others_are_left_out(five_on_a_ladder):
    became(five_on_a_ladder, MessageState.REFUSED)
    give(five_on_a_ladder, 2, "in_preparation", now=day(0))
    with five_on_a_ladder.writing() as session:
        third = session.get_one(Message, 3)
        outbox.suppress_address(session, third.address_key, SuppressionReason.COMPLAINT, now=day(0), actor=AUTHOR)
    asked = ask(five_on_a_ladder, {1, 2, 3, 4, 99})
    assert (asked.added, asked.waiting, asked.left_out) == (2, 0, 3)
    assert asked.in_words.startswith("2\u00a0PO ajoutés aux appels, 3 pas à appeler")
    assert calls(five_on_a_ladder) == {1: StepReason.REFUSED, 4: StepReason.SILENT}
    again = ask(five_on_a_ladder, {1, 4, 5})
    assert (again.added, again.waiting, again.left_out) == (1, 2, 0)


@pytest.mark.long
def test_a_call_about_a_letter_that_arrived_stays_until_an_answer_comes(five_on_a_ladder):
    ask(five_on_a_ladder, {1, 2})
    assert climb(five_on_a_ladder, day(2))[0] == 0, "an accepted letter does not stop it"
    give(five_on_a_ladder, 1, "in_preparation", now=day(2))
    assert climb(five_on_a_ladder, day(2))[0] == 1
    with five_on_a_ladder.writing() as session:
        step = session.scalars(select(EscalationStep).where(EscalationStep.authority_id == 2)).one()
        channels.take_call(session, session.get_one(Campaign, 1), step.id, now=day(3), actor=AUTHOR)
        assert step.state is StepState.DUE


@pytest.mark.long
def test_nobody_and_too_many_and_a_campaign_that_ended_are_refused(five_on_a_ladder):
    with pytest.raises(InputError, match="de 1 à 300"):
        ask(five_on_a_ladder, set())
    with pytest.raises(InputError, match="filtrez"):
        ask(five_on_a_ladder, set(range(channels.MOST + 1)))
    with five_on_a_ladder.writing() as session:
        session.get_one(Campaign, 1).state = "closed"
    with pytest.raises(Refused, match="terminée"):
        ask(five_on_a_ladder, {1})


def test_the_campaigns_to_call_for_are_those_whose_letters_left(five_on_a_ladder):
    with five_on_a_ladder.reading() as session:
        assert list(channels.campaigns_to_call_for(session)) == [1]
