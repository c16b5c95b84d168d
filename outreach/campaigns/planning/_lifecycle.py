"""State changes of campaigns and waves: each is checked and recorded; and drafts of a campaign's steps."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from sqlalchemy import func, select

from outreach.access import approvals
from outreach.access.approvals import Content, Decision, DecisionKind, DecisionWords, Thing
from outreach.access.form_drafts import Place
from outreach.adherence import programmes, situation
from outreach.adherence.models import Strand
from outreach.campaigns import experiments
from outreach.campaigns.letter import refuse_unfit, refuse_unreadable
from outreach.campaigns.models import (
    CAMPAIGN_MOVES,
    ENDED,
    ON_ITS_WAY,
    WAVE_MOVES,
    ApprovedLetter,
    Campaign,
    CampaignState,
    CampaignTransition,
    Wave,
    WaveState,
)
from outreach.campaigns.planning._audiences import (
    LACKS_LETTER,
    boxes_corrected,
    broken_off,
    closed_to,
    corrects_another_strand,
    count_campaign_audience,
    lacks_letter,
)
from outreach.campaigns.planning._definitions import Definition
from outreach.campaigns.planning._experiment_plan import NOT_FIRST_COME, draw, follow_resumed, freeze
from outreach.campaigns.planning._schedule import after_closing, move_wave, plan_wave, plan_waves
from outreach.campaigns.planning._sending_hours import refuse_far_away
from outreach.campaigns.planning._wave_criteria import read_criterion
from outreach.campaigns.segments import Boxes, Concerns, from_store, simplify_criterion, to_json
from outreach.core import audit, site
from outreach.core.db import Session, take_lock
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.delivery import received

if TYPE_CHECKING:
    from outreach.access.accounts import User


CONTENT = (
    *("title", "purpose", "colour", "circular", "message_class", "strand_id", "concerns", "criteria", "subject"),
    *("letter", "tracking", "deadline_days", "reminders", "stops_on", "sender_name", "sender_address"),
    *("contact_name", "contact_service", "contact_phone", "contact_email", "preheader", "circular_url", "boxes"),
    *("ladder", "departure_gap", "first_come", "deadline_on"),
)
# An approval from before these were there is valid while they say what was done then.
ADDED = {
    "preheader": "",
    "circular_url": "",
    "boxes": Boxes.BOTH,
    "ladder": "",
    "departure_gap": 0,
    "first_come": None,
    "deadline_on": None,
}
STATED = (
    *("title", "purpose", "colour", "circular_url", "message_class", "concerns", "boxes", "subject", "preheader"),
    *("letter", "ladder", "departure_gap", "first_come", "deadline_on"),
)


def campaign_numbered(session: Session, number: int) -> Campaign:
    """The campaign with this number. Raises NotFound."""
    campaign = session.get(Campaign, number)
    if campaign is None:
        raise unknown_campaign(number)
    return campaign


def unknown_campaign(number: int) -> NotFound:
    """What is raised where no campaign has this number, or none that may be seen."""
    return NotFound(f"Aucune campagne ne porte le numéro {number}.")


def in_turn(session: Session, number: int) -> Campaign:
    """The campaign with this number, for a change: no other process may change it meanwhile. Raises NotFound."""
    take_lock(session, "campaign", number)
    campaign = campaign_numbered(session, number)
    session.refresh(campaign)
    return campaign


def create_campaign(session: Session, stated: Definition, *, now: datetime, author: "User") -> Campaign:
    """Create a draft from a definition. Its contact is the author, unless the definition names a contact.

    A correction goes to the mailboxes that the wrong letter went to, unless the definition says to which.

    Raises NotFound or InputError when the programme or the strand does not exist, Refused where the definition names no
    programme and there are several, or where it invites to join a strand that has closed.
    """
    campaign = draft_of(session, stated, author=author, now=now)
    session.add(campaign)
    session.flush()
    _decide(session, campaign, DecisionKind.WRITTEN, now=now, actor=author.email, reason="créée")
    return campaign


def draft_of(session: Session, stated: Definition, *, now: datetime, author: "User") -> Campaign:
    """The draft that `create_campaign` would write, without writing it: its audience can be counted. Raises as
    `create_campaign` does."""
    strand = programmes.strand_named(session, stated.programme, stated.strand)
    _refuse_closed(session, strand, stated.concerns, now)
    refuse_unreadable(stated.subject, stated.letter)
    refuse_unfit(stated.preheader, stated.circular_url)
    criterion = read_criterion(session, stated.segment.criteria)
    if lacks_letter(stated.concerns, criterion):
        raise InputError(LACKS_LETTER)
    if fault := corrects_another_strand(session, stated.concerns, criterion, strand):
        raise InputError(fault)
    contact = stated.contact
    said = {name: getattr(stated, name) for name in STATED}
    if stated.concerns is Concerns.LISTED and "boxes" not in stated.model_fields_set:
        said["boxes"] = boxes_corrected(session, criterion)
    return Campaign(
        state=CampaignState.DRAFT,
        **said,
        circular=stated.circular or strand.circular,
        strand=strand,
        strand_id=strand.id,
        criteria=to_json(criterion),
        tracking=stated.tracking,
        deadline_days=stated.deadline_days,
        reminders=" ".join(map(str, sorted(set(stated.reminders)))),
        sender_name=stated.sender.name,
        sender_address=stated.sender.address,
        contact_name=contact.name or author.name,
        contact_service=contact.service,
        contact_phone=contact.phone,
        contact_email=contact.email or author.email,
        created_at=now,
        created_by=author.email,
    )


def may_change(campaign: Campaign) -> bool:
    """Whether a campaign's content may still change: not once it has ended, nor while a wave is under way."""
    under_way = {WaveState.RUNNING, WaveState.PAUSED}
    return campaign.state not in ENDED and not any(wave.state in under_way for wave in campaign.waves)


