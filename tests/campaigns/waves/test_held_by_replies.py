"""What a person wrote back holds what follows, at whatever moment it comes, until a colleague has decided."""

import random
import uuid
from datetime import timedelta
from itertools import batched

import pytest
from sqlalchemy import select

from outreach.campaigns import evidence, planning
from outreach.campaigns.letter import Composer
from outreach.campaigns.models import Wave, WaveState
from outreach.campaigns.segments import ReactedTo, ReactionKind, listed_authorities
from outreach.core.text.dates import today
from outreach.core.text.errors import NotFound, Refused
from outreach.delivery import outbox, received, workers
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Batch, Mailing, Message, MessageState
from outreach.delivery.outbox import Settled, due_in
from outreach.delivery.received import ReceivedMail, Trust
from outreach.delivery.sending import _commit_gate as commit_gate
from outreach.delivery.smtp import Reply, result_of
from outreach.engagement import tracking
from outreach.engagement.tracking import Asked
from outreach.operations.demo.story import Post
from tests.campaigns.conftest import AUTHOR, SENDING, advance, approved, launch, settle
from tests.conftest import NOW
from tests.delivery.received.corpus import mail

pytestmark = pytest.mark.postgresql

FIRST, REMINDED = NOW + timedelta(minutes=1), NOW + timedelta(days=17, minutes=5)
ROUND = 4
TAKEN = result_of(Reply(250, ("2.0.0 Ok",)), after_dot=True)


def invited(database, count, **changes):
    """A campaign whose first wave has left to so many authorities; returns the keys of its waves."""
    settle(database, count)
    first = launch(database, approved(database, reminders=(14,), **changes), FIRST)
    carry(database, FIRST)
    with database.reading() as session:
        campaign = session.get_one(Wave, first).campaign_id
        return session.scalars(select(Wave.id).where(Wave.campaign_id == campaign).order_by(Wave.number)).all()


def carry(database, now):
    with database.writing() as session:
        Post(session, SENDING, now=now, refusals={}).carry(now)


def letters(database, wave):
    """The letters of a wave, by authority."""
    with database.reading() as session:
        mailing = session.get_one(Wave, wave).mailing_id
        return {one.authority_id: one for one in session.scalars(select(Message).where(Message.mailing_id == mailing))}


def write_back(database, letter, said="Nous répondons.", at=REMINDED, **headers):
    mark = SENDING.keys.make(TokenKind.REPLY, bytes.fromhex(letter.public_id))
    content = mail(said, sender="x@y.example", to=f"reponses+{mark}@fwb.example", **headers)
    return received.take_in(database, content, SENDING.keys, Trust(), now=at)


def send(database, wave, moment):
    """Send a wave's letters as a dispatcher does, in transactions of its own; `moment` is called between any two."""
    now = REMINDED
    with database.writing() as session:
        worker = workers.join_in(session, now=now)
        batches = session.scalars(
            select(Batch.id).join(Wave, Wave.mailing_id == Batch.mailing_id).where(Wave.id == wave)
        ).all()
    for batch in batches:
        moment()
        with database.writing() as session:
            commit_gate.clear_batch(session, batch, now=now, day=today(now))
        moment()
        with database.reading() as session:
            due = due_in(session, batch, now=now)
            mailing = session.scalars(select(Mailing).join(Batch).where(Batch.id == batch)).one()
            composed = Composer(SENDING, lambda: now)(session, mailing, due)
        for some in batched(due, ROUND):
            moment()
            fence_id = uuid.uuid4().hex
            with database.writing() as session:
                these = [composed[one.id] for one in some]
                passed = commit_gate.pass_through(
                    session, these, fence_id=fence_id, worker_id=worker, now=now, day=today(now)
                )
            moment()
            with database.writing() as session:
                commit_gate.settle_denied(session, {one.id for one in some} - passed, now=now, day=today(now))
                outbox.record_outcomes(
                    session, [Settled(key, fence_id, TAKEN) for key in passed], now=now, again_at=now
                )


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.deep if seed else pytest.mark.long) for seed in range(200)]
)
def test_no_reminder_leaves_after_a_person_wrote_back_at_whatever_moment(database, people, strand, seed):
    chance = random.Random(seed)
    first, second = invited(database, 20)
    asked = letters(database, first)
    waiting, wrote = list(asked), {}
    chance.shuffle(waiting)

    def moment():
        left = {key for key, one in letters(database, second).items() if one.fenced_at} if wrote or waiting else set()
        for _ in range(min(len(waiting), chance.randint(0, 4))):
            key = waiting.pop()
            assert write_back(database, asked[key], f"Réponse de {key}").by == "mark"
            wrote[key] = key in left

    moment()
    advance(database, second, REMINDED)
    send(database, second, moment)
    for key, one in letters(database, second).items():
        has_left = one.fenced_at is not None
        assert has_left == wrote.get(key, True), "what left had left before the mail came"
        assert one.state is (MessageState.ACCEPTED if has_left else MessageState.QUEUED)
    assert {*wrote.values()} == {True, False}


