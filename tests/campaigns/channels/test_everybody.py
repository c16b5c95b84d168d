"""Random outcomes of letters, paper and calls: never two channels at once, and everybody reached or with a reason."""

from random import Random

import pytest
from sqlalchemy import select, update

from outreach.campaigns import counting, evidence, planning, results
from outreach.campaigns.counting import TO_REACH, Reach
from outreach.campaigns.evidence import OPEN, EscalationStep, ReachChannel, StepReason, StepState
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import ReachedFilters
from outreach.campaigns.segments import ReachedBy, listed_authorities
from outreach.core.text.errors import InputError, Refused
from outreach.delivery.models import Message, MessageState, Reason, SuppressionReason
from tests.campaigns.channels.climbing import climb
from tests.campaigns.channels.test_climbing import AT, day, exclude, with_ladder
from tests.campaigns.conftest import AUTHOR, settle
from tests.conftest import state_from
from tests.engagement.replies.test_answers import give

ENDS = (
    *(MessageState.ACCEPTED, MessageState.REFUSED, MessageState.EXPIRED, MessageState.IN_DOUBT, MessageState.QUEUED),
    *(Reason.NO_ADDRESS, Reason.BOUNCED, Reason.UNREVIEWED, Reason.SUPPRESSED, Reason.LEFT_OUT, Reason.SOLICITED),
)
DONE = {
    ReachChannel.PAPER: [StepState.PRINTED, StepState.TRIED, StepState.FAILED],
    ReachChannel.CALL: [StepState.TRIED, StepState.FAILED],
}
LADDERS = ("other_mailbox:1:failed paper:3:failed call:5:failed", "paper:2:failed call:4:silent", "call:2:failed")


@state_from("programmed")
def twelve_settled(database, _settings):
    """Twelve authorities, and a campaign to them whose letters wait."""
    settle(database, 12)


@pytest.mark.parametrize(
    ("backend", "seed"),
    [
        ("sqlite", 0),
        pytest.param("postgresql", 1, marks=pytest.mark.long),
        *(pytest.param(one, seed, marks=pytest.mark.deep) for one in ("sqlite", "postgresql") for seed in range(2, 6)),
    ],
)
def test_whatever_happens_no_two_channels_at_once_and_everybody_is_reached_or_has_a_reason(twelve_settled, seed):
    chance = Random(seed)
    with_ladder(twelve_settled, LADDERS[seed % len(LADDERS)])
    for number in range(8):
        something_happens(twelve_settled, chance, number)
        climb(twelve_settled, day(number))
        no_two_channels(twelve_settled)
        everybody_is_told(twelve_settled, number)


def something_happens(database, chance, number):
    with database.writing() as session:
        for key in session.scalars(select(Message.id).where(Message.authority_id.is_not(None))).all():
            if number == 0 or chance.random() < 0.1:
                ends(session, key, chance.choice(ENDS))
        for step in session.scalars(
            select(EscalationStep).where(EscalationStep.state.in_((*OPEN, StepState.TRIED)))
        ).all():
            to = chance.choice(DONE.get(step.channel, [StepState.TRIED]))
            if chance.random() < 0.7 and (step.state, to) != (StepState.TRIED, StepState.TRIED):
                move(session, step, to)
    for _ in range(2):
        answer(database, chance.choice(letters(database)), chance.choice(["informed", "in_preparation"]), number)
    if chance.random() < 0.3:
        exclude(database, chance.choice([*SuppressionReason]))


def letters(database):
    with database.reading() as session:
        return session.scalars(select(Message.id).where(Message.address != "").order_by(Message.id)).all()


def answer(database, letter, said, number):
    try:
        give(database, letter, said, now=day(number))
    except (InputError, Refused):
        return


def ends(session, key, end):
    reason = end if isinstance(end, Reason) else None
    state = MessageState.WITHDRAWN if reason else end
    left = {} if reason or end is MessageState.QUEUED else {"fence_id": "f", "fenced_at": AT, "settled_at": AT}
    session.execute(update(Message).where(Message.id == key).values(state=state, reason=reason, **left))


def move(session, step, to):
    try:
        reason = StepReason.RETURNED if to is StepState.FAILED else None
        evidence.move_step(session, evidence.in_turn(session, step.id), to, now=AT, actor=AUTHOR, reason=reason)
    except Refused:
        return


def no_two_channels(database):
    """Of one authority: one step open, each channel once, and nothing tried while another channel still stands."""
    with database.reading() as session:
        of = {}
        for step in session.scalars(select(EscalationStep).order_by(EscalationStep.id)):
            of.setdefault(step.authority_id, []).append(step)
    for theirs in of.values():
        assert sum(step.state in OPEN for step in theirs) <= 1
        assert len({step.channel for step in theirs}) == len(theirs)
        assert len({step.rung for step in theirs}) == len(theirs)


def everybody_is_told(database, number):
    with database.reading() as session:
        campaign = session.get_one(Campaign, 1)
        counted = counting.of_authorities(session, campaign, now=day(number)).authorities
        rows = list(results.list_reached(session, campaign, ReachedFilters(), now=day(number)).every())
        assert counted["targeted"] == len(rows) == 12
        assert all((row.reach is not None) == (row.kind in TO_REACH) for row in rows)
        assert {one: sum(row.reach is one for row in rows) for one in Reach} == {one: counted[one] for one in Reach}
        assert sum(counted[one] for one in Reach) == counted["to_reach"]
        assert all((row.reach is Reach.REACHED) == bool(row.proof) for row in rows)
        assert all(row.stands and (row.evidence or row.why) for row in rows)
        left = {row.key for row in rows if row.reach not in (None, Reach.REACHED)}
        proved = {row.key for row in rows if row.evidence}
        context = planning.context_of(session, campaign, now=day(number))
        for kind, expected in (("proved", proved), ("unproved", left)):
            assert set(session.scalars(listed_authorities(context, ReachedBy(mailings=(1,), reach=kind)))) == expected