def revise_campaign(
    session: Session, campaign: Campaign, changes: dict[str, Any], *, now: datetime, actor: str
) -> None:
    """Change a campaign's content. If its digest changes, it becomes a draft again and its planned waves are cancelled.

    Raises Refused once it has ended or while a wave is under way, or where it would come to invite to a strand that has
    closed, InputError on a field that is not content.
    """
    unknown = changes.keys() - set(CONTENT) - {"starts_at"}
    if unknown:
        raise InputError(f"Ce champ n’existe pas ou ne se change pas : {', '.join(sorted(unknown))}.")
    if not may_change(campaign):
        raise Refused("Cette campagne est terminée ou en cours d’envoi : elle ne se change plus.")
    refuse_unreadable(changes.get("subject", campaign.subject), changes.get("letter", campaign.letter))
    refuse_unfit(changes.get("preheader", campaign.preheader), changes.get("circular_url", campaign.circular_url))
    if changes.get("strand_id", campaign.strand_id) != campaign.strand_id and campaign.mailing_keys:
        raise Refused("Un courriel de cette campagne est déjà parti : son volet ne se change plus.")
    if not changes.keys().isdisjoint({"strand_id", "concerns", "criteria"}):
        _refuse_another_strand(session, campaign, changes, now)
    before = content_hash(campaign)
    for field, value in changes.items():
        setattr(campaign, field, value)
    if content_hash(campaign) == before:
        return
    if "strand_id" in changes:
        session.flush()
        session.refresh(campaign, ["strand"])
    _refuse_another_gap(session, campaign)
    for wave in campaign.waves:
        if wave.state is WaveState.PLANNED:
            move_wave(session, wave, WaveState.CANCELLED, now=now, actor=actor, note="campagne modifiée")
    done = "modifiée" if campaign.state is CampaignState.DRAFT else "modifiée : la validation est à refaire"
    _decide(session, campaign, DecisionKind.WRITTEN, now=now, actor=actor, reason=done)


def _refuse_another_strand(session: Session, campaign: Campaign, changes: dict[str, Any], now: datetime) -> None:
    """Raises Refused for changes by which a correction would be about another strand than what it corrects, or letters
    would come to invite to a strand that has closed.
    """
    strand = session.get_one(Strand, changes.get("strand_id", campaign.strand_id))
    concerns = Concerns(changes.get("concerns", campaign.concerns))
    criterion = from_store(changes.get("criteria", campaign.criteria))
    if fault := corrects_another_strand(session, concerns, criterion, strand):
        raise Refused(fault)
    if (strand.id, concerns) != (campaign.strand_id, campaign.concerns):
        _refuse_closed(session, strand, concerns, now)


def _refuse_closed(session: Session, strand: Strand, concerns: Concerns, now: datetime) -> None:
    """Raises Refused for a letter that invites to join a strand that has closed."""
    if closed := closed_to(session, concerns, strand, today(now)):
        raise Refused(situation.closing_in_words(closed))


def _refuse_another_gap(session: Session, campaign: Campaign) -> None:
    """Refuse what would change the days that a draw compares, once it is made."""
    drawn = experiments.draw_of(session, campaign.id)
    gap = experiments.window_of(drawn, campaign) if drawn else campaign.departure_gap
    if campaign.departure_gap != gap:
        kept = f"la campagne part en trois départs, à {gap} jours d’intervalle"
        raise Refused(f"Le tirage au sort est fait, et il est final : {kept}.")


