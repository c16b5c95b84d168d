"""Launches a wave: its audience ranked and kept in slices, its recipients written, its end noted.

Ranking takes as long as the audience is large; no slice of the stage takes longer than another. Killed in between,
staging goes on after the last authority staged, and a launch with the first one left.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, tuple_

from outreach.campaigns import counting, evidence, planning, segments
from outreach.campaigns.letter import (
    LetterSnapshot,
    SenderIdentity,
    WrittenLetter,
    freeze_letter,
    head_of,
    shared_headers_json,
    shared_headers_of,
)
from outreach.campaigns.models import CLOCK, StagedAuthority, Wave, WaveState
from outreach.campaigns.planning import ClosingRule, move_wave, planned_at
from outreach.campaigns.segments import AudienceCounts, Concerns, Ranked
from outreach.campaigns.waves._added_reminders import approved_extent, letter_of, wave_approval
from outreach.campaigns.waves._drift import drift_of
from outreach.campaigns.waves._stopping import CALL_OFF_TIME
from outreach.core.db import Session, analyze_after, table_of, take_lock, try_lock
from outreach.core.db.bulk import add_rows, among
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, OutreachError
from outreach.delivery import outbox
from outreach.delivery.models import (
    DoubtPolicy,
    Gate,
    Mailing,
    Message,
    MessageClass,
    MessageState,
    MessageSubject,
    Purpose,
    Reason,
)
from outreach.delivery.outbox import Addressee
from outreach.directory.models import Authority
from outreach.engagement import replies, tracking
from outreach.engagement.tracking import TrackingMode

RANK_SLICE = 20_000  # authorities staged in one transaction: it lasts a fifth of a second
FRESH = timedelta(minutes=10)  # an older ranking says too little of whom the wave is for now


@dataclass(frozen=True, slots=True)
class Ranking:
    """Whom a wave is for, by key, and when that was asked."""

    at: datetime
    authorities: Sequence[Ranked]


def rank_audience(session: Session, wave: Wave, *, now: datetime) -> Ranking:
    """Rank the audience of a wave, for `stage_audience`. It reads all of it: do it outside a writer's turn.

    Of a wave whose letters are being written, it ranks those after the last authority that has one.
    """
    context = planning.context_of(session, wave.campaign, now=now, leaves_at=wave.due_at)
    if wave.mailing_id is not None:
        written, last = last_written(session, wave.mailing_id), session.scalar(select(func.max(Authority.id))) or 0
        if written >= last:
            return Ranking(now, [])
        context = replace(context, between=(written + 1, last))
    return Ranking(now, segments.by_authority(session, planning.planned_of(wave, now=now), context))


def is_staged(session: Session, wave: Wave, *, now: datetime) -> bool:
    """Whether all whom a wave is for are staged, or were and their letters are written.

    A wave staged ahead of its time is staged once more when it is due, for authorities that are new by then.
    """
    if wave.mailing_id is None or wave.ranked_at is None:
        return wave.is_staged and _is_fresh(session, wave, now)
    return wave.is_staged and (wave.ranked_at >= wave.due_at or now < wave.due_at or first(session, wave) is not None)


def stage_slice(session: Session, wave: Wave, ranking: Ranking, *, now: datetime) -> bool:
    """Stage the next slice of a ranking, within the campaign's turn. Returns whether more is left to stage.

    It goes on after the last authority staged, whichever process staged it, unless that ranking is of old.
    """
    if is_staged(session, wave, now=now):
        return False
    if wave.is_staged or not _is_fresh(session, wave, now):
        session.execute(delete(StagedAuthority).where(_of(wave)))
        wave.ranked_at, wave.is_staged = ranking.at, False
    last = session.scalar(select(func.max(StagedAuthority.authority_id)).where(_of(wave))) or 0
    start = bisect_right(ranking.authorities, last, key=lambda one: one.authority_id)
    some = ranking.authorities[start : start + RANK_SLICE]
    add_rows(session, table_of(StagedAuthority), ({"wave_id": wave.id, **one._asdict()} for one in some))
    wave.is_staged = start + RANK_SLICE >= len(ranking.authorities)
    return not wave.is_staged


def counts(session: Session, wave: Wave) -> AudienceCounts:
    """How many authorities and mailboxes a wave was to write to when its audience was ranked."""
    letters, of_schools = StagedAuthority.letters, StagedAuthority.of_schools
    of_all, schools = (func.coalesce(func.sum(each), 0) for each in (letters, of_schools))
    query = select(func.count().filter(letters > 0), of_all, schools).where(_of(wave))
    written, addresses, limited = session.execute(query).one()
    return AudienceCounts(written=written, addresses=addresses, of_schools=limited)


def first(session: Session, wave: Wave) -> int | None:
    """The first authority staged whose letters are not written; None when all are."""
    return session.scalar(select(func.min(StagedAuthority.authority_id)).where(_of(wave)))


def take(session: Session, wave: Wave, upto: int) -> Sequence[int]:
    """Take the authorities up to a key off the stage: whoever does so writes their letters in the same transaction."""
    taken = delete(StagedAuthority).where(_of(wave), StagedAuthority.authority_id <= upto)
    return sorted(session.scalars(taken.returning(StagedAuthority.authority_id)))


def last_written(session: Session, mailing: int) -> int:
    """The last authority for which a mailing has a letter; 0 for none."""
    # IS NOT NULL, as PostgreSQL puts NULL first: the index then finds the last at once.
    query = select(Message.authority_id).where(Message.mailing_id == mailing, Message.authority_id.is_not(None))
    return session.scalar(query.order_by(Message.authority_id.desc()).limit(1)) or 0


def _of(wave: Wave) -> ColumnElement[bool]:
    return StagedAuthority.wave_id == wave.id


def _is_fresh(session: Session, wave: Wave, now: datetime) -> bool:
    """Whether what is staged is of a recent ranking, made since the wave was planned or moved."""
    return wave.ranked_at is not None and max(now - FRESH, planned_at(session, wave)) <= wave.ranked_at


SLICE = 2_000  # keys of authorities: the letters of a slice are one transaction, 0.4 s of the processor at most
LAST_KEY = 2**31 - 1
MANY = 500
# Columns that the plans of the commit gate and of batches go by. All of them take three times as long.
PLANNED_BY = (Message.mailing_id, Message.batch_id, Message.authority_id, Message.state, Message.due_at)
AT_LEAST_AHEAD = timedelta(seconds=10)  # the clock looks for due waves every five seconds
AHEAD = timedelta(microseconds=600)  # for each authority: twice what writing its row takes on PostgreSQL
LONGEST_AHEAD = timedelta(minutes=30)
BEGUN = (WaveState.RUNNING, WaveState.PAUSED)


def due_waves(session: Session, *, now: datetime) -> list[int]:
    """The waves to start now, and the started waves whose recipients are not all written yet, by due time."""
    comes = (Wave.state == WaveState.PLANNED) & (Wave.due_at <= now + LONGEST_AHEAD)
    begun = Wave.state.in_(BEGUN) & Mailing.filled_at.is_(None)
    query = select(Wave).outerjoin(Mailing, Mailing.id == Wave.mailing_id).where(comes | begun)
    waves = session.scalars(query.order_by(Wave.due_at, Wave.id))
    return [wave.id for wave in waves if wave.state in BEGUN or _begins_at(session, wave) <= now]


def _begins_at(session: Session, wave: Wave) -> datetime:
    """When the clock starts to write a wave's recipients.

    Up to 500 authorities are written when the wave is due. More are written ahead, so that the letters leave in time:
    at most 30 minutes ahead, and only once the minute in which the wave can be called off is over.
    """
    many = _approved(session, wave)
    if many <= MANY:
        return wave.due_at
    ahead = wave.due_at - min(AT_LEAST_AHEAD + many * AHEAD, LONGEST_AHEAD)
    return min(wave.due_at, max(ahead, planned_at(session, wave) + CALL_OFF_TIME))


def _approved(session: Session, wave: Wave) -> int:
    try:
        return approved_extent(session, wave).authorities
    except InputError:  # its criteria cannot be read: its own step says so, and no other wave waits
        return 0


def ranked_audience(session: Session, wave_id: int, *, now: datetime) -> Ranking | None:
    """Rank the audience of a wave that is to be staged now; None where it is not. It takes as long as that is large."""
    wave = session.get_one(Wave, wave_id)
    return rank_audience(session, wave, now=now) if _is_to_stage(session, wave, now) else None


def stage_audience(session: Session, wave_id: int, ranking: Ranking, *, now: datetime) -> bool:
    """Stage the next slice of a wave's audience. Returns whether one is left."""
    wave = _in_turn(session, wave_id)
    return _is_to_stage(session, wave, now) and stage_slice(session, wave, ranking, now=now)


