"""Reminders added to a campaign under way: for those who have not reacted, approved by a second person.

Its campaign stays as it is. Whatever changes, cancels or stops the campaign's planned waves does so to an added one.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Unpack

from sqlalchemy import func, select

from outreach.access import approvals
from outreach.access.approvals import NOWHERE, Content, Decision, DecisionKind, DecisionWords, Extent, Thing
from outreach.campaigns import experiments, planning
from outreach.campaigns.experiments import DEPARTURES
from outreach.campaigns.letter import WrittenLetter, refuse_unreadable
from outreach.campaigns.models import (
    ON_ITS_WAY,
    REMINDER_MOVES,
    AddedReminder,
    AudienceException,
    Campaign,
    CampaignState,
    ExceptedAuthority,
    ReminderState,
    Wave,
    WaveState,
)
from outreach.campaigns.planning import ClosingRule, PlannedWave, refuse_far_away, spelt_moment
from outreach.campaigns.waves._stopping import CALL_OFF_TIME
from outreach.core.db import Session
from outreach.core.text.dates import today
from outreach.core.text.errors import NotFound, Refused

LATER = range(2, DEPARTURES + 1)
PLANNED_WHOLE = (
    "Les relances d’un tirage au sort sont celles de son plan, figé avant la validation : aucune ne s’ajoute avant que "
    "son effet soit donné."
)


def may_be_added(session: Session, campaign: Campaign) -> bool:
    """Whether a reminder may be added to a campaign: once a wave of it was launched, while the campaign is approved.

    None is added to a draw before its effect is told: the reminders that it compares are part of its frozen plan.
    """
    is_whole = bool(planning.launched_mailings(campaign)) and not planning.broken_off(campaign)
    return campaign.state is CampaignState.APPROVED and is_whole and not _is_compared(session, campaign)


def _is_compared(session: Session, campaign: Campaign) -> bool:
    """Whether departures drawn by lot are still to be compared, with the reminders of the plan alone."""
    return experiments.beside_counts(session, campaign) != ""


def pending_reminder(session: Session, campaign: Campaign) -> AddedReminder | None:
    """The added reminder that is being written, approved or awaited, if any: not abandoned, not launched."""
    launched = select(Wave.added_reminder_id).where(Wave.added_reminder_id.is_not(None), Wave.mailing_id.is_not(None))
    query = select(AddedReminder).where(
        AddedReminder.campaign_id == campaign.id,
        AddedReminder.state != ReminderState.ABANDONED,
        AddedReminder.id.not_in(launched),
    )
    return session.scalars(query.order_by(AddedReminder.id.desc()).limit(1)).first()


def reminder_of(session: Session, campaign: Campaign, key: int) -> AddedReminder:
    """The added reminder of a campaign with this key. Raises NotFound."""
    reminder = session.get(AddedReminder, key)
    if reminder is None or reminder.campaign_id != campaign.id:
        raise NotFound("Cette relance n’existe pas.")
    return reminder


def add_reminder(
    session: Session, campaign: Campaign, *, subject: str, letter: str, asked_at: datetime, now: datetime, actor: str
) -> AddedReminder:
    """Add a draft of a reminder. Raises Refused where none may be added or another one is pending, else as `plan_of`;
    InputError when the letter cannot be read."""
    if _is_compared(session, campaign):
        raise Refused(f"{PLANNED_WHOLE} {experiments.lock_of(session, campaign).in_words}")
    if not may_be_added(session, campaign):
        raise Refused("Une relance s’ajoute à une campagne validée, dont une vague est partie.")
    if pending_reminder(session, campaign) is not None:
        raise Refused("Une relance de cette campagne attend déjà : terminez-la, ou abandonnez-la.")
    refuse_unreadable(subject, letter)
    reminder = AddedReminder(
        campaign=campaign,
        state=ReminderState.DRAFT,
        subject=subject,
        letter=letter,
        asked_at=asked_at,
        created_at=now,
        created_by=actor,
    )
    plan_of(session, reminder, now=now)
    session.add(reminder)
    session.flush()
    _decide(session, reminder, DecisionKind.WRITTEN, now=now, actor=actor, reason="créée")
    return reminder


def revise_reminder(
    session: Session,
    reminder: AddedReminder,
    *,
    subject: str,
    letter: str,
    asked_at: datetime,
    now: datetime,
    actor: str,
) -> None:
    """Change a reminder. If that changes anything it is a draft again, and its planned wave is cancelled.

    Raises Refused once it has been launched or abandoned, else as `add_reminder`.
    """
    if reminder.state is ReminderState.ABANDONED or _waves(session, reminder, launched=True):
        raise Refused("Cette relance est partie ou abandonnée : elle ne se change plus.")
    refuse_unreadable(subject, letter)
    before = content_hash(reminder)
    reminder.subject, reminder.letter, reminder.asked_at = subject, letter, asked_at
    if content_hash(reminder) == before:
        return
    for wave in _waves(session, reminder, launched=False):
        planning.move_wave(session, wave, WaveState.CANCELLED, now=now, actor=actor, note="relance modifiée")
    plan_of(session, reminder, now=now)
    _decide(session, reminder, DecisionKind.WRITTEN, now=now, actor=actor, reason="modifiée")


def submit_reminder(session: Session, reminder: AddedReminder, **told: Unpack[DecisionWords]) -> None:
    """Request approval of a draft, which would reach so many. Raises Refused in any other state."""
    _refuse_move(reminder, ReminderState.TO_APPROVE, "soumise")
    _decide(session, reminder, DecisionKind.SUBMITTED, **told)


def send_back(session: Session, reminder: AddedReminder, **told: Unpack[DecisionWords]) -> None:
    """Return a reminder that waits for approval to its author. Raises Refused in any other state."""
    _decide(session, reminder, DecisionKind.SENT_BACK, **told)


def abandon_reminder(session: Session, reminder: AddedReminder, *, now: datetime, actor: str) -> None:
    """Give a reminder up; its planned wave is cancelled. Raises Refused once it was launched or given up."""
    if _waves(session, reminder, launched=True):
        raise Refused("Cette relance est partie : elle ne s’abandonne plus.")
    for wave in _waves(session, reminder, launched=False):
        planning.move_wave(session, wave, WaveState.CANCELLED, now=now, actor=actor, note="relance abandonnée")
    _refuse_move(reminder, ReminderState.ABANDONED, "abandonnée")
    _decide(session, reminder, DecisionKind.WITHDRAWN, now=now, actor=actor, reason="abandonnée")


def approve_reminder(session: Session, reminder: AddedReminder, **told: Unpack[DecisionWords]) -> Wave:
    """Approve a reminder, which would reach so many, and plan its wave. The reason is what the approver ticked off.

    Raises Refused when it does not wait for approval, when it or its campaign has changed since its submission, when
    the actor wrote it, when its campaign takes no reminder any more, or as `plan_of`.
    """
    if not (may_be_added(session, reminder.campaign) and planning.is_approved(session, reminder.campaign)):
        raise Refused("La campagne n’est plus validée : validez-la d’abord.")
    _decide(session, reminder, DecisionKind.APPROVED, **told)
    planned = plan_of(session, reminder, now=told["now"])
    number = session.scalar(select(func.max(Wave.number)).where(Wave.campaign_id == reminder.campaign_id)) or 0
    place = planned.reminder
    wave = planning.plan_wave(session, reminder.campaign, number + 1, place, planned, told["now"], told["actor"])
    wave.added_reminder = reminder
    return wave


def plan_of(session: Session, reminder: AddedReminder, *, now: datetime) -> PlannedWave:
    """When a reminder would leave, planned now: at the first open time from its own, a minute ahead at least.

    Raises Refused when that is not after every other wave, or after the campaign's last day; InputError when it is more
    than two years ahead.
    """
    campaign = reminder.campaign
    asked = max(reminder.asked_at, now + CALL_OFF_TIME)
    planned = ClosingRule.of(session, campaign, now=now).first(asked)
    refuse_far_away(planned.at, now)
    others = [
        wave for wave in campaign.waves if wave.added_reminder_id is None or wave.added_reminder_id != reminder.id
    ]
    counted = [wave for wave in others if wave.mailing_id or wave.state in ON_ITS_WAY]
    last = max(counted, key=lambda wave: wave.due_at)
    if planned.at <= last.due_at:
        raise Refused(f"La {last.name} part le {spelt_moment(last.due_at)} : choisissez un moment après elle.")
    if campaign.stops_on is not None and today(planned.at) > campaign.stops_on:
        raise Refused("La relance tomberait après le dernier jour d’envoi de la campagne.")
    return replace(planned, reminder=max(wave.reminder for wave in counted) + 1)


def letter_of(session: Session, wave: Wave) -> WrittenLetter:
    """The letter of a wave: its campaign's, or that of the added reminder it is."""
    return written_by(session, wave.campaign, wave.added_reminder)


