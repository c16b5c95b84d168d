"""Steps of the ladder: one of a rung, one open at a time, each move a dated row that stays."""

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from outreach.campaigns import evidence
from outreach.campaigns.evidence import (
    OPEN,
    CallOutcome,
    EscalationStep,
    ReachChannel,
    ReachTransition,
    StepReason,
    StepState,
)
from outreach.campaigns.evidence._steps import STEP_MOVES
from outreach.core.text.errors import NotFound, Refused
from outreach.delivery.models import Message
from tests.conftest import NOW
from tests.engagement.replies.test_answers import three_asked

__all__ = ["three_asked"]
pytestmark = pytest.mark.postgresql
WHO, DAY = "nadia.lambert@fwb.example", NOW.date()


def opened(session, rung, channel=ReachChannel.PAPER):
    """A step of a rung for the authority of the first letter."""
    letter = session.scalars(select(Message).order_by(Message.id)).first()
    of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
    return evidence.open_step(session, **of, rung=rung, channel=channel, reason=StepReason.BOUNCED, now=NOW, actor=WHO)


def test_each_move_is_a_dated_row_and_the_step_repeats_the_last(three_asked):
    with three_asked.writing() as session:
        step = evidence.in_turn(session, opened(session, 1).id)
        evidence.move_step(session, step, StepState.PRINTED, now=NOW, actor=WHO)
        evidence.move_step(session, step, StepState.TRIED, now=NOW + timedelta(days=1), actor=WHO, day=DAY)
        evidence.move_step(session, step, StepState.FAILED, now=NOW, actor=WHO, reason=StepReason.RETURNED, note="NPAI")
        moves = session.scalars(select(ReachTransition).order_by(ReachTransition.id)).all()
        assert [move.state for move in moves] == ["due", "printed", "tried", "failed"]
        assert [move.reason for move in moves] == [StepReason.BOUNCED, None, None, StepReason.RETURNED]
        assert moves[2].day == DAY
        assert (step.state, step.reason) == (StepState.FAILED, StepReason.RETURNED)


def test_a_step_makes_only_the_moves_of_its_state(three_asked):
    with three_asked.writing() as session:
        step = opened(session, 1)
        for state in StepState:
            for to in set(StepState) - STEP_MOVES[state]:
                step.state = state
                with pytest.raises(Refused, match="ne peut pas devenir"):
                    evidence.move_step(session, step, to, now=NOW, actor=WHO)


def test_the_database_refuses_two_steps_of_a_rung_and_two_open_ones(three_asked):
    """Never two channels for one authority at a time, whatever a program does."""
    with three_asked.writing() as session:
        evidence.move_step(session, opened(session, 1), StepState.FAILED, now=NOW, actor=WHO)
        opened(session, 2)
    for rung in (1, 3):
        with pytest.raises(IntegrityError), three_asked.writing() as session:
            opened(session, rung, ReachChannel.CALL)
    with three_asked.reading() as session:
        found = session.scalars(select(EscalationStep).order_by(EscalationStep.rung)).all()
        assert [(step.rung, step.state in OPEN) for step in found] == [(1, False), (2, True)]


def test_a_row_of_what_was_done_stays(three_asked):
    with three_asked.writing() as session:
        opened(session, 1)
    with suppress(IntegrityError), three_asked.writing() as session:
        session.execute(delete(ReachTransition))
    with three_asked.reading() as session:
        assert session.scalars(select(ReachTransition)).all()


def test_a_step_that_is_not_there_is_said_so(three_asked):
    with three_asked.writing() as session, pytest.raises(NotFound):
        evidence.in_turn(session, 9)


def test_every_channel_state_reason_and_outcome_has_a_label():
    for kind in (ReachChannel, StepState, StepReason, CallOutcome):
        assert all(member.label for member in kind)