def is_free(session: Session, wave_id: int) -> bool:
    """Whether no other process launches a wave; it keeps others from doing so until the end of the transaction."""
    return try_lock(session, "launch", wave_id)


def advance_wave(session: Session, wave_id: int, sending: SenderIdentity, *, now: datetime) -> bool:
    """Take one step of a wave: start it, or write the letters of its next slice. Returns whether a step is left.

    Each step is one transaction, safe to repeat and to interrupt. It is short once the wave is staged
    (`ranked_audience` and `stage_audience`): a wave that is not yet, is staged here. None is left while another
    process takes one.
    """
    if not is_free(session, wave_id):
        return False
    wave = _in_turn(session, wave_id)
    if _is_to_stage(session, wave, now):
        ranking = rank_audience(session, wave, now=now)
        while stage_slice(session, wave, ranking, now=now):
            pass
    if wave.state is WaveState.PLANNED:
        return _begins_at(session, wave) <= now and _start(session, wave, sending, now)
    if wave.mailing is None or not _is_filling(wave):
        return False
    return _fill(session, wave, wave.mailing, sending, now)


def _is_to_stage(session: Session, wave: Wave, now: datetime) -> bool:
    if wave.state is not WaveState.PLANNED:
        return _is_filling(wave) and not is_staged(session, wave, now=now)
    if not _begins_at(session, wave) <= now <= wave.latest_start or wave_approval(session, wave) is None:
        return False
    return not is_staged(session, wave, now=now)


