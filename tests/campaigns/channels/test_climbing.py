"""The ladder: whom a rung is for, what stops it, and what leads on; one step of an authority is open at a time."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from outreach.campaigns import counting, evidence, planning
from outreach.campaigns.evidence import EscalationStep, ReachTransition, StepReason, StepState
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.results import _reached as reached
from outreach.delivery import bounces, outbox
from outreach.delivery.models import Message, MessageState, Reason, SuppressionReason
from outreach.directory.models import Authority, Contact
from outreach.engagement import tracking
from outreach.engagement.tracking import Agent, Hit, HitClass
from outreach.engagement.tracking._bot_detection import VERSION, Why
from outreach.operations.retention import RULES, forget_by_rule
from tests.campaigns.channels.climbing import climb
from tests.campaigns.conftest import APPROVER, AUTHOR, add_contact, draft, launch, move, settle
from tests.conftest import NOW, state_from
from tests.engagement.replies.test_answers import give

AT = NOW + timedelta(days=3)
LADDER = "other_mailbox:1:failed paper:3:failed call:5:failed"


def approve(database, number):
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)


def with_ladder(database, ladder, **changes):
    """A campaign of this ladder, approved and launched; returns its number."""
    number = draft(database, **changes)
    move(database, number, planning.revise_campaign, {"ladder": ladder})
    approve(database, number)
    launch(database, number, at=AT)
    return number


@state_from("programmed")
def five_on_a_ladder(database, _settings):
    """Five authorities to which letters left, all accepted; the campaign has three rungs."""
    settle(database, 5)
    with_ladder(database, LADDER)
    became(database, *[MessageState.ACCEPTED] * 5)


def became(database, *states):
    """Let the letters come to these ends, in order."""
    with database.writing() as session:
        for key, state in zip(session.scalars(select(Message.id).order_by(Message.id)).all(), states, strict=False):
            of = state if isinstance(state, MessageState) else MessageState.WITHDRAWN
            reason = state if isinstance(state, Reason) else None
            left = {"fence_id": "f", "fenced_at": AT, "settled_at": AT} if reason is None else {"settled_at": AT}
            session.execute(update(Message).where(Message.id == key).values(state=of, reason=reason, **left))


def opened(database):
    """The steps by authority: rung, state, reason."""
    with database.reading() as session:
        found = session.scalars(select(EscalationStep).order_by(EscalationStep.id))
        return [(step.authority_id, step.channel.value, step.state.value, str(step.reason)) for step in found]


def day(number):
    return AT + timedelta(days=number)


def after(database, step, state, **details):
    with database.writing() as session:
        evidence.move_step(session, evidence.in_turn(session, step), state, now=NOW, actor=AUTHOR, **details)


@pytest.mark.long
def test_a_rung_is_for_those_whose_mail_failed_once_its_day_has_come(five_on_a_ladder):
    became(five_on_a_ladder, MessageState.REFUSED, Reason.NO_ADDRESS, MessageState.EXPIRED, MessageState.ACCEPTED)
    assert climb(five_on_a_ladder, day(0)) == (0, 0)
    assert climb(five_on_a_ladder, day(1)) == (0, 3)
    assert opened(five_on_a_ladder) == [(key, "other_mailbox", "failed", "no_other_mailbox") for key in (1, 2, 3)]
    assert climb(five_on_a_ladder, day(2)) == (0, 0)
    assert climb(five_on_a_ladder, day(3)) == (0, 3)
    assert opened(five_on_a_ladder)[3:] == [
        (1, "paper", "due", "refused"),
        (2, "paper", "due", "no_address"),
        (3, "paper", "due", "expired"),
    ]
    assert climb(five_on_a_ladder, day(9)) == (0, 0), "no call before paper has failed"


@pytest.mark.long
def test_a_letter_on_paper_that_returns_leads_to_a_call_and_one_that_is_posted_is_presumed_to_arrive(five_on_a_ladder):
    became(five_on_a_ladder, MessageState.REFUSED, MessageState.REFUSED)
    climb(five_on_a_ladder, day(1))
    climb(five_on_a_ladder, day(3))
    for step in (3, 4):
        after(five_on_a_ladder, step, StepState.PRINTED)
        after(five_on_a_ladder, step, StepState.TRIED, day=NOW.date())
    after(five_on_a_ladder, 3, StepState.FAILED, reason=StepReason.RETURNED)
    assert climb(five_on_a_ladder, day(5)) == (0, 1)
    assert opened(five_on_a_ladder)[-1] == (1, "call", "due", "refused")
    unread = "3 remis au serveur d’envoi, retours non lus"
    assert told(five_on_a_ladder) == (
        f"5 PO à atteindre : 1 présumé atteint, {unread}, 1 à atteindre encore, dont 1 à appeler."
    )
    after(five_on_a_ladder, 5, StepState.TRIED)
    assert told(five_on_a_ladder) == f"5 PO à atteindre : 1 a réagi, 1 présumé atteint, {unread}."
    with five_on_a_ladder.writing() as session:
        bounces.note_box_read(session, now=day(8))
    assert told(five_on_a_ladder) == "5 PO à atteindre : 1 a réagi, 4 présumés atteints."


def told(database, number=1):
    with database.reading() as session:
        campaign = session.get_one(Campaign, number)
        counted = counting.of_authorities(session, campaign, now=day(9)).authorities
        todo = reached.still_to_do(counted, reached.count_open_steps(session, campaign))
        return f"{reached.sentence(counted)[:-1]}{todo}.".replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.long
def test_another_mailbox_gets_the_wave_s_letter_in_the_wave_s_own_rows(five_on_a_ladder):
    became(five_on_a_ladder, MessageState.REFUSED)
    with five_on_a_ladder.writing() as session:
        add_contact(session, session.get_one(Authority, 1), "secretariat@po1.example")
    climb(five_on_a_ladder, day(1))
    with five_on_a_ladder.reading() as session:
        letter = session.scalars(select(Message).order_by(Message.id.desc())).first()
        assert (letter.address, letter.state) == ("secretariat@po1.example", MessageState.QUEUED)
        assert (letter.mailing_id, letter.authority_id) == (1, 1)
        assert session.get_one(Wave, 1).state == "running"
    assert climb(five_on_a_ladder, day(3)) == (0, 0), "it is on its way"
    became(five_on_a_ladder, *[MessageState.REFUSED], *[MessageState.ACCEPTED] * 4, MessageState.REFUSED)
    assert climb(five_on_a_ladder, day(3)) == (0, 1), "it was refused as well"


@state_from("five_on_a_ladder")
def open_on_paper(database, _settings):
    """The first of them, whose letter was refused, has an open step on paper."""
    became(database, MessageState.REFUSED)
    climb(database, day(1))
    climb(database, day(3))


@pytest.mark.one_example
@pytest.mark.parametrize("stops", ["answered", "unsubscribed", "complaint", "staff", "closed", "arrived"])
def test_what_stops_a_reminder_stops_an_open_step(open_on_paper, stops):
    if stops == "answered":
        give(open_on_paper, 1, "joined", now=day(4))
    elif stops == "closed":
        with open_on_paper.writing() as session:
            session.execute(update(Campaign).values(state="closed"))
    elif stops == "arrived":
        became(open_on_paper, MessageState.ACCEPTED)
    else:
        exclude(open_on_paper, SuppressionReason(stops))
    assert climb(open_on_paper, day(4)) == (1, 0)
    said = {"closed": "ended", "staff": "excluded", "answered": "joined"}.get(stops, stops)
    assert opened(open_on_paper)[-1] == (1, "paper", "stopped", said)
    assert climb(open_on_paper, day(9)) == (0, 0)


def exclude(database, reason):
    with database.writing() as session:
        letter = session.get_one(Message, 1)
        outbox.suppress_address(session, letter.address_key, reason, now=NOW, actor=AUTHOR)


@pytest.mark.long
def test_a_bounce_leads_on_and_an_unsubscription_ends_it_unless_the_letter_is_statutory(five_on_a_ladder):
    became(five_on_a_ladder, MessageState.REFUSED)
    exclude(five_on_a_ladder, SuppressionReason.HARD_BOUNCE)
    assert climb(five_on_a_ladder, day(1)) == (0, 1)
    exclude(five_on_a_ladder, SuppressionReason.UNSUBSCRIBED)
    assert climb(five_on_a_ladder, day(3)) == (0, 0)
    with five_on_a_ladder.writing() as session:
        session.get_one(Campaign, 1).message_class = "statutory"
    with five_on_a_ladder.writing() as session:
        session.get_one(Campaign, 1).state = "draft"
    approve(five_on_a_ladder, 1)
    assert climb(five_on_a_ladder, day(3)) == (0, 1)


@pytest.mark.long
def test_paper_follows_the_mail_for_all_where_the_campaign_says_so(programmed):
    settle(programmed, 3)
    with_ladder(programmed, "paper:2:always")
    became(programmed, *[MessageState.ACCEPTED] * 3)
    assert climb(programmed, day(2)) == (0, 3)
    assert {step[3] for step in opened(programmed)} == {"follows"}


@pytest.mark.long
def test_a_rung_for_silence_leaves_out_whoever_answered(programmed):
    settle(programmed, 3)
    with_ladder(programmed, "call:10:silent")
    became(programmed, *[MessageState.ACCEPTED] * 3)
    give(programmed, 2, "in_preparation", now=day(1))
    assert climb(programmed, day(10)) == (0, 2)
    assert [step[0] for step in opened(programmed)] == [1, 3]


@pytest.mark.long
def test_no_rung_opens_once_what_letters_brought_is_deleted(programmed):
    """Clicks go after 13 months: who followed a link is silent by then, and nobody is called about it."""
    settle(programmed, 3)
    said = {"given_by": "x", "taken_on": NOW.date(), "wording": "x", "channel": "x"}
    with programmed.writing() as session:
        for contact in session.scalars(select(Contact)).all():
            tracking.record_consent(session, contact, **said, now=NOW, actor=AUTHOR)
    with_ladder(programmed, "paper:5:failed call:10:silent")
    became(programmed, *[MessageState.ACCEPTED] * 3)
    seen = {"agent": Agent.BROWSER, "is_head": False, "why": Why.NOTHING_SUSPECT, "version": VERSION}
    with programmed.writing() as session:
        for key in (1, 2, 3):
            session.add(Hit(message_id=key, link=1, at=day(1), hit_class=HitClass.HUMAN, **seen))
    assert climb(programmed, day(10)) == (0, 0)
    (kept,) = (rule for rule in RULES if rule.name == "hits")
    assert forget_by_rule(programmed, kept, lambda: day(400), threading.Event()) == 3
    became(programmed, MessageState.REFUSED)
    assert climb(programmed, day(400)) == (0, 0)
    assert opened(programmed) == []


def test_no_rung_is_due_before_the_campaign_is_approved_again(five_on_a_ladder):
    became(five_on_a_ladder, MessageState.REFUSED)
    with five_on_a_ladder.writing() as session:
        session.get_one(Campaign, 1).purpose = "autre"
    assert climb(five_on_a_ladder, day(1)) == (0, 0)


def test_each_step_is_dated_and_says_who(five_on_a_ladder):
    became(five_on_a_ladder, MessageState.REFUSED)
    climb(five_on_a_ladder, day(1))
    with five_on_a_ladder.reading() as session:
        moves = session.scalars(select(ReachTransition).order_by(ReachTransition.id)).all()
        assert [(move.state, move.at, move.actor) for move in moves] == [
            (state, day(1), "automatique") for state in ("due", "failed")
        ]
        assert session.scalar(select(func.count()).select_from(EscalationStep)) == 1