def test_what_is_held_waits_until_a_colleague_has_decided_and_leaves_then(database, people, strand):
    first, second = invited(database, 2)
    key, other = sorted(letters(database, first))
    write_back(database, letters(database, first)[key])
    advance(database, second, REMINDED)
    carry(database, REMINDED)
    held = letters(database, second)
    assert [held[one].state for one in (key, other)] == [MessageState.QUEUED, MessageState.ACCEPTED]
    assert held[key].due_at > REMINDED, "it is not asked about again at once"
    with database.writing() as session:
        kept = session.scalars(
            select(ReceivedMail).where(received.holds_letters(), received.is_about([held[key].mailing_id]))
        ).one()
        assert kept.authority_id == key
        received.settle_mail(session, kept.id, now=REMINDED, actor=AUTHOR)
        assert session.scalars(select(ReceivedMail).where(received.holds_letters())).all() == []
        with pytest.raises(Refused):
            received.settle_mail(session, kept.id, now=REMINDED, actor=AUTHOR)
        with pytest.raises(NotFound):
            received.settle_mail(session, kept.id + 1, now=REMINDED, actor=AUTHOR)
    carry(database, REMINDED)
    assert letters(database, second)[key].state is MessageState.ACCEPTED


def test_a_mail_written_back_is_a_reaction_proves_that_its_letter_arrived_and_can_be_selected(database, people, strand):
    first, _ = invited(database, 3)
    wrote, away, silent = asked = letters(database, first).values()
    write_back(database, wrote)
    write_back(database, away, Auto_Submitted="auto-replied")
    kinds = {ReactionKind.REPLIED: {wrote}, ReactionKind.NONE: {away, silent}, ReactionKind.ANSWERED: set()}
    with database.reading() as session:
        campaign = session.get_one(Wave, first).campaign
        context, mailings = planning.context_of(session, campaign, now=REMINDED), (wrote.mailing_id,)
        for kind, expected in kinds.items():
            found = session.scalars(listed_authorities(context, ReactedTo(mailings=mailings, reaction=kind))).all()
            assert {*found} == {one.authority_id for one in expected}, kind
        assert session.scalars(select(evidence.proved_authorities(mailings, today(REMINDED)).subquery())).all() == [
            wrote.authority_id
        ]
        known = tracking.of_authorities(Asked(mailings, today(REMINDED)))
        found = dict(session.execute(select(known.c.authority_id, known.c.reaction)).all())
        assert found == {one.authority_id: "reacted" if one is wrote else "none" for one in asked}


@pytest.mark.parametrize("kind", ["absence", "unproved", "another campaign"])
def test_an_absence_and_a_mail_of_nobody_or_of_another_campaign_hold_nothing(database, people, strand, kind):
    first, second = invited(database, 1)
    (letter,) = letters(database, first).values()
    if kind == "absence":
        assert write_back(database, letter, Auto_Submitted="auto-replied").verdict == "automatic"
    elif kind == "unproved":
        received.take_in(database, mail("Non.", sender=letter.address), SENDING.keys, Trust(), now=REMINDED)
    else:
        elsewhere = launch(database, approved(database), FIRST)
        carry(database, FIRST)
        write_back(database, *letters(database, elsewhere).values())
    advance(database, second, REMINDED)
    carry(database, REMINDED)
    assert [one.state for one in letters(database, second).values()] == [MessageState.ACCEPTED]


def test_a_mail_of_no_campaign_holds_what_follows_a_letter_and_no_first_one(database, people, strand):
    first, second = invited(database, 1)
    (letter,) = letters(database, first).values()
    received.take_in(database, mail("Oui.", sender=letter.address), SENDING.keys, Trust(anybody=True), now=REMINDED)
    with database.reading() as session:
        kept = session.scalars(select(ReceivedMail)).one()
        assert (kept.attached_by, kept.message_id) == ("sender", None)
    advance(database, second, REMINDED)
    elsewhere = launch(database, approved(database), REMINDED)
    carry(database, REMINDED)
    states = [one.state for wave in (second, elsewhere) for one in letters(database, wave).values()]
    assert states == [MessageState.QUEUED, MessageState.ACCEPTED]


def test_a_wave_that_is_cancelled_withdraws_what_was_held(database, people, strand):
    first, second = invited(database, 1)
    write_back(database, *letters(database, first).values())
    advance(database, second, REMINDED)
    carry(database, REMINDED)
    with database.reading() as session:
        wave = session.get_one(Wave, second)
        number, campaign = wave.number, wave.campaign_id
    with database.writing() as session:
        planning.cancel_campaign(session, planning.in_turn(session, campaign), now=REMINDED, actor=AUTHOR)
    assert [one.state for one in letters(database, second).values()] == [MessageState.WITHDRAWN]
    with database.reading() as session:
        assert session.get_one(Wave, second).state is WaveState.CANCELLED, number