def _is_filling(wave: Wave) -> bool:
    return wave.state in BEGUN and wave.mailing is not None and wave.mailing.filled_at is None


def finish_waves(session: Session, *, now: datetime) -> int:
    """Finish the running waves with no letter under way and no doubt to send again. Returns how many."""
    query = select(Wave.id, Mailing.id).join(Mailing, Mailing.id == Wave.mailing_id)
    running = query.where(Wave.state == WaveState.RUNNING, Mailing.filled_at.is_not(None))
    mailings = dict(session.execute(running).all())
    over = _over(session, mailings.values())
    finished = 0
    for wave_id in [wave for wave, mailing in mailings.items() if mailing in over]:
        wave = _in_turn(session, wave_id)
        # Checked again within the campaign's turn: meanwhile a person may have sent some of its letters again.
        if wave.state is WaveState.RUNNING and _over(session, [mailings[wave_id]]):
            move_wave(session, wave, WaveState.FINISHED, now=now, actor=CLOCK)
            finished += 1
    return finished


def _over(session: Session, mailings: Collection[int]) -> set[int]:
    return set(mailings) - outbox.under_way(session, mailings) - outbox.awaiting_resend(session, mailings)


def _in_turn(session: Session, wave_id: int) -> Wave:
    """Wait until no other transaction changes the campaign, then return the wave, read anew."""
    wave = session.get_one(Wave, wave_id)
    take_lock(session, "campaign", wave.campaign_id)
    session.refresh(wave)
    return wave