def changes_about(campaign: Campaign, strand: Strand) -> dict[str, Any]:
    """The changes by which a campaign is about a strand: its circular follows, unless it was another one."""
    follows = campaign.circular in ("", campaign.strand.circular)
    return {"strand_id": strand.id, "circular": strand.circular if follows else campaign.circular}


def as_if(session: Session, campaign: Campaign, changes: dict[str, Any]) -> Campaign:
    """The campaign with changes that are not saved. It is detached from its session."""
    session.refresh(campaign, ["waves"])
    session.expunge(campaign)
    for field, value in changes.items():
        setattr(campaign, field, value)
    return campaign


def send_back(session: Session, campaign: Campaign, **told: Unpack[DecisionWords]) -> None:
    """Return a campaign that waits for approval to its author, as a draft. Raises Refused in any other state."""
    _decide(session, campaign, DecisionKind.SENT_BACK, **told)


def submit_campaign(session: Session, campaign: Campaign, **told: Unpack[DecisionWords]) -> None:
    """Request approval of a draft, which would reach so many. Raises Refused in any other state.

    Where its departures are drawn by lot, the list and the plan are frozen. Raises Refused where they cannot be drawn.
    """
    _refuse_move(campaign, CampaignState.TO_APPROVE, "soumise")
    campaign.letterhead_id = site.current_letterhead(session).version or None
    campaign.replies_to, campaign.asks_address = received.replies_address(session), True
    _decide(session, campaign, DecisionKind.SUBMITTED, **told)
    attempt = freeze(session, campaign, content_hash(campaign), now=told["now"])
    if attempt is not None:
        said = f"tentative n° {attempt.number}, engagement {attempt.commitment}, liste {attempt.list_digest}"
        said += f", plan {attempt.plan_digest} ; {NOT_FIRST_COME}"
        _note_draw(session, campaign, said, told["now"], told["actor"])


def approve_campaign(session: Session, campaign: Campaign, **told: Unpack[DecisionWords]) -> None:
    """Approve a campaign as it stands, which would reach so many. The reason is what the approver ticked off.

    Where its departures are drawn by lot, the draw is made; a draw that was made before stays. Raises Refused when it
    does not wait for approval, when it has changed since its submission, or when the actor created, changed or
    submitted it.
    """
    had = experiments.draw_of(session, campaign.id)
    _decide(session, campaign, DecisionKind.APPROVED, **told)
    drawn = draw(session, campaign, now=told["now"])
    if drawn is not None and had is None:
        words = f"nombre secret révélé {drawn.nonce}, graine {drawn.seed}"
        _note_draw(session, campaign, words, told["now"], told["actor"])
    said = {"subject": campaign.subject, "preheader": campaign.preheader, "letter": campaign.letter}
    session.merge(ApprovedLetter(campaign_id=campaign.id, digest=content_hash(campaign), **said))


def confirm_extent(session: Session, campaign: Campaign, **told: Unpack[DecisionWords]) -> None:
    """Approve the audience of an approved campaign as it has become. Raises Refused when the actor wrote it."""
    _decide(session, campaign, DecisionKind.CONFIRMED, **told)


def campaign_history(session: Session, campaign: Campaign) -> Sequence[Decision | CampaignTransition]:
    """All that was done about a campaign, the newest first: what was written and decided, and its other moves."""
    moves = session.scalars(
        select(CampaignTransition)
        .where(CampaignTransition.campaign_id == campaign.id)
        .order_by(CampaignTransition.id.desc())
    )
    decisions = approvals.decision_history(session, [subject_of(campaign)])
    return sorted([*decisions, *moves], key=lambda done: done.at, reverse=True)


