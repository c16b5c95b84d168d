"""The story of those whom no mail reaches: each gets a letter on paper, and two of these come back.

Two authorities have no mailbox, and two have one that refuses. Of the two whose letter came back, one is called and
reached; the other is still to be called.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import select

from outreach.campaigns import audiences
from outreach.campaigns.calling import noting
from outreach.campaigns.calling.noting import NotedCall
from outreach.campaigns.ladder import climbing
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.paper import batches
from outreach.days import BRUSSELS, today
from outreach.db import Session
from outreach.demo import people
from outreach.directory import contacts
from outreach.directory.contacts import Particulars
from outreach.directory.models import Authority
from outreach.errors import Refused
from outreach.mail.addresses import judge
from outreach.reach.ladder import Rung, rungs
from outreach.reach.models import CallOutcome, ReachChannel, ReachStep
from outreach.roles import RoleName

LADDER = "paper:1:failed call:4:failed"
NO_MAILBOX = 2  # authorities, the last ones of the register
SATURDAY = 5
PRINTED, CAME_BACK, CALLED = (1, time(11)), (3, time(14)), (4, time(10, 30))  # days after the wave, at the earliest
PHONE = "081 00 00 24"
TOLD = "Le secrétariat a la lettre, reçue à une autre adresse, et la transmet au pouvoir organisateur."


def take_mailboxes(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Leave the last authorities of a campaign, `NO_MAILBOX` of them, without any mailbox in use."""
    found = audiences.addressees(session, campaign, now=now)
    for key in sorted({one.authority_id for one in found if one.authority_id})[-NO_MAILBOX:]:
        authority = session.get_one(Authority, key)
        for held in contacts.contacts_of(session, authority):
            if held.retired_at is None:
                contacts.retire(session, authority, held, now=now, actor=_author())


def give_numbers(session: Session, authorities: Sequence[int], *, now: datetime) -> None:
    """Write down a number for each mailbox of these authorities, to call them by."""
    for authority in session.scalars(select(Authority).where(Authority.id.in_(authorities))):
        for held in contacts.contacts_of(session, authority):
            judged, kind, about = judge(held.address), held.mailbox_kind, Particulars.of(held).but({"phone": PHONE})
            contacts.correct(session, authority, held, judged, now=now, actor=_author(), particulars=about, kind=kind)


def reach(session: Session, wave: Wave, refused: Sequence[int], sending: SenderIdentity, *, now: datetime) -> None:
    """Write to them on paper; the letters to the authorities that `refused` come back, and the first is called."""
    paper, call = rungs(wave.campaign.ladder)
    printed, returned, called = (_at(wave, day, at, now) for day, at in (PRINTED, CAME_BACK, CALLED))
    _climb(session, wave, paper, sending, printed)
    made = batches.make(session, wave.campaign, wave, sending, sheet=True, now=printed, actor=_author())
    if made.batch is None:
        raise Refused("L’histoire n’a personne à qui écrire sur papier.")
    batches.post(session, made.batch, on=today(printed), today=today(printed), now=printed, actor=_author())
    back = session.scalars(select(Authority.fase).where(Authority.id.in_(refused))).all()
    batches.came_back(session, made.batch, back, on=today(returned), now=returned, actor=_author())
    _climb(session, wave, call, sending, called)
    of_calls = ReachStep.mailing_id == wave.mailing_id, ReachStep.channel == ReachChannel.CALL
    step = session.scalars(select(ReachStep.id).where(*of_calls).order_by(ReachStep.id).limit(1)).one()
    noting.take(session, wave.campaign, step, now=called, actor=_author())
    noted = NotedCall(CallOutcome.REACHED, TOLD, "le secrétariat")
    noting.note(session, wave.campaign, step, noted, sending, now=called, actor=_author())


def _climb(session: Session, wave: Wave, rung: Rung, sending: SenderIdentity, now: datetime) -> None:
    keys, _ = climbing.candidates(session, wave.id, rung, after=0, now=now)
    climbing.climb(session, wave.id, rung, keys, sending, now=now)


def _at(wave: Wave, least: int, at: time, now: datetime) -> datetime:
    """A moment on the first weekday so many days after a wave, and not after `now`."""
    days = (today(wave.due_at) + timedelta(days=least + more) for more in range(3))
    day = next(day for day in days if day.weekday() < SATURDAY)
    return min(datetime.combine(day, at, BRUSSELS), now)


def _author() -> str:
    return people.person_for(RoleName.AUTHOR).email
