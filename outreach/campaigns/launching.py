"""Waves that start and end by themselves: claimed when due, recipients written down, finished when none is left."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from outreach.adherence.days import today
from outreach.adherence.models import CLOSED_TO_REMINDERS, Status, Word
from outreach.adherence.standing import standing
from outreach.campaigns.composing import Sending, draft_of, standing_json, standing_of
from outreach.campaigns.definitions import Segment
from outreach.campaigns.lifecycle import is_approved, move_wave
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.db import Session, take_turns
from outreach.delivery import outbox, suppressions
from outreach.delivery.models import DoubtPolicy, Gate, Mailing, Message, MessageClass, Reason, RecipientKind
from outreach.delivery.outbox import Addressee
from outreach.directory.models import Authority, Contact, Network
from outreach.errors import OutreachError

SLICE = 5000
CLOCK = "planificateur"


def due_waves(session: Session, *, now: datetime) -> list[int]:
    """The waves to start, and those whose recipients are not all written down yet."""
    is_due = (Wave.state == WaveState.PLANNED) & (Wave.due_at <= now)
    begun = Wave.state.in_((WaveState.RUNNING, WaveState.PAUSED)) & Mailing.filled_at.is_(None)
    query = select(Wave.id).outerjoin(Mailing, Mailing.id == Wave.mailing_id).where(is_due | begun)
    return list(session.scalars(query.order_by(Wave.due_at, Wave.id)))


def advance(session: Session, wave_id: int, sending: Sending, *, now: datetime) -> bool:
    """Take a wave one step towards its letters: start it, or write down some thousands of recipients more.

    One transaction a step, safe to repeat and to interrupt. True when there is a step left.
    """
    wave = _in_turn(session, wave_id)
    if wave.state is WaveState.PLANNED:
        return wave.due_at <= now and _start(session, wave, sending, now)
    if wave.mailing is None or wave.mailing.filled_at is not None:
        return False
    return _fill(session, wave, wave.mailing, sending, now)


def finish_waves(session: Session, *, now: datetime) -> int:
    """Finish the running waves that have nothing left on the way; returns how many."""
    query = select(Wave.id, Mailing.id).join(Mailing, Mailing.id == Wave.mailing_id)
    running = query.where(Wave.state == WaveState.RUNNING, Mailing.filled_at.is_not(None))
    mailings = dict(session.execute(running).all())
    tallies = outbox.tallies(session, mailings.values())
    finished = 0
    for wave_id in (wave for wave, mailing in mailings.items() if tallies[mailing].is_over):
        wave = _in_turn(session, wave_id)
        if wave.state is WaveState.RUNNING:
            move_wave(session, wave, WaveState.FINISHED, now=now, actor=CLOCK)
            finished += 1
    return finished


def audience(
    session: Session, campaign: Campaign, *, now: datetime, after: int = 0, count: int = 10**9
) -> Sequence[Addressee]:
    """Whom a campaign is for: one entry a mailbox of each authority with a school eligible for the strand.

    Those left out are there with their reason, the first in this order: joined, not concerned, no address, bounced,
    not reviewed, suppressed. `count` authorities, from the one after the key `after`.
    """
    schools = _schools(session, campaign, now, after, count)
    found = []
    contacts = _contacts(session, list(schools))
    keys = [contact.address_key for held in contacts.values() for contact in held]
    suppressed = suppressions.suppressed_among(session, keys, campaign.message_class)
    for authority, standings in schools.items():
        found += _addressees(authority, standings, contacts.get(authority, ()), suppressed)
    return found


def _in_turn(session: Session, wave_id: int) -> Wave:
    """The wave as it is once nobody else is moving its campaign."""
    wave = session.get_one(Wave, wave_id)
    take_turns(session, "campaign", wave.campaign_id)
    session.refresh(wave)
    return wave


def _start(session: Session, wave: Wave, sending: Sending, now: datetime) -> bool:
    if now > wave.latest_start:
        note = "le planificateur n’a pas tourné à temps" if is_approved(session, wave.campaign) else "non validée"
        move_wave(session, wave, WaveState.MISSED, now=now, actor=CLOCK, note=note)
        return False
    if not is_approved(session, wave.campaign):
        return False
    campaign, name = wave.campaign, f"v{wave.id}"
    try:
        draft = draft_of(campaign, sending, wave.due_at)
    except OutreachError as error:
        move_wave(session, wave, WaveState.MISSED, now=now, actor=CLOCK, note=str(error))
        return False
    is_statutory = campaign.message_class is MessageClass.STATUTORY
    wave.mailing = Mailing(
        gate=Gate.CLOSED,
        message_class=campaign.message_class,
        doubt_policy=DoubtPolicy.RESEND if is_statutory else DoubtPolicy.HOLD,
        stop_strand_id=campaign.strand_id,
        letter=draft.to_json(),
        headers=standing_json(standing_of(campaign, sending, name)),
        created_at=now,
    )
    session.flush()
    move_wave(session, wave, WaveState.RUNNING, now=now, actor=CLOCK)
    return _fill(session, wave, wave.mailing, sending, now)


def _fill(session: Session, wave: Wave, mailing: Mailing, sending: Sending, now: datetime) -> bool:
    query = select(Message.recipient_id).where(Message.mailing_id == mailing.id)
    last = session.scalar(query.order_by(Message.recipient_id.desc()).limit(1)) or 0
    addressees = audience(session, wave.campaign, now=now, after=last, count=SLICE)
    outbox.put(session, mailing, addressees, sending.return_path, now=now)
    if len({addressee.id for addressee in addressees}) == SLICE:
        return True
    mailing.filled_at = now
    gate = Gate.OPEN if wave.state is WaveState.RUNNING else Gate.HELD
    outbox.set_gate(session, mailing, gate, now=now, actor=CLOCK)
    return False


Standings = list[tuple[int, Status, Word | None]]


def _schools(session: Session, campaign: Campaign, now: datetime, after: int, count: int) -> dict[int, Standings]:
    rows = standing([today(now)], [campaign.strand])
    networks = Segment.model_validate_json(campaign.criteria).networks
    chosen = (
        select(rows.c.authority_id).join(Authority, Authority.id == rows.c.authority_id).where(Authority.id > after)
    )
    if networks:
        chosen = chosen.join(Network, Network.id == Authority.network_id).where(Network.code.in_(networks))
    chosen = chosen.distinct().order_by(rows.c.authority_id).limit(count)
    query = select(rows.c.authority_id, rows.c.school_id, rows.c.status, rows.c.word)
    found: dict[int, Standings] = {}
    for authority, school, status, word in session.execute(
        query.where(rows.c.authority_id.in_(chosen)).order_by(rows.c.authority_id, rows.c.school_id)
    ):
        found.setdefault(authority, []).append((school, status, word))
    return found


def _contacts(session: Session, authorities: Sequence[int]) -> dict[int, list[Contact]]:
    query = select(Contact).where(Contact.authority_id.in_(authorities), Contact.retired_at.is_(None))
    found: dict[int, list[Contact]] = {}
    for contact in session.scalars(query.order_by(Contact.authority_id, Contact.id)):
        found.setdefault(contact.authority_id, []).append(contact)
    return found


def _addressees(
    authority: int, standings: Standings, contacts: Sequence[Contact], suppressed: set[str]
) -> list[Addressee]:
    open_schools = tuple(school for school, status, _ in standings if status not in CLOSED_TO_REMINDERS)
    whole = None
    if not open_schools:
        has_joined = any(status is Status.JOINED for _, status, _ in standings)
        whole = Reason.JOINED if has_joined else Reason.NOT_CONCERNED
    if not contacts:
        return [Addressee(RecipientKind.AUTHORITY, authority, "", "", "", (), whole or Reason.NO_ADDRESS)]
    return [
        Addressee(
            kind=RecipientKind.AUTHORITY,
            id=authority,
            address=contact.address,
            address_key=contact.address_key,
            address_ascii=contact.address_ascii,
            schools=open_schools,
            reason=whole or _reason(contact, suppressed),
        )
        for contact in contacts
    ]


def _reason(contact: Contact, suppressed: set[str]) -> Reason | None:
    if contact.bounced_at is not None:
        return Reason.BOUNCED
    if contact.awaits_review:
        return Reason.UNREVIEWED
    return Reason.SUPPRESSED if contact.address_key in suppressed else None