def schedule_campaign(
    session: Session,
    campaign: Campaign,
    at: datetime | None,
    *,
    now: datetime,
    actor: str,
    earliest: datetime | None = None,
) -> Wave:
    """Plan the first wave of an approved campaign and its reminders; returns the first wave.

    `at` may be left out when the start was approved with the campaign. A start before `earliest` becomes that instant
    (or the next time letters may leave), so that there is time to call it off. Raises Refused when the campaign is not
    approved, when a wave is planned or under way, when `at` is not the approved start, or when the first wave would
    fall after the last day, or one after the day on which the strand closes. Raises InputError when there is no start.
    """
    if not is_approved(session, campaign):
        raise Refused("Cette campagne n’est pas validée : soumettez-la, puis faites-la valider.")
    if any(wave.state in ON_ITS_WAY for wave in campaign.waves):
        raise Refused("Une vague de cette campagne est déjà planifiée ou en cours.")
    planned = plan_waves(session, campaign, now=now, start=at, earliest=earliest)
    if not planned and (at or campaign.starts_at):
        raise Refused("La première vague tomberait après le dernier jour d’envoi : rien ne partirait.")
    if late := after_closing(session, campaign, planned, now):
        raise Refused(late[0])
    if not planned:
        raise InputError("Indiquez le moment de l’envoi, par exemple 2021-05-18 09:30.")
    if at is not None and campaign.starts_at is not None and at != campaign.starts_at:
        raise Refused("La campagne a été validée pour un autre moment : changez-le et faites-la valider de nouveau.")
    refuse_far_away(planned[0].at, now)
    last = session.scalar(select(func.max(Wave.number)).where(Wave.campaign_id == campaign.id)) or 0
    completes = broken_off(campaign)
    launched = sum(wave.mailing_id is not None and wave.mailing_id not in completes for wave in campaign.waves)
    waves = []
    for wave in planned:
        place = wave.reminder if wave.departure else launched + wave.reminder
        waves.append(plan_wave(session, campaign, last + wave.number, place, wave, now, actor))
    _count_departures(session, campaign, waves, now)
    return waves[0]


def _count_departures(session: Session, campaign: Campaign, waves: Sequence[Wave], now: datetime) -> None:
    """Keep with departures that an older draw made whom each would write to, as their list was frozen for another
    content: drift is counted from there."""
    drawn, approved = experiments.draw_of(session, campaign.id), campaign_approval(session, campaign)
    if drawn is None or approved is None or (drawn.campaign_id == campaign.id and drawn.drawn_at == approved.at):
        return
    for departure in sorted({wave.departure for wave in waves if wave.departure}):
        counts = count_campaign_audience(session, campaign, now=now, departure=departure)
        for wave in waves:
            if wave.departure == departure:
                wave.confirmed_authorities, wave.confirmed_letters = counts.written, counts.addresses


