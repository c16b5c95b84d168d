"""Opens the steps of rungs whose day has come, and stops those that are due no longer; slice by slice, for the clock.

What is due is looked for where nobody waits, and judged again in the short transaction that writes it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, select

from outreach import french
from outreach.campaigns import audiences
from outreach.campaigns.ladder import judging
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import CLOCK, Campaign, CampaignState, Wave, WaveState
from outreach.campaigns.schedule.wave_moves import move_wave
from outreach.days import today
from outreach.db import Session, take_turns
from outreach.delivery.ledger import recipients
from outreach.delivery.models import Mailing, Message
from outreach.reach import steps
from outreach.reach.ladder import Rung, RungWhen, rungs
from outreach.reach.models import OPEN, ReachChannel, ReachStep, StepReason, StepState
from outreach.reach.proof import AUTHORITY
from outreach.responses import answers
from outreach.segments import calm

SLICE = 100  # authorities of a transaction
# From the day of a rung on. What a letter brought is deleted with time: a year later whoever opened it would be silent.
CLIMBS_FOR = timedelta(days=90)
CLIMBS = (WaveState.RUNNING, WaveState.FINISHED)


def due_rungs(session: Session, *, now: datetime) -> list[tuple[int, Rung]]:
    """The rungs whose day has come within 90 days, each with its wave's key: of approved campaigns, the first rung
    first."""
    query = (
        select(Wave)
        .join(Campaign, Campaign.id == Wave.campaign_id)
        .join(Mailing, Mailing.id == Wave.mailing_id)
        .where(Campaign.ladder != "", Campaign.state == CampaignState.APPROVED)
        .where(Wave.state.in_(CLIMBS), Mailing.filled_at.is_not(None))
    )
    waves = session.scalars(query.order_by(Wave.id)).all()
    dated = [(wave, rung) for wave in waves for rung in rungs(wave.campaign.ladder) if _has_come(wave, rung, now)]
    return [(wave.id, rung) for wave, rung in dated if judging.is_open(session, wave.campaign)]


def candidates(session: Session, wave_id: int, rung: Rung, *, after: int, now: datetime) -> tuple[list[int], int]:
    """The authorities of the next slice for whom a rung is due, and the key to go on after, 0 at the end."""
    wave = session.get_one(Wave, wave_id)
    keys = session.scalars(_unclimbed(wave, rung, after)).all()
    if not keys or wave.mailing_id is None:
        return [], 0
    judged = judging.judge(session, wave.campaign, wave.mailing_id, keys, now=now)
    return [key for key in keys if judged.due(rung, key)], keys[-1] if len(keys) == SLICE else 0


def climb(
    session: Session, wave_id: int, rung: Rung, authorities: Sequence[int], sending: SenderIdentity, *, now: datetime
) -> int:
    """Open the step of a rung for those of these authorities for whom it is due; returns how many were.

    Safe to repeat and to interrupt: a step that is there is not opened again.
    """
    wave = _in_turn(session, wave_id)
    campaign, mailing = wave.campaign, wave.mailing
    if mailing is None or wave.state not in CLIMBS or rung not in rungs(campaign.ladder):
        return 0
    if not judging.is_open(session, campaign):
        return 0
    if rung.channel is ReachChannel.OTHER_MAILBOX:
        calm.take_turn(session)
    take_turns(session, answers.TURN, campaign.id)
    judged = judging.judge(session, campaign, mailing.id, authorities, now=now)
    opened = {
        key: steps.open_step(
            session,
            mailing_id=mailing.id,
            authority_id=key,
            message_id=judged.mail[key].message_id,
            rung=rung.number,
            channel=rung.channel,
            reason=reason,
            now=now,
            actor=CLOCK,
        )
        for key in authorities
        if (reason := judged.due(rung, key))
    }
    if rung.channel is ReachChannel.OTHER_MAILBOX and opened:
        _write_elsewhere(session, wave, mailing, opened, sending, now)
    return len(opened)


def open_steps(session: Session, *, now: datetime) -> dict[int, list[int]]:
    """The steps that are open and in nobody's hands, by the key of their wave."""
    is_free = ReachStep.taken_until.is_(None) | (ReachStep.taken_until <= now)
    query = select(Wave.id, ReachStep.id).join(ReachStep, ReachStep.mailing_id == Wave.mailing_id)
    found: dict[int, list[int]] = {}
    for wave, step in session.execute(query.where(ReachStep.state.in_(OPEN), is_free).order_by(ReachStep.id)):
        found.setdefault(wave, []).append(step)
    return found