def _start(session: Session, wave: Wave, sending: SenderIdentity, now: datetime) -> bool:
    if planning.postpone_departure(session, wave, now=now):
        return False
    if now > wave.latest_start:
        is_approved = wave_approval(session, wave) is not None
        note = "le service était arrêté à cette heure" if is_approved else "non validée"
        move_wave(session, wave, WaveState.MISSED, now=now, actor=CLOCK, note=note)
        planning.call_all_off(session, wave, now=now)
        return False
    if wave_approval(session, wave) is None:
        return False
    concerns, leaves_on = wave.campaign.concerns, today(max(now, wave.due_at))
    if closed := planning.closed_to(session, concerns, wave.campaign.strand, leaves_on):
        move_wave(session, wave, WaveState.MISSED, now=now, actor=CLOCK, note=f"{closed[0].lower()}{closed[1:]}")
        planning.call_all_off(session, wave, now=now)
        return False
    written = letter_of(session, wave)
    try:
        deadline = ClosingRule.of(session, wave.campaign, now=now).deadline(wave.due_at).day
        is_reminder, head = planning.is_reminder(wave.campaign, wave.departure), head_of(session, wave.campaign)
        frozen = freeze_letter(written, sending, deadline, is_reminder=is_reminder, head=head)
        frozen.to_json().encode()
    except (OutreachError, ValueError, RecursionError) as error:
        move_wave(session, wave, WaveState.MISSED, now=now, actor=CLOCK, note=f"le courriel ne se lit plus : {error}")
        planning.call_all_off(session, wave, now=now)
        return False
    wave.answer_by = deadline
    wave.mailing = mailing_of(written, frozen, sending, f"v{wave.id}", now=now)
    wave.campaign.first_wave_id = wave.campaign.first_wave_id or wave.id
    session.add(wave.mailing)
    session.flush()
    move_wave(session, wave, WaveState.RUNNING, now=now, actor=CLOCK)
    _wait_if_it_drifted(session, wave, now)
    return _fill(session, wave, wave.mailing, sending, now)


def mailing_of(
    written: WrittenLetter,
    frozen: LetterSnapshot,
    sending: SenderIdentity,
    name: str,
    *,
    now: datetime,
    references: str = "",
) -> Mailing:
    """A mailing for a letter of a campaign, with its gate closed; `name` is part of its headers.

    `references` are the Message-IDs of the letters that it follows in their thread, the oldest first.
    """
    is_statutory = written.message_class is MessageClass.STATUTORY
    return Mailing(
        gate=Gate.CLOSED,
        message_class=written.message_class,
        doubt_policy=DoubtPolicy.RESEND if is_statutory else DoubtPolicy.HOLD,
        strand_id=written.strand_id,
        stop_strand_id=written.strand_id if written.concerns is Concerns.OPEN else None,
        letter=frozen.to_json(),
        headers=shared_headers_json(shared_headers_of(written, sending, name, references)),
        created_at=now,
    )


def send_one(
    session: Session,
    written: WrittenLetter,
    frozen: LetterSnapshot,
    sending: SenderIdentity,
    addressee: Addressee,
    purpose: Purpose,
    name: str,
    *,
    now: datetime,
    actor: str,
    references: str = "",
) -> Mailing:
    """Put one letter outside any wave into the outbox, to leave at once. Joining the strand does not stop it.

    `references` is that of `mailing_of`. Returns the letter's mailing.
    """
    mailing = mailing_of(written, frozen, sending, name, now=now, references=references)
    mailing.purpose, mailing.stop_strand_id, mailing.doubt_policy = purpose, None, DoubtPolicy.HOLD
    session.add(mailing)
    session.flush()
    outbox.put_recipients(session, mailing, [addressee], sending.return_path, now=now)
    mailing.filled_at = now
    outbox.set_gate(session, mailing, Gate.OPEN, now=now, actor=actor)
    return mailing