def pause_campaign(session: Session, campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Pause a campaign's running waves: no letter leaves after this commit. Raises Refused when none is running."""
    for wave in _waves_in(campaign, WaveState.RUNNING, "Aucune vague de cette campagne n’est en cours."):
        move_wave(session, wave, WaveState.PAUSED, now=now, actor=actor)


def resume_campaign(
    session: Session, campaign: Campaign, *, now: datetime, actor: str, may_approve: bool = False
) -> None:
    """Resume a campaign's paused waves.

    Raises Refused when none is paused, or when an audience has drifted and the actor may not approve.
    """
    waves = _waves_in(campaign, WaveState.PAUSED, "Aucune vague de cette campagne n’est en pause.")
    if any(wave.drifted_from is not None for wave in waves) and not may_approve:
        raise Refused("Le public a changé depuis la validation : la reprise revient à une personne qui valide.")
    for wave in waves:
        move_wave(session, wave, WaveState.RUNNING, now=now, actor=actor)
    follow_resumed(session, campaign, now=now, actor=actor)


def cancel_campaign(session: Session, campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Cancel a campaign and withdraw its letters that have not left. Raises Refused when it has ended."""
    _refuse_move(campaign, CampaignState.CANCELLED, "annulée")
    _decide(session, campaign, DecisionKind.WITHDRAWN, now=now, actor=actor, reason="annulée")
    for wave in campaign.waves:
        if WaveState.CANCELLED in WAVE_MOVES[wave.state]:
            move_wave(session, wave, WaveState.CANCELLED, now=now, actor=actor)


def restore_campaign(session: Session, campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Take a cancelled campaign back to draft. What has left stays; nothing more leaves before a new approval.

    Its next wave completes the one that was broken off (`audiences.broken_off`). Raises Refused in any other state.
    """
    if campaign.state is not CampaignState.CANCELLED:
        raise Refused("Cette campagne n’est pas annulée : il n’y a rien à reprendre.")
    _move(session, campaign, CampaignState.DRAFT, now, actor, "reprise en brouillon")


def close_campaign(session: Session, campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Close a campaign once all its waves are over. Raises Refused otherwise."""
    if any(wave.state in ON_ITS_WAY for wave in campaign.waves):
        raise Refused("Une vague est encore planifiée ou en cours : attendez sa fin, ou annulez la campagne.")
    _move(session, campaign, CampaignState.CLOSED, now, actor, "clôturée")


def is_approved(session: Session, campaign: Campaign) -> bool:
    """Whether a campaign is approved, exactly as it stands."""
    return campaign.state is CampaignState.APPROVED and campaign_approval(session, campaign) is not None


def campaign_approval(session: Session, campaign: Campaign) -> Decision | None:
    """The approval of a campaign as it stands; None where none holds."""
    return approvals.standing_approval(session, content_of(campaign))


def content_of(campaign: Campaign) -> Content:
    """A campaign as decisions are about it."""
    title = campaign.title
    return Content(subject_of(campaign), content_hash(campaign), title, f"Campagne « {title} »")


def content_hash(campaign: Campaign) -> str:
    """The digest of all that an approval is about: letter, criteria, dates, sender, letterhead, where
    answers by mail go, whether it asks about mailboxes, mode (SHA-256, hex)."""
    content = {
        field: str(getattr(campaign, field))
        for field in CONTENT
        if field not in ADDED or getattr(campaign, field) != ADDED[field]
    }
    content["starts_at"] = campaign.starts_at.isoformat() if campaign.starts_at else ""
    content["criteria"] = to_json(simplify_criterion(from_store(campaign.criteria)))
    if campaign.letterhead_id:  # None of what was submitted before letters had one, or without any
        content["letterhead"] = str(campaign.letterhead_id)
    if campaign.replies_to:
        content["replies_to"] = campaign.replies_to
    if campaign.asks_address:
        content["asks_address"] = "True"
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def subject_of(campaign: Campaign) -> str:
    """How the audit and decisions name a campaign."""
    return Thing.CAMPAIGN.subject(campaign.id)


def _waves_in(campaign: Campaign, state: WaveState, otherwise: str) -> list[Wave]:
    waves = [wave for wave in campaign.waves if wave.state is state]
    if not waves:
        raise Refused(otherwise)
    return waves


def _decide(session: Session, campaign: Campaign, kind: DecisionKind, **told: Unpack[DecisionWords]) -> None:
    approvals.record_decision(session, content_of(campaign), kind, **told)
    void = None if kind is DecisionKind.APPROVED else experiments.void_attempt(session, campaign, now=told["now"])
    if void is not None:
        words = f"la tentative n° {void.number} est annulée, son nombre secret était {void.nonce}"
        _note_draw(session, campaign, words, told["now"], told["actor"])
    campaign.state = CampaignState(kind.leads_to or CampaignState.CANCELLED)
    session.flush()


def _note_draw(session: Session, campaign: Campaign, words: str, now: datetime, actor: str) -> None:
    audit.record_entry(
        session, now, actor, f"Campagne « {campaign.title} »{experiments.AUDITED}{words}.", subject_of(campaign)
    )


def _refuse_move(campaign: Campaign, state: CampaignState, done: str) -> None:
    if state not in CAMPAIGN_MOVES[campaign.state]:
        raise Refused(f"Cette campagne est « {campaign.state.label} » : elle ne peut pas être {done}.")


def _move(session: Session, campaign: Campaign, state: CampaignState, now: datetime, actor: str, done: str) -> None:
    _refuse_move(campaign, state, done.partition(" ")[0])
    campaign.state = state
    session.add(
        CampaignTransition(
            campaign_id=campaign.id,
            state=state,
            at=now,
            actor=actor,
            content_hash=content_hash(campaign),
            note=done,
        )
    )
    audit.record_entry(session, now, actor, f"Campagne « {campaign.title} » {done}.", subject_of(campaign))
    session.flush()


# What of a campaign each step shows and saves.
DRAFT_CONTENT = {
    "audience": ("title", "criteria", "concerns", "boxes"),
    "letter": (
        *("message_class", "colour", "tracking", "circular", "circular_url", "subject", "preheader", "letter"),
        *("contact_name", "contact_service", "contact_phone", "contact_email", "sender_name", "sender_address"),
    ),
    "dates": ("starts_at", "reminders", "deadline_days", "stops_on"),
}


def place_of(campaign: Campaign, step: str, user_id: int) -> Place:
    """Where a person types in a step. It tells what is saved as long as that stays the same."""
    saved = json.dumps([str(getattr(campaign, name)) for name in DRAFT_CONTENT[step]] + _chosen_day(campaign, step))
    return Place(user_id, f"campaign:{campaign.id}:{step}", hashlib.sha256(saved.encode()).hexdigest())


def _chosen_day(campaign: Campaign, step: str) -> list[str]:
    """The last day to answer, of a campaign that has one: what was typed before there could be one stays offered."""
    return [str(campaign.deadline_on)] if step == "dates" and campaign.deadline_on else []