def stopped(session: Session, wave_id: int, numbers: Sequence[int], *, now: datetime) -> list[int]:
    """Which of these steps of a wave are due no longer."""
    found = session.scalars(select(ReachStep).where(ReachStep.id.in_(numbers))).all()
    return sorted(judging.stopped(session, session.get_one(Wave, wave_id).campaign, found, now=now))


def stop(session: Session, wave_id: int, numbers: Sequence[int], *, now: datetime, actor: str = CLOCK) -> int:
    """Stop those of these steps that are open and due no longer; returns how many were."""
    wave = _in_turn(session, wave_id)
    found = [step for number in numbers if (step := steps.in_turn(session, number)).state in OPEN]
    ended = judging.stopped(session, wave.campaign, found, now=now)
    for step in found:
        if step.id in ended:
            steps.move(session, step, StepState.STOPPED, now=now, actor=actor, reason=ended[step.id])
    return len(ended)


def _has_come(wave: Wave, rung: Rung, now: datetime) -> bool:
    filled_at = wave.mailing.filled_at if wave.mailing else None
    if filled_at is None:
        return False
    begins = today(filled_at) + timedelta(days=rung.days)
    return begins <= today(now) < begins + CLIMBS_FOR


def _unclimbed(wave: Wave, rung: Rung, after: int) -> Select[int]:
    """The next authorities of a wave for whom no step of a rung's channel was opened in the whole campaign."""
    mailings = [one.mailing_id for one in wave.campaign.waves if one.mailing_id]
    tried = select(ReachStep.authority_id).where(ReachStep.mailing_id.in_(mailings), ReachStep.channel == rung.channel)
    query = select(AUTHORITY).where(
        Message.mailing_id == wave.mailing_id, Message.authority_id > after, Message.authority_id.not_in(tried)
    )
    if rung.when is RungWhen.FAILED:
        query = query.where(judging.HAS_FAILED)
    return query.distinct().order_by(Message.authority_id).limit(SLICE)


def _in_turn(session: Session, wave_id: int) -> Wave:
    """The wave, read anew, once no other transaction changes its campaign."""
    wave = session.get_one(Wave, wave_id)
    take_turns(session, "campaign", wave.campaign_id)
    session.refresh(wave)
    session.refresh(wave.campaign)
    return wave


def _write_elsewhere(
    session: Session,
    wave: Wave,
    mailing: Mailing,
    opened: Mapping[int, ReachStep],
    sending: SenderIdentity,
    now: datetime,
) -> None:
    """Add letters of the wave for mailboxes that it did not write to. A step without any has failed at once."""
    found = audiences.addressees_elsewhere(session, wave.campaign, mailing.id, sorted(opened), now=now)
    letters = Counter(one.authority_id for one in found)
    for key, step in opened.items():
        if letters[key]:
            told = french.plural(letters[key], "autre boîte", "autres boîtes")
            steps.move(session, step, StepState.TRIED, now=now, actor=CLOCK, note=told)
        else:
            steps.move(session, step, StepState.FAILED, now=now, actor=CLOCK, reason=StepReason.NO_OTHER_MAILBOX)
    if found:
        recipients.put(session, mailing, found, sending.return_path, now=now)
        if wave.state is WaveState.FINISHED:
            note = f"{french.plural(len(found), 'courriel')} à une autre boîte"
            move_wave(session, wave, WaveState.RUNNING, now=now, actor=CLOCK, note=note)
