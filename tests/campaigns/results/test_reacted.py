"""The criterion `reacted` and the list of reactions mean the same authorities, whatever came of random letters."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.adherence.models import AdherenceRecord, Status, Strand
from outreach.campaigns import planning
from outreach.campaigns.models import Wave
from outreach.campaigns.segments import listed_authorities
from outreach.delivery.models import Message, MessageState, MessageSubject, Reason
from outreach.engagement.replies import Answer, Response
from outreach.engagement.tracking import Reaction, reacting_authorities
from tests import factories
from tests.campaigns.conftest import advance, approved, launch, settle
from tests.conftest import NOW
from tests.factories import undone

reactions = pytest.importorskip("outreach.campaigns.results._reactions")
STATES = [MessageState.ACCEPTED] * 4 + [MessageState.REFUSED, MessageState.IN_DOUBT, MessageState.WITHDRAWN]


def shuffle(session, dice):
    """Give every letter some state, and some authorities an answer or a joining, at some time."""
    strand = session.scalars(select(Strand.id)).one()
    for letter in session.scalars(select(Message).order_by(Message.id)).all():
        state, at = dice.choice(STATES), NOW + timedelta(hours=dice.randrange(6))
        code = dice.choice([None, 550]) if state is MessageState.REFUSED else None
        sent = {"fence_id": "f", "fenced_at": at, "settled_at": at, "reply_code": code}
        reason = Reason.SUPPRESSED if state is MessageState.WITHDRAWN else None
        session.execute(update(Message).where(Message.id == letter.id).values(state=state, reason=reason, **sent))
        if dice.random() < 0.15:
            about = {"message_id": letter.id, "authority_id": letter.authority_id, "strand_id": strand}
            session.add(Response(answer=Answer.INFORMED, given_at=NOW + timedelta(hours=dice.randrange(6)), **about))
    for school in session.scalars(select(MessageSubject.school_id).distinct()).all():
        for place in range(dice.choice([0, 0, 0, 1, 2])):
            day = NOW.date() + timedelta(days=dice.choice([-1, 0, 0]))
            status = {"status": dice.choice([Status.JOINED, Status.DECLINED]), "effective_on": day}
            at = {"recorded_at": NOW + timedelta(seconds=place)}
            session.add(AdherenceRecord(**factories.adherence_record(school, strand, NOW, **status, **at)))


@pytest.mark.long
def test_the_criterion_and_the_list_mean_the_same_authorities(database, people, strand):
    settle(database, 12, schools=2)
    launch(database, approved(database, reminders=(7,)))
    with database.reading() as session:
        due_at = session.scalars(select(Wave.due_at).where(Wave.number == 2)).one()
    advance(database, 2, due_at)
    later, dice, found = NOW + timedelta(days=8), random.Random(7), set()
    for _ in range(4):
        with undone(database) as session:
            session.begin()
            shuffle(session, dice)
            session.flush()
            campaign = planning.campaign_numbered(session, 1)
            context = planning.context_of(session, campaign, now=later)
            for wave in (None, 1, 2):
                of_wave = {} if wave is None else {"wave": wave}
                plain = {"reacted": {"campaign": 1, **of_wave, "reaction": "none"}}
                meant = set(session.scalars(listed_authorities(context, planning.read_criterion(session, plain))))
                asked = reactions.asked_of(campaign, now=later, wave=wave)
                rows = reactions.list_reactions(session, asked, reacting_authorities(asked, Reaction.NONE))
                assert {row.authority_id for row in rows} == meant
                found.add(len(meant))
            session.rollback()
    assert len(found) > 2, "the letters differed"