def written_by(session: Session, campaign: Campaign, reminder: AddedReminder | None) -> WrittenLetter:
    """The letter of a campaign, with the words of a reminder that was added to it."""
    written = WrittenLetter.of(session, campaign)
    return replace(written, subject=reminder.subject, preheader="", letter=reminder.letter) if reminder else written


def sent_by(wave: Wave) -> list[str]:
    """What a wave sends, as decisions name it: its campaign, and the reminder that it may be.

    Who has a hand in any of these decides nothing about the wave (`deciding.may_decide`).
    """
    subjects = [Thing.CAMPAIGN.subject(wave.campaign_id)]
    return [*subjects, Thing.REMINDER.subject(wave.added_reminder_id)] if wave.added_reminder_id else subjects


def wave_approval(session: Session, wave: Wave) -> Decision | None:
    """The approval of what a wave sends, as it stands: of its campaign, and of the reminder that it may be."""
    if not planning.is_approved(session, wave.campaign):
        return None
    reminder = wave.added_reminder
    return (
        approvals.standing_approval(session, content_of(reminder))
        if reminder
        else planning.campaign_approval(session, wave.campaign)
    )


def approved_extent(session: Session, wave: Wave) -> Extent:
    """How many authorities and mailboxes a wave was to write to when it was approved, without those that exceptions
    have left out since; none where it is not approved."""
    given = wave_approval(session, wave)
    if given is None or not given.authorities:
        return given.extent if given else NOWHERE
    query = select(func.count(), func.coalesce(func.sum(ExceptedAuthority.letters), 0)).join(AudienceException)
    since = AudienceException.at > given.at, AudienceException.withdrawn_at.is_(None)
    of_wave = AudienceException.campaign_id == wave.campaign_id, ExceptedAuthority.letters > 0
    if wave.departure is not None:
        is_later = ExceptedAuthority.authority_id.in_(experiments.assigned_to(wave.campaign_id, *LATER))
        is_own = ExceptedAuthority.authority_id.in_(experiments.assigned_to(wave.campaign_id, wave.departure))
        query = query.where(~is_later if wave.departure == 1 else is_own)
    authorities, letters = session.execute(query.where(*of_wave, *since)).one()
    before = given.extent if wave.departure is None else _of_departure(session, wave, wave.departure)
    return Extent(before.authorities - authorities, None if before.letters is None else before.letters - letters)