def _wait_if_it_drifted(session: Session, wave: Wave, now: datetime) -> None:
    """Pause a wave whose audience has changed too much since its approval."""
    drifted = drift_of(session, wave, counts(session, wave))
    if drifted:
        wave.drifted_from = approved_extent(session, wave).authorities
        move_wave(session, wave, WaveState.PAUSED, now=now, actor=CLOCK, note=drifted.note)


def _fill(session: Session, wave: Wave, mailing: Mailing, sending: SenderIdentity, now: datetime) -> bool:
    """Write the letters of the next slice of the stage. Whom it means is judged again, for the slice alone.

    A slice is a range of keys, so that no statement reads beyond it, however few of the range are meant.
    """
    start = first(session, wave)
    keys: Sequence[int] = []
    if start is not None:
        segments.take_turn(session)
        entering_from = last_written(session, mailing.id) + 1
        taken = take(session, wave, start + SLICE - 1)
        goes_on = first(session, wave) is not None
        entered = entering_from, start + SLICE - 1 if goes_on else LAST_KEY
        counting.enter_audience(session, wave, entered, now=now)
        only_unreacted = wave.added_reminder is not None
        addressees = planning.addressees_among(
            session, wave.campaign, taken, now=now, only_unreacted=only_unreacted, departure=wave.departure
        )
        keys = outbox.put_recipients(session, mailing, addressees, sending.return_path, now=now)
        counting.enter_listed(session, wave, entered, now=now)
    is_last = start is None or first(session, wave) is None
    if is_last:
        if keys and _approved(session, wave) > MANY:
            analyze_after(
                session, MessageSubject, of=PLANNED_BY
            )  # until then, each commit gate would read all that wait
        _open(session, wave, mailing, now, has_changed=start is not None)
    _withdraw_answered(session, wave, keys, now)
    return not is_last


def _open(session: Session, wave: Wave, mailing: Mailing, now: datetime, *, has_changed: bool) -> None:
    """Let a mailing leave whose recipients are all written, once its wave is due."""
    mailing.filled_at = now if now >= wave.due_at else None
    _measure(session, mailing, has_changed=has_changed)
    if mailing.filled_at is not None:
        gate = Gate.OPEN if wave.state is WaveState.RUNNING else Gate.HELD
        outbox.set_gate(session, mailing, gate, now=now, actor=CLOCK)


def _withdraw_answered(session: Session, wave: Wave, keys: Sequence[int], now: datetime) -> None:
    """Withdraw the letters just written, by their keys, to those who answered in the meantime.

    An answer takes the same turn: either it is seen here, or it sees these letters. Comes last, as it makes answers
    wait for the end of the transaction.
    """
    before = [key for key in planning.launched_mailings(wave.campaign) if key != wave.mailing_id]
    if not before or not keys:
        return
    take_lock(session, replies.TURN, wave.campaign_id)
    has_answered = or_(
        Message.authority_id.in_(replies.authorities_that_answered(before)),
        tuple_(Message.authority_id, Message.address_key).in_(evidence.letters_answered(before)),
    )
    written = among(Message.id, keys)
    late = session.scalars(select(Message.id).where(written, has_answered, Message.state == MessageState.QUEUED))
    outbox.withdraw_letters(session, late, Reason.ANSWERED, now=now)


def _measure(session: Session, mailing: Mailing, *, has_changed: bool) -> None:
    """Set up the measuring of a mailing, ahead of its due time where only groups are counted.

    Counting the groups of a million letters takes a second. Individual mode waits for `filled_at`.
    """
    frozen = LetterSnapshot.from_json(mailing.letter)
    may_be_ahead = frozen.tracking.is_of_groups
    if frozen.tracking is TrackingMode.NONE or not (may_be_ahead or mailing.filled_at):
        return
    if has_changed or not (may_be_ahead and tracking.are_set_up(session, mailing)):
        tracking.set_up(session, mailing, frozen.links, frozen.tracking)
