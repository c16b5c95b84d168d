"""Faults that decide against letters while they are handed over: unsubscribe, join, pause.

No letter may be accepted after the decision against it. The relay takes longer to answer for a recipient than a
decision may take to be honoured, so that a decision which is not honoured becomes visible.
"""

import random
import time
from datetime import datetime

from sqlalchemy import select

from benchmarks.faults.ground import Ground
from outreach.adherence.models import AdherenceRecord
from outreach.campaigns import planning
from outreach.delivery import outbox
from outreach.delivery.models import Batch, Message, MessageState, MessageSubject, SuppressionReason
from tests import factories

DECIDER = "nadia.lambert@fwb.example"
PAUSED_SECONDS = 2.5


def unsubscribe(ground: Ground, chance: random.Random) -> None:
    """Somebody whose letter is being handed over unsubscribes."""
    letter = _in_flight(ground, chance)
    if letter is None:
        return
    reason = SuppressionReason.UNSUBSCRIBED
    with ground.database.writing() as session:
        outbox.suppress_address(session, letter.address_key, reason, now=ground.now, actor="destinataire")
    ground.decided.append((letter.address, time.time(), float("inf")))


def join(ground: Ground, chance: random.Random) -> None:
    """The school that a letter is about joins while the letter is being handed over."""
    letter = _in_flight(ground, chance)
    if letter is None:
        return
    with ground.database.writing() as session:
        listed = select(MessageSubject.school_id).where(MessageSubject.message_id == letter.id)
        session.add_all([joining(school, ground.now) for school in session.scalars(listed)])
    ground.decided.append((letter.address, time.time(), float("inf")))


def pause(ground: Ground, chance: random.Random) -> None:
    """Somebody pauses the campaign while four workers are at it, and resumes it a moment later."""
    ground.keep(4)
    ground.let_leave(chance.randint(1, 30), 90)
    if ground.is_finished():
        return
    with ground.database.writing() as session:
        planning.pause_campaign(session, planning.in_turn(session, ground.campaign), now=ground.now, actor=DECIDER)
    since = time.time()
    time.sleep(PAUSED_SECONDS)
    ground.decided.append((None, since, time.time()))
    with ground.database.writing() as session:
        planning.resume_campaign(session, planning.in_turn(session, ground.campaign), now=ground.now, actor=DECIDER)


def delays(ground: Ground) -> list[float]:
    """Seconds from each decision to the last letter that the relay accepted against it; 0 where there is none."""
    taken = [(entry["to"], entry["at"]) for entry in ground.relay.accepted]
    when = dict(taken)
    everybody = [at for _, at in taken]
    seconds = []
    for whom, since, until in ground.decided:
        letters = everybody if whom is None else [when[whom]] if whom in when else []
        seconds.append(max((at - since for at in letters if since < at < until), default=0.0))
    return seconds


def stopped(ground: Ground) -> int:
    """The number of letters that a decision was about and that the relay never accepted."""
    taken = {entry["to"] for entry in ground.relay.accepted}
    return sum(whom is not None and whom not in taken for whom, _, _ in ground.decided)


def joining(school: int, now: datetime) -> AdherenceRecord:
    """The record of a school that joins the strand, as declared by its authority."""
    return AdherenceRecord(**factories.adherence_record(school, 1, now, recorded_by="po@adm.fwb.example"))


def _in_flight(ground: Ground, chance: random.Random) -> Message | None:
    """A letter that a connection hands over now or next. None when the wave is over."""
    ground.keep(1)
    ground.let_leave(chance.randint(1, 3), 90)
    held = select(Batch.id).where(Batch.worker_id.is_not(None))
    queued = select(Message).where(Message.batch_id.in_(held), Message.state == MessageState.QUEUED)
    turn = queued.order_by(Message.due_at, Message.id).limit(ground.connections)
    while not ground.is_finished():
        with ground.database.reading() as session:
            letters = session.scalars(turn).all()
        if letters:
            time.sleep(chance.uniform(0, 0.1))
            return chance.choice(letters)
    return None