def _of_departure(session: Session, wave: Wave, departure: int) -> Extent:
    """Whom a departure was to write to: as confirmed since, or as its list was frozen."""
    if wave.confirmed_authorities is not None:
        return Extent(wave.confirmed_authorities, wave.confirmed_letters)
    drawn = experiments.draw_of(session, wave.campaign_id)
    return Extent(*experiments.sizes_of(session, drawn).get(departure, (0, 0))) if drawn else NOWHERE


def confirm_extent(session: Session, wave: Wave, **told: Unpack[DecisionWords]) -> None:
    """Approve the audience of what a wave sends as it has become. Raises Refused when the actor wrote it."""
    for one in planning.waves_of(wave.campaign, wave.departure) if wave.departure else ():
        one.confirmed_authorities, one.confirmed_letters = told.get("extent", NOWHERE)
    if wave.added_reminder is None:
        planning.confirm_extent(session, wave.campaign, **told)
    else:
        _decide(session, wave.added_reminder, DecisionKind.CONFIRMED, **told)


def reminder_history(session: Session, campaign: Campaign) -> Sequence[Decision]:
    """What was decided about all reminders added to a campaign, the newest first."""
    keys = session.scalars(select(AddedReminder.id).where(AddedReminder.campaign_id == campaign.id))
    return approvals.decision_history(session, [Thing.REMINDER.subject(key) for key in keys])


def content_of(reminder: AddedReminder) -> Content:
    """A reminder as decisions are about it."""
    title, subject = reminder.campaign.title, Thing.REMINDER.subject(reminder.id)
    named, filed = f"Campagne « {title} », relance ajoutée :", planning.subject_of(reminder.campaign)
    return Content(subject, content_hash(reminder), title, named, filed)


def content_hash(reminder: AddedReminder) -> str:
    """The digest of all that an approval is about: the letter, its moment, and the campaign's own content."""
    campaign = planning.content_hash(reminder.campaign)
    content = [campaign, reminder.subject, reminder.letter, reminder.asked_at.isoformat()]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _waves(session: Session, reminder: AddedReminder, *, launched: bool) -> Sequence[Wave]:
    """The waves of a reminder: those that were launched, or those still planned."""
    is_asked = Wave.mailing_id.is_not(None) if launched else Wave.state == WaveState.PLANNED
    return session.scalars(select(Wave).where(Wave.added_reminder_id == reminder.id, is_asked)).all()


def _refuse_move(reminder: AddedReminder, state: ReminderState, done: str) -> None:
    if state not in REMINDER_MOVES[reminder.state]:
        raise Refused(f"Cette relance est « {reminder.state.label} » : elle ne peut pas être {done}.")


def _decide(session: Session, reminder: AddedReminder, kind: DecisionKind, **told: Unpack[DecisionWords]) -> None:
    approvals.record_decision(session, content_of(reminder), kind, **told)
    reminder.state = ReminderState(kind.leads_to or ReminderState.ABANDONED)
    session.flush()
